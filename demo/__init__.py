"""`python -m demo`: sync twice into a DuckDB file, check the totals, and write a report on where the credits went."""
