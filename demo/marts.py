"""Open a DuckDB file and read the dbt package's marts from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from verify.duckdb_file import UserError, open_file, schema_of, use

DUCKDB_FILE = "magnific.duckdb"
SANDBOX_TABLE = "demo_sandbox"
"""A table that marks a file as synced from the sandbox, so that invented prices are never applied to real usage."""

Row = dict[str, Any]
COMMAND = "make models WAREHOUSE="


class Marts:
    """An open DuckDB file, with the schema of the marts selected."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path) -> None:
        self._connection = connection
        self._file = file
        self.built = {name for (name,) in connection.execute("show tables").fetchall()}

    def rows(self, sql: str) -> list[Row]:
        """Return the rows of a query. Raises UserError if a mart or a column is missing."""
        try:
            answer = self._connection.execute(sql)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise UserError(
                f"The marts in {self._file} do not match this version: {str(error).splitlines()[0]}. "
                f"If a mart is switched off (+enabled), switch it on. To rebuild the marts:  {COMMAND}{self._file}"
            ) from None
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def rows_if_built(self, mart: str, columns: str, rest: str) -> list[Row]:
        """Return rows of a mart, or no rows if the mart is switched off."""
        return self.rows(f"select {columns} from {mart} {rest}") if mart in self.built else []

    @property
    def start_date(self) -> date:
        """The earliest start date in the saved state, or date.max if the destination does not keep the state."""
        query = "select schema_name as name from duckdb_tables() where table_name = '_airbyte_state'"
        start = "json_extract_string(state_json, '$.stream.stream_state.start_date')"
        found = [
            row["start"]
            for schema in self.rows(query)
            for row in self.rows(f'select try_cast({start} as date) as start from "{schema["name"]}"._airbyte_state')
        ]
        return min(filter(None, found), default=date.max)

    @property
    def is_of_sandbox(self) -> bool:
        """Whether the file was synced from the sandbox, which means that its usage, prices and budgets are invented."""
        return bool(self.rows(f"select 1 from duckdb_tables() where table_name = '{SANDBOX_TABLE}'"))


@contextmanager
def open_marts(file: Path, schema: str | None = None) -> Iterator[Marts]:
    """Open the file and use `schema_of` to select the marts' schema. Raises UserError if the file has no marts."""
    with open_file(file) as connection:
        missing = f"run  {COMMAND}{file}  to build the marts of the dbt package, then try again."
        use(connection, schema_of(connection, file, "magnific__usage", schema, missing))
        yield Marts(connection, file)
