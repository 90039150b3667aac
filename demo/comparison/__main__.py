"""`python -m demo.comparison EXPORT [DUCKDB FILE]`: does the table equal Magnific's own export, to the credit?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from demo.comparison.columns import COLUMNS
from demo.comparison.differences import ZERO, Place, Side, compare
from demo.comparison.export import Choices, Export, Used, read_export
from demo.comparison.page import WIDEST, Page, Told
from demo.comparison.reasons import Known
from demo.comparison.table import Table, first_day, last_day, read_table
from demo.comparison.values import COMMA, DAY_FIRST, MONTH_FIRST, POINT
from demo.origin import FOLDER, DemoError
from demo.periods import Days
from demo.warehouse import DUCKDB_FILE

EQUAL, DIFFERENT, NOT_READ = 0, 1, 2


def _compared(export: Export, export_file: Path, table: Table, table_file: Path, asked: argparse.Namespace) -> Told:
    _refuse_other_periods(export, export_file, table.synced.granularity)
    days = _days(export, table, asked.first, asked.last)
    size, columns = table.synced.granularity, export.headings
    within = [row for row in export.rows if days.first <= row.day <= days.last]
    projects = {name: table.projects.name(name) for name in {row.project for row in within}}

    def place_of(row: Used) -> Place:
        return Place(first_day(row.day, size), row.tool, row.person, projects[row.project], row.group)

    def as_told(place: Place) -> Place:
        """Without what the export has no column for."""
        return Place(
            place.day,
            place.tool,
            place.person if "person" in columns else None,
            place.project if "project" in columns else None,
            place.group if "group" in columns else None,
        )

    theirs = [
        (place_of(row), Side(ZERO if row.uses is None else row.uses, row.credits, (f"line {row.line}",)))
        for row in within
    ]
    earliest = first_day(days.first, size)
    ours = [
        (as_told(place), side if "uses" in columns else Side(ZERO, side.credits, side.found_at))
        for place, side in table.rows
        if earliest <= place.day <= days.last
    ]
    outside = [
        *_outside("export", ((row.day, row.credits) for row in export.rows), days.first, days.last),
        *_outside("table", ((place.day, side.credits) for place, side in table.rows), earliest, days.last),
    ]
    names_nobody = any(row.person is None for row in within)
    known = Known(days, table.synced, (len(export.rows), len(within)), "person" in columns, names_nobody)
    comparison = compare(theirs, ours)
    if comparison.differences:
        outside += _perhaps_periods(export, size)
    return Told(export_file, export, table_file, known, comparison, outside)


def _refuse_other_periods(export: Export, file: Path, granularity: str) -> None:
    """Raises DemoError where the export's dates name periods that may lie in several of the table."""
    if export.size in ("day", granularity) or (export.size, granularity) == ("month", "year"):
        return
    # There is no table by quarter.
    other = "" if export.size == "quarter" else f", or compare with a table by {export.size}"
    raise DemoError(
        f'{file} has {export.size}s instead of days in column "{export.headings["date"]}", and the table is by '
        f"{granularity}: export by day{other}."
    )


def _perhaps_periods(export: Export, granularity: str) -> Iterable[str]:
    """A remark where all days of the export begin a longer period than those of the table are."""
    days = {row.day for row in export.rows}
    longer = [size for size in ("year", "month", "week") if all(day == first_day(day, size) for day in days)]
    if granularity == "day" and len(days) > 1 and longer:
        yield (
            f"Each date of the export is the first day of a {longer[0]}. If it stands for all of it, export by day, or "
            f"compare with a table by {longer[0]}."
        )


def _days(export: Export, table: Table, first: date | None, last: date | None) -> Days:
    """Those that are asked for, else those of the export, else, where it has no rows, those of the table."""
    size = table.synced.granularity
    there = [day for row in export.rows for day in (row.day, last_day(row.day, export.size))]
    if not there:
        there = [day for place, _ in table.rows for day in (place.day, last_day(place.day, size))]
    there = there or [day for day in (table.synced.first, table.synced.through) if day]
    if not there and not (first and last):
        raise DemoError(
            "Neither the export nor the table holds any usage, so that no days are known: say which were to be "
            "compared, with  --from  and  --to ."
        )
    days = Days(first or min(there), last or max(there))
    if days.first > days.last:
        raise DemoError(f"No days lie from {days.first} to {days.last}: correct  --from  or  --to .")
    return days


def _outside(side: str, usage: Iterable[tuple[date, Decimal]], first: date, last: date) -> Iterable[str]:
    left = [(day, credits) for day, credits in usage if not first <= day <= last]
    if left:
        credits = sum((credits for _, credits in left), ZERO)
        days = sorted({day for day, _ in left})
        which = f"on {days[0]}" if len(days) == 1 else f"on {len(days):,} other days, {days[0]} to {days[-1]}"
        yield (f"The {side} also holds {credits:,f} credits {which}: not compared, unless  --from  and  --to  say so.")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m demo.comparison",
        description="Compare the CSV export of Magnific's dashboard with the synced table credit_usage, row by row and "
        "by tool and day. Exit code 0: equal; 1: different; 2: could not be read.",
    )
    add = parser.add_argument
    add("export", type=Path, help="the CSV file")
    add("duckdb_file", nargs="?", type=Path, default=FOLDER / DUCKDB_FILE, help=f"default: {FOLDER / DUCKDB_FILE}")
    add("--schema", help="where the table is, if in several schemas of the file")
    add("--from", dest="first", type=_day, metavar="DAY", help="first day to compare; default: the export's first")
    add("--to", dest="last", type=_day, metavar="DAY", help="last day to compare; default: the export's last")
    add("--people", action="store_true", help="show addresses, which are left out otherwise")
    add("--all", action="store_true", help="show every difference, not the largest alone")
    add(
        "--column",
        dest="columns",
        action="append",
        default=[],
        type=_column,
        metavar="NAME=HEADING",
        help=f"the heading of a column that is not recognised; NAME is one of {', '.join(COLUMNS)}",
    )
    add("--dates", choices=(DAY_FIRST, MONTH_FIRST), help="how dates such as 05/03/2026 are meant")
    add("--decimal-mark", choices=(COMMA, POINT), help="how figures such as 1,234 are meant")
    add("--encoding", help="of the file, if neither UTF-8 nor UTF-16, such as cp1252")
    return parser.parse_args(argv)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-03-05") from None


def _column(text: str) -> tuple[str, str]:
    name, _, heading = text.partition("=")
    if name not in COLUMNS or not heading:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=HEADING with a NAME of {', '.join(COLUMNS)}")
    return name, heading


def main(argv: Sequence[str] | None = None) -> int:
    asked = _arguments(argv)
    choices = Choices(dict(asked.columns), asked.dates, asked.decimal_mark, asked.encoding, asked.people)
    try:
        export = read_export(asked.export, choices)
        table = read_table(asked.duckdb_file, asked.schema)
        told = _compared(export, asked.export, table, asked.duckdb_file, asked)
    except DemoError as error:
        print(error, file=sys.stderr)
        return NOT_READ
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = min(console.width, WIDEST)
    Page(console, asked.people, asked.all).tell(told)
    return DIFFERENT if told.comparison.differences else EQUAL


if __name__ == "__main__":
    sys.exit(main())
