"""Keep the member history, which no sync can restore, when a run replaces the DuckDB file."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb

from demo.marts import SANDBOX_TABLE

_HISTORY = "magnific__members_history"


def keep_history(last: Path, new: Path) -> Path | None:
    """Copy the last run's history into the new file, after the sync and before dbt builds the models.

    If the last run was for another team, or its file cannot be opened, keep a copy of that file instead and return the
    copy's path. The sandbox's history is invented, so it is not kept.
    """
    if not last.is_file():
        return None
    with duckdb.connect(new) as connection, suppress(duckdb.Error):
        path = str(last).replace("'", "''")
        connection.execute(f"attach '{path}' as last (read_only)")
        query = "select table_name from duckdb_tables() where database_name = ?"
        before = {name for (name,) in connection.execute(query, ["last"]).fetchall()}
        if _HISTORY not in before or SANDBOX_TABLE in before:
            return None
        is_sandbox = connection.execute(
            "select 1 from duckdb_tables() where table_name = ?", [SANDBOX_TABLE]
        ).fetchall()
        known = f"select 1 from last.models.{_HISTORY} join main.members on user_email = lower(trim(email)) limit 1"
        if not is_sandbox and connection.execute(known).fetchall():
            connection.execute(f"create schema models; create table models.{_HISTORY} as from last.models.{_HISTORY}")
            return None
    written = datetime.fromtimestamp(last.stat().st_mtime)
    return Path(shutil.copy2(last, new.with_name(f"{last.stem}-{written:%Y-%m-%d-%H%M%S}{last.suffix}")))
