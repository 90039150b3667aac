"""The DuckDB file as SQL sees it: the tables of the streams, empty where they are missing, and named queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from demo.origin import DemoError

DUCKDB_FILE = "magnific.duckdb"
SANDBOX_TABLE = "demo_sandbox"
"""Beside the tables of a sync from the sandbox, so that nobody's real usage gets invented prices."""

SQL = Path(__file__).parent / "sql"

_COLUMNS = {
    "credit_usage": "usage_id varchar, date date, granularity varchar, tool varchar, user_email varchar, "
    "user_uses bigint, user_credits bigint, project_reference varchar, project_name varchar, group_name varchar, "
    "_airbyte_extracted_at timestamp",
    "credit_usage_by_api_key": "usage_id varchar, date date, granularity varchar, api_key_id varchar, tool varchar, "
    "user_email varchar, user_uses bigint, user_credits bigint, project_reference varchar, project_name varchar, "
    "group_name varchar, _airbyte_extracted_at timestamp",
    "members": "email varchar, role varchar, status varchar",
    "api_keys": "api_key_id varchar, display_name varchar, status varchar, created_at timestamp",
    "groups": "group_id bigint, name varchar, member_count bigint",
    "projects": "project_reference varchar, name varchar",
    "_airbyte_state": "stream_name varchar, state_json varchar",
}

Row = dict[str, Any]


class Warehouse:
    """An open DuckDB file; every query is a file in `sql/`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, query: str) -> list[Row]:
        """The rows that `sql/query.sql` answers, as dictionaries by column."""
        answer = self._connection.execute((SQL / f"{query}.sql").read_text())
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


@contextmanager
def open_warehouse(file: Path, schema: str | None = None) -> Iterator[Warehouse]:
    """The file, opened for reading alone. Raises DemoError where it is not there or not DuckDB's.

    schema: the one that was synced into; None where the file has one alone, or the usual one, main.
    """
    if not file.is_file():
        raise DemoError(f"There is no {file}: run  make demo  first, or name a DuckDB file.")
    try:
        connection = duckdb.connect(file, read_only=True)
    except duckdb.Error as error:
        raise DemoError(f"{file} cannot be opened as a DuckDB file: {error}") from None
    with connection:
        chosen = _schema(connection, file, schema)
        [(catalog,)] = connection.execute("select current_catalog()").fetchall()
        connection.execute(f"use {quoted(catalog)}.{quoted(chosen)}")
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = ?", [chosen]).fetchall()
        there = {name for (name,) in tables}
        # A table that was never synced is an empty one, so that no query has to ask.
        for name, columns in _COLUMNS.items():
            if name not in there:
                connection.execute(f"create temp table {name} ({columns})")
        connection.execute((SQL / "views.sql").read_text())
        yield Warehouse(connection)


def _schema(connection: duckdb.DuckDBPyConnection, file: Path, wanted: str | None) -> str:
    query = "select distinct schema_name from duckdb_tables() where table_name = 'credit_usage' order by schema_name"
    synced = [name for (name,) in connection.execute(query).fetchall()]
    if wanted and wanted not in synced:
        raise DemoError(
            f"{file} has no credit_usage in a schema {wanted}; it has one in {', '.join(synced) or 'none'}."
        )
    if len(synced) > 1 and not wanted and "main" not in synced:
        raise DemoError(f"{file} has credit_usage in several schemas, {', '.join(synced)}: name one with  --schema .")
    return wanted or ("main" if "main" in synced or not synced else synced[0])


def quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
