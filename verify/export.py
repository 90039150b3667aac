"""The dashboard's CSV, read by DuckDB. Nobody documents how it is written: each error names an option that may help."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

# The headings that need no option, in small letters and single spaces.
COLUMNS = {
    "date": ("date", "day"),
    "tool": ("tool",),
    "person": ("user email", "email", "user"),
    "uses": ("usage count", "uses", "user uses"),
    "credits": ("credits", "user credits"),
    "project": ("project", "project name"),
    "group": ("group", "group name"),
}
NEEDED = ("date", "tool", "credits")
_TYPES = {"date": "date", "uses": "decimal(38, 6)", "credits": "decimal(38, 6)"}
_REMEDIES = {
    "INVALID ENCODING": "is not in the encoding: say  --encoding , such as latin-1 .",
    "date": "has no date as expected: say  --dateformat , such as %d.%m.%Y , or take the row away if it is a sum.",
    "tool": "has no tool: enter it, or take the row away if it is a sum.",
    "figure": "has no figure as expected: say  --decimal , such as a comma, and  --thousands , or correct it.",
}
# The first row that cannot be counted.
_UNCOUNTED = """
    select line, column_name, error_type::varchar from reject_errors
    union all
    select row, case when date is null then 'date' when tidy(tool) is null then 'tool' else 'credits' end, 'CAST'
    from export where date is null or tidy(tool) is null or credits is null
    order by line limit 1
"""


class ComparisonError(Exception):
    """Something the person at the terminal can mend; its text is what they read."""


def read_export(
    connection: duckdb.DuckDBPyConnection, file: Path, csv: Mapping[str, Any], named: Mapping[str, str]
) -> dict[str, str]:
    """Make the table `export` of the file's rows, behind `table.sql`; returns the headings by the names of `COLUMNS`.

    csv: options of DuckDB's reader. named: headings that are said, by the names of `COLUMNS`. Raises ComparisonError.
    """
    if not file.is_file():
        raise ComparisonError(f"There is no file {file}: name the CSV that the dashboard exported.")
    csv = {"file": str(file), "quote": '"', "escape": '"', "comment": "", **csv}
    try:
        headings = _headings(connection, file, csv)
        found = {name: _position(file, name, headings, named) for name in COLUMNS}
        names = {number: name for name, number in found.items() if number is not None}
        columns = [names.get(number, f"other_{number}") for number in range(len(headings))]
        types = {name: _TYPES.get(name, "varchar") for name in columns}
        strict = {"header": True, "columns": types, "store_rejects": True, "parallel": False}
        selected = ", ".join(f'"{name}"' if name in types else f'null as "{name}"' for name in COLUMNS)
        # Rows are numbered as a spreadsheet does.
        query = f"select row_number() over () + 1 + $skip as row, {selected} from {_reader(csv | strict)}"
        connection.execute(f"create temp table export as {query}", csv | strict)
    except duckdb.Error as error:
        # Of what it says, the first line alone has nothing of the file.
        raise ComparisonError(
            f"{file} is no CSV as expected ({str(error).splitlines()[0]}): see that it is whole, with each quote closed, "
            "or say  --delimiter , --encoding  or  --skip , how many lines stand above the headings."
        ) from None
    if uncounted := connection.execute(_UNCOUNTED).fetchone():
        row, name, kind = uncounted
        wrong = "has quotes or a number of cells that do not fit: download the export again, or take the row away."
        what = name if name in ("date", "tool") else "figure"
        remedy = _REMEDIES[what] if kind == "CAST" else _REMEDIES.get(kind, wrong)
        raise ComparisonError(f"Row {row} of {file}, column {_shown(headings[columns.index(name)])}, {remedy}")
    return {name: headings[number] for name, number in found.items() if number is not None}


def _reader(options: Mapping[str, Any]) -> str:
    return f"read_csv({', '.join(f'{name} = ${name}' if name != 'file' else '$file' for name in options)})"


def _headings(connection: duckdb.DuckDBPyConnection, file: Path, csv: dict[str, Any]) -> list[str]:
    # What is wrong in a row below is said when the rows are read.
    lenient = {"header": False, "all_varchar": True, "ignore_errors": True, "strict_mode": False, "null_padding": True}
    first = connection.execute(f"select * from {_reader(csv | lenient)} limit 1", csv | lenient).fetchone()
    if not first or not any(first):
        raise ComparisonError(f"{file} is empty, without even headings: download the export again.")
    return [str(cell or "") for cell in first]


def _position(file: Path, name: str, headings: list[str], named: Mapping[str, str]) -> int | None:
    plain = [_plain(heading) for heading in headings]
    for wanted in map(_plain, (named[name],) if name in named else COLUMNS[name]):
        if plain.count(wanted) > 1:
            raise ComparisonError(f'{file} has two headings "{wanted}": rename the one that is not {name}.')
        if wanted in plain:
            return plain.index(wanted)
    if name in NEEDED or name in named:
        raise ComparisonError(
            f"{file} has no heading for {name}; its headings are {', '.join(map(_shown, headings[:8]))}. Name the "
            f'column, such as  --column "{name}=Points" , or say  --delimiter , --encoding  or  --skip .'
        )
    return None


def _plain(heading: str) -> str:
    r"""A heading without what nobody sees or means.

    >>> _plain("\ufeffUser_email\u200b"), _plain("usage\ncount ")
    ('user email', 'usage count')
    """
    return " ".join(re.sub(r"[\W_]+", " ", heading).lower().split())


def _shown(text: str) -> str:
    """A heading in one short line, and without an address, should the file have no headings.

    >>> _shown("480 credits"), _shown("nora@team.example")
    ('"480 credits"', '(not shown: it may be an address)')
    """
    if "@" in text:
        return "(not shown: it may be an address)"
    return f'"{"".join(sign if sign.isprintable() else " " for sign in text[:40])}"'
