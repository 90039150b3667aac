"""Benchmark the connector against a script, a Singer tap and a low-code manifest. Slow results do not cause errors."""
