"""Benchmarks of the connector, a script, a Singer tap and a low-code manifest. A slow run is not an error."""
