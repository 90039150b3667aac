"""The DuckDB file as SQL sees it: the tables of the streams, empty where they are missing, and named queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from demo.origin import DemoError, Expected

DUCKDB_FILE = "magnific.duckdb"

SQL = Path(__file__).parent / "sql"
STARTING_POINTS = Path(__file__).parent.parent / "docs" / "queries"

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
    "demo_origin": "said_by varchar, granularity varchar, first date, last date",
    "demo_expected": "date date, tool varchar, user_uses bigint, user_credits bigint",
}

Row = dict[str, Any]


class Warehouse:
    """An open DuckDB file; every query is a file in `sql/` or `docs/queries/`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, query: str, folder: Path = SQL) -> list[Row]:
        """The rows that `folder/query.sql` answers, as dictionaries by column."""
        answer = self._connection.execute((folder / f"{query}.sql").read_text())
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


def save_expected(file: Path, expected: Expected) -> None:
    """Keep what the sums must be beside the data, where the report finds it."""
    with duckdb.connect(file) as connection:
        for name in ("demo_origin", "demo_expected"):
            connection.execute(f"create or replace table {name} ({_COLUMNS[name]})")
        connection.execute(
            "insert into demo_origin values (?, ?, ?, ?)",
            [expected.said_by, expected.granularity, expected.first, expected.last],
        )
        if expected.totals:
            # In one statement, since DuckDB takes a millisecond for each.
            columns = [list(column) for column in zip(*expected.totals, strict=True)]
            connection.execute("insert into demo_expected select unnest(?), unnest(?), unnest(?), unnest(?)", columns)
