"""`python -m verify.compare EXPORT [DUCKDB FILE]`: compare the table with Magnific's own export, to the credit."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from verify import show
from verify.comparison_page import Comparison
from verify.difference_reasons import LOOKBACK_DAYS, Row
from verify.duckdb_file import UserError, open_file, synced_schema, use
from verify.export_file import COLUMNS, read_export

DUCKDB_FILE = Path("demo-output/magnific.duckdb")
SQL = Path(__file__).parent
# To detect renames, `renamed_rows.sql` pairs rows that have the same figures and agree in one of these sets of columns.
_SAME = (
    "day, tool, person",
    'day, tool, project, "group", person is null',
    'day, person, project, "group"',
    "day, tool, person is null",
)
_MAY_BE_MISSING = {
    "projects": "project_reference varchar, name varchar",
    "_airbyte_state": "stream_name varchar, state_json varchar",
}
# The options of DuckDB's CSV reader, each with our command-line option, its default and its help text.
_CSV: dict[str, tuple[str, Any, str]] = {
    "delim": ("--delimiter", ",", "the character between cells"),
    "decimal_separator": ("--decimal", ".", "the decimal separator"),
    "thousands": ("--thousands", None, "the thousands separator"),
    "dateformat": ("--dateformat", "%Y-%m-%d", "how dates are written, such as %%d.%%m.%%Y or, for months, %%Y-%%m"),
    "encoding": ("--encoding", "utf-8", "utf-8, utf-16 or latin-1"),
    "skip": ("--skip", 0, "the number of lines above the headings"),
    "nullstr": ("--nothing", None, "the text that stands for an empty cell, such as n/a"),
}
# If all dates in the export are first days of periods (at the table's granularity), each stands for its whole period.
_ASKED = """
    create temp table asked as
    select ?::varchar[] as columns, ?::integer as lookback,
        coalesce(?::date, min(export.date), (select min(date) from usage), any_value(synced.first_day)) as first_day,
        coalesce(
            ?::date,
            if(bool_and(date = first_of(date, granularity)), max(last_of(date, granularity)), max(date)),
            (select max(last_of(date, granularity)) from usage),
            any_value(through)) as last_day
    from synced left join export on true
"""


@contextmanager
def open_table(file: Path, wanted: str | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the synced file read-only and select the schema that has `credit_usage`. Raises UserError."""
    with open_file(file) as connection:
        use(connection, synced_schema(connection, file, wanted))
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = current_schema()")
        names = tables.fetchall()
        for name, columns in _MAY_BE_MISSING.items():
            if (name,) not in names:
                connection.execute(f"create temp table {name} ({columns})")
        yield connection


def compared(connection: duckdb.DuckDBPyConnection, asked: argparse.Namespace) -> Comparison:
    """Compare the table with the export. Raises UserError if the export is unreadable or no days can be compared."""
    csv = {name: value for name in _CSV if (value := getattr(asked, name)) is not None}
    connection.execute((SQL / "synced_table.sql").read_text())
    headings = read_export(connection, asked.export, csv, dict(asked.column))
    connection.execute(_ASKED, [list(headings), LOOKBACK_DAYS, asked.first, asked.last])
    [days] = _rows(connection, "from asked")
    if not days["first_day"] or not days["last_day"] or days["first_day"] > days["last_day"]:
        raise UserError("There are no days to compare. Choose days with  --from  and  --to .")
    connection.execute((SQL / "differences.sql").read_text())
    for same in _SAME:
        connection.execute((SQL / "renamed_rows.sql").read_text().replace("SAME", same))
    [synced] = _rows(connection, "from synced")
    [rows] = _rows(connection, "select (select count(*) from export) as exported, count(*) as compared from places")
    span = f"synced from {synced['first_day']} through {synced['through']}, most recently at {synced['synced_at']} UTC"
    sources = {
        "export": f"{asked.export}, {rows['exported']:,} rows",
        "columns": ", ".join(f'{name} "{heading}"' for name, heading in headings.items()),
        "missing": ", ".join(name for name in COLUMNS if name not in headings),
        "table": f"{asked.duckdb_file}, by {synced['granularity']}, {span if synced['through'] else 'without usage'}",
        "days": f"{days['first_day']} to {days['last_day']}, in UTC",
    }
    sums = _rows(connection, "from sums order by abs(credits) desc, abs(uses) desc, day, tool")
    return Comparison(sources, synced, rows["compared"], sums, _rows(connection, "from differing"), asked.people)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    found = connection.execute(query)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m verify.compare",
        description="Compare the CSV export of Magnific's dashboard with the synced table credit_usage, row by row and "
        "by tool and day. Exit codes: 0 if they are equal, 1 if they differ, 2 if either cannot be read.",
    )
    add = parser.add_argument
    add("export", type=Path, help="the CSV file")
    add("duckdb_file", nargs="?", type=Path, default=DUCKDB_FILE, help=f"default: {DUCKDB_FILE}")
    add("--schema", help="schema of the table, if several schemas in the file have it")
    add("--from", dest="first", type=_day, metavar="DAY", help="first day to compare; default: the export's first")
    add("--to", dest="last", type=_day, metavar="DAY", help="last day to compare; default: the export's last")
    add("--people", action="store_true", help="show email addresses, which are hidden by default")
    add("--all", action="store_true", help="show every difference, not only the largest ones")
    named = f"for an unrecognized heading: read column NAME from column HEADING; NAME is one of {', '.join(COLUMNS)}"
    add("--column", action="append", default=[], type=_column, metavar="NAME=HEADING", help=named)
    for name, (option, default, meaning) in _CSV.items():
        add(option, dest=name, default=default, type=int if name == "skip" else str, help=meaning)
    return parser.parse_args(argv)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-03-05") from None


def _column(text: str) -> tuple[str, str]:
    name, _, heading = text.partition("=")
    if name not in COLUMNS or not heading:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=HEADING, where NAME is one of {', '.join(COLUMNS)}")
    return name, heading


def main(argv: Sequence[str] | None = None) -> int:
    asked = _arguments(argv)
    try:
        with open_table(asked.duckdb_file, asked.schema) as connection:
            found = compared(connection, asked)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    show(found.page(asked.all))
    return 1 if found.differing else 0


if __name__ == "__main__":
    sys.exit(main())
