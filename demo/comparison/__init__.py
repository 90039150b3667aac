"""Magnific's own CSV export against the synced table: `python -m demo.comparison`.

`cells`, `columns` and `values` make rows of a file whose form nobody documents (`export`); `table` reads the DuckDB
file; `differences` and `reasons` are pure; `page` says it.
"""
