"""`python -m demo`: sync twice into a DuckDB file, check the totals, and write a report of where the credits went."""
