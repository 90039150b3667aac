"""Benchmarks: where the connector stands against a raw floor, a Singer tap and a low-code manifest of the same streams.

`python -m benchmarks [case ...] [--runs N]` measures whole processes, prints the tables and writes them
into `docs/performance.md`. Nothing here passes or fails on time.
"""
