"""`python -m demo`: two syncs into a DuckDB file, the totals checked, and a report of where the credits went."""
