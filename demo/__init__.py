"""`python -m demo`: two syncs into a DuckDB file, the sums checked, and a report of where the credits went."""
