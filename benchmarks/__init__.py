"""Benchmark the connector against a script, a Singer tap and a low-code manifest. A slow result is not an error."""
