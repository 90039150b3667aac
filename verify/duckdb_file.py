"""Open a DuckDB file and find the schema of its tables. All commands that read such files use this module."""

from pathlib import Path

import duckdb


class UserError(Exception):
    """An error that the user can fix. Its message is shown to the user."""


def open_file(file: Path) -> duckdb.DuckDBPyConnection:
    """Open the file for reading. Raises UserError if it is not a DuckDB file."""
    if not file.is_file():
        raise UserError(f"There is no {file}: run  make demo  first, or name a DuckDB file.")
    try:
        return duckdb.connect(file, read_only=True)
    except duckdb.Error as error:
        raise UserError(f"{file} cannot be opened as a DuckDB file: {error}") from None


def schema_of(connection: duckdb.DuckDBPyConnection, file: Path, table: str, wanted: str | None, missing: str) -> str:
    """Return the schema that has the table: `wanted` if given, otherwise main, otherwise the only one. If no schema
    has the table, raises UserError with the advice `missing`."""
    query = "select schema_name from duckdb_tables() where table_name = ? order by all"
    schemas = [name for (name,) in connection.execute(query, [table]).fetchall()]
    if not schemas:
        raise UserError(f"{file} has no table {table}: {missing}")
    schema = wanted or ("main" if "main" in schemas else schemas[0] if len(schemas) == 1 else "")
    if schema not in schemas:
        raise UserError(f"{file} has {table} in {', '.join(schemas)}: choose one with  --schema .")
    return str(schema)


def synced_schema(connection: duckdb.DuckDBPyConnection, file: Path, wanted: str | None) -> str:
    missing = "sync that stream into it, or name another file."
    return schema_of(connection, file, "credit_usage", wanted, missing)


def use(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Make `schema` the current schema of the connection."""
    [(catalog,)] = connection.execute("select current_catalog()").fetchall()
    quoted = ['"' + name.replace('"', '""') + '"' for name in (catalog, schema)]
    connection.execute(f"use {'.'.join(quoted)}")
