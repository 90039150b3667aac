"""The marts of the dbt package in a DuckDB file, opened for reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from demo.origin import DemoError

DUCKDB_FILE = "magnific.duckdb"
SANDBOX_TABLE = "demo_sandbox"
"""A table that marks a sync from the sandbox, so that real usage never gets invented prices."""

Row = dict[str, Any]
COMMAND = "make models WAREHOUSE="


class Marts:
    """An open file, with the schema of the marts selected."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path) -> None:
        self._connection = connection
        self._file = file

    def rows(self, sql: str) -> list[Row]:
        """Raises DemoError if a mart or a column is missing."""
        try:
            answer = self._connection.execute(sql)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise DemoError(
                f"The marts in {self._file} are not those of this version: {str(error).splitlines()[0]}. "
                f"Build them again:  {COMMAND}{self._file}"
            ) from None
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def rows_if_built(self, mart: str, columns: str, rest: str) -> list[Row]:
        """Returns no rows if the package was built without the mart."""
        query = "select 1 from duckdb_tables() where table_name = ? and schema_name = current_schema()"
        is_built = self._connection.execute(query, [mart]).fetchall()
        return self.rows(f"select {columns} from {mart} {rest}") if is_built else []

    @property
    def is_of_sandbox(self) -> bool:
        """Whether usage, prices and budgets are invented."""
        return bool(self.rows(f"select 1 from duckdb_tables() where table_name = '{SANDBOX_TABLE}'"))


def open_file(file: Path) -> duckdb.DuckDBPyConnection:
    """Open the file for reading. Raises DemoError if it is not a DuckDB file."""
    if not file.is_file():
        raise DemoError(f"There is no {file}: run  make demo  first, or name a DuckDB file.")
    try:
        return duckdb.connect(file, read_only=True)
    except duckdb.Error as error:
        raise DemoError(f"{file} cannot be opened as a DuckDB file: {error}") from None


@contextmanager
def open_marts(file: Path, schema: str | None = None) -> Iterator[Marts]:
    """Open the file and its marts. `schema` is needed if several have marts. Raises DemoError if there are none."""
    with open_file(file) as connection:
        query = "select schema_name from duckdb_tables() where table_name = 'magnific__usage' order by schema_name"
        found = [name for (name,) in connection.execute(query).fetchall()]
        if not found or (schema and schema not in found):
            where = f"no marts in a schema {schema}" if schema and found else "no marts of the dbt package yet"
            raise DemoError(f"{file} has {where}: run  {COMMAND}{file}  to build them, then try again.")
        if len(found) > 1 and not schema:
            raise DemoError(f"{file} has marts in several schemas, {', '.join(found)}: name one with  --schema .")
        [(catalog,)] = connection.execute("select current_catalog()").fetchall()
        connection.execute(f"use {_quoted(catalog)}.{_quoted(schema or found[0])}")
        yield Marts(connection, file)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
