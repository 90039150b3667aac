"""Read the dashboard's CSV with DuckDB. Its format is undocumented and may vary, so each error says what to try."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from verify.duckdb_file import UserError

# The headings that are recognized without an option, in lower case with single spaces.
COLUMNS = {
    "date": ("date", "day"),
    "tool": ("tool",),
    "person": ("user email", "email", "user"),
    "uses": ("usage count", "uses", "user uses"),
    "credits": ("credits", "user credits"),
    "project": ("project", "project name"),
    "group": ("group", "group name"),
}
_TYPES = dict.fromkeys(COLUMNS, "varchar") | {"date": "date", "uses": "decimal(38, 6)", "credits": "decimal(38, 6)"}
_REMEDIES = {
    "date": "has no date in the expected format: use  --dateformat  (for example, %d.%m.%Y), or remove the row if "
    "it is a total.",
    "tool": "has no tool: enter it, or remove the row if it is a total.",
    "figure": "has no figure in the expected format: use  --decimal  (for example, a comma) and  --thousands , or "
    "correct the figure.",
    "encoding": "is not in the expected encoding: use  --encoding  (for example, latin-1).",
    "cells": "has unbalanced quotes or the wrong number of cells: download the export again, or remove the row.",
}
# Find the first row that cannot be read.
_UNCOUNTED = """
    select line, column_name, case error_type::varchar when 'INVALID ENCODING' then 'encoding'
        when 'CAST' then if(column_name = 'date', 'date', 'figure') else 'cells' end
    from reject_errors
    union all select row, 'date', 'date' from export where date is null
    union all select row, 'tool', 'tool' from export where tidy(tool) is null
    union all select row, 'credits', 'figure' from export where credits is null
    order by line limit 1
"""


def read_export(
    connection: duckdb.DuckDBPyConnection, file: Path, csv: Mapping[str, Any], named: Mapping[str, str]
) -> dict[str, str]:
    """Create the table `export` from the file; return its headings, keyed like `COLUMNS`. Run `synced_table.sql` first.

    `csv` has options for DuckDB's reader, and `named` has the user's headings, keyed like `COLUMNS`. Raises UserError.
    """
    if not file.is_file():
        raise UserError(f"There is no file {file}: name the CSV that the dashboard exported.")
    csv = {"quote": '"', "escape": '"', "comment": "", "auto_detect": False, **csv}
    try:
        headings = _headings(connection, file, csv)
        found = {name: _position(file, name, headings, named) for name in COLUMNS}
        columns = [next((name for name in found if found[name] == n), f"other_{n}") for n in range(len(headings))]
        types = {name: _TYPES.get(name, "varchar") for name in columns}
        selected = [f'"{name}"' if name in types else f'null::{_TYPES[name]} as "{name}"' for name in COLUMNS]
        # Number rows as a spreadsheet does.
        query = f"create temp table export as select row_number() over () + 1 + $skip as row, {', '.join(selected)}"
        _read(connection, query, file, {**csv, "header": True, "columns": types, "store_rejects": True})
    except duckdb.Error as error:
        # Show only the first line of the error, because the other lines can contain data from the file.
        raise UserError(
            f"{file} is not a CSV in the expected format ({str(error).splitlines()[0]}). Check that it is complete and "
            "every quote is closed, or use  --delimiter , --encoding  or  --skip  (lines above the headings)."
        ) from None
    for row, name, problem in connection.execute(_UNCOUNTED).fetchall():
        raise UserError(f"Row {row} of {file}, column {_shown(headings[columns.index(name)])}, {_REMEDIES[problem]}")
    return {name: headings[number] for name, number in found.items() if number is not None}


def _read(connection: duckdb.DuckDBPyConnection, query: str, file: Path, csv: Mapping[str, Any]) -> Any:
    options = "".join(f", {name} = ${name}" for name in csv)
    return connection.execute(f"{query} from read_csv($file{options})", {"file": str(file), **csv}).fetchone()


def _headings(connection: duckdb.DuckDBPyConnection, file: Path, csv: Mapping[str, Any]) -> list[str]:
    # Ignore errors in the rows here. They are reported when the rows are read.
    lenient = {"ignore_errors": True, "null_padding": True, "strict_mode": False, "parallel": False, "header": False}
    cells = {f"cell_{number}": "varchar" for number in range(99)}
    first = _read(connection, "select *", file, {**csv, **lenient, "columns": cells})
    if not first or not any(first):
        raise UserError(f"{file} is empty and has no headings: download the export again.")
    return [cell or "" for cell in first[: 1 + max(number for number, cell in enumerate(first) if cell)]]


def _position(file: Path, name: str, headings: list[str], named: Mapping[str, str]) -> int | None:
    plain = [_plain(heading) for heading in headings]
    for wanted in map(_plain, (named[name],) if name in named else COLUMNS[name]):
        if plain.count(wanted) > 1:
            raise UserError(f'{file} has two headings "{wanted}": rename the one that is not {name}.')
        if wanted in plain:
            return plain.index(wanted)
    if name in ("date", "tool", "credits", *named):
        raise UserError(
            f"{file} has no heading for {name}; its headings are {', '.join(map(_shown, headings[:8]))}. Name the "
            f'column, for example with  --column "{name}=Points" , or use  --delimiter , --encoding  or  --skip .'
        )
    return None


def _plain(heading: str) -> str:
    r"""Return a heading in lower case, without invisible characters or punctuation.

    >>> _plain("\ufeffUser_email\u200b"), _plain("usage\ncount ")
    ('user email', 'usage count')
    """
    return " ".join(re.sub(r"[\W_]+", " ", heading).lower().split())


def _shown(text: str) -> str:
    """Return a heading as one short line. Hide email addresses, because the first line may be data.

    >>> _shown("480 credits"), _shown("nora@team.example")
    ('"480 credits"', '(not shown: it may be an address)')
    """
    if "@" in text:
        return "(not shown: it may be an address)"
    return f'"{"".join(sign if sign.isprintable() else " " for sign in text[:40])}"'
