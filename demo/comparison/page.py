"""What a comparison says, on one page of text for a terminal or a file."""

from __future__ import annotations

import re
import textwrap
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from demo.comparison.differences import NOTHING, Comparison, Difference, Side
from demo.comparison.export import Export
from demo.comparison.reasons import Known, letters, other_things, reasons, words

USUAL_ROWS = 10
WIDEST = 100
NO_ROW, MINUS, MIDDLE_DOT = "\N{EN DASH}", "\N{MINUS SIGN}", "\N{MIDDLE DOT}"


@dataclass(frozen=True)
class Told:
    """All that the page tells of. outside: usage of either side that lies outside the compared days, in words."""

    export_file: Path
    export: Export
    table_file: Path
    known: Known
    comparison: Comparison
    outside: Sequence[str]


@dataclass(frozen=True)
class Page:
    """Where it is printed. Addresses are shown where `people`; all rows, not the largest alone, where `everything`."""

    console: Console
    people: bool
    everything: bool

    def tell(self, told: Told) -> None:
        comparison, known = told.comparison, told.known
        found = reasons(comparison, known)
        signs = letters(found)
        uses = "uses" in told.export.headings
        self._sources(told)
        self._balance(comparison, known, uses)
        if found:
            why = {id(one): signs[word] for word, differences in found.items() for one in differences}
            self._sums(comparison, why, uses)
            self._rows(comparison, why, uses)
            self._title("Why that may be")
            for word, differences in found.items():
                credits = sum((one.credits for one in differences), Decimal(0))
                counted = (
                    f"{_count(len(differences), 'row')}, {_change(credits)} credit{'' if abs(credits) == 1 else 's'}"
                )
                self._item(signs[word], f"{counted}. {words(word, known)}")
                for names in self._renamed(differences) if word == "names" else ():
                    self._item("", names)
        remarks = [*told.outside, *(other_things(known) if found else ()), *told.export.remarks]
        if remarks:
            self._title("To know")
            for remark in remarks:
                self._item(MIDDLE_DOT, remark)

    def _sources(self, told: Told) -> None:
        export, synced, days = told.export, told.known.synced, told.known.days
        table = f"{told.table_file}, by {synced.granularity}"
        if synced.first and synced.through:
            table += f", synced from {synced.first} through {synced.through}"
        if synced.synced_at:
            table += f", last at {synced.synced_at:%Y-%m-%d %H:%M} UTC"
        headings = ", ".join(f'{name} "{self._clean(heading)}"' for name, heading in export.headings.items())
        self.console.print("Magnific's export against the synced table\n", style="bold")
        for sign, text in (
            ("export", f"{told.export_file}, {_count(len(export.rows), 'row')} ({export.read_as})"),
            ("columns", headings),
            ("table", table),
            ("days", f"{days.first} to {days.last}, in UTC"),
        ):
            self._item(sign, text, 9)
        self.console.print()

    def _balance(self, comparison: Comparison, known: Known, uses: bool) -> None:
        total = comparison.all
        grid = _grid("", "Export", "Table", f"Export {MINUS} table")
        figures = {"Credits": (total.export.credits, total.table.credits)}
        figures |= {"Uses": (total.export.uses, total.table.uses)} if uses else {}
        for name, (export, table) in figures.items():
            grid.add_row(name, _figure(export), _figure(table), _change(export - table))
        self.console.print(grid)
        rows, sums = _count(comparison.rows, "row"), f"{_count(len(comparison.sums), 'sum')} by tool and day"
        if not comparison.rows:
            verdict = "Neither side has usage on these days: there was nothing to compare."
        elif not comparison.differences:
            verdict = f"They agree to the credit: {rows} and {sums}."
        else:
            wrong = sum(not one.agree for one in comparison.sums.values())
            days, unit = {day for day, _ in comparison.sums}, known.synced.granularity
            right = days - {one.place.day for one in comparison.differences}
            verdict = (
                f"They differ in {len(comparison.differences):,} of {rows} and in {wrong:,} of {sums}. "
                f"Everything agrees on {len(right):,} of {_count(len(days), unit)} with usage."
            )
        self.console.print()
        style = "bold red" if comparison.differences else "bold green"
        self.console.print(textwrap.fill(verdict, self.console.width), style=style)
        self.console.print()

    def _sums(self, comparison: Comparison, why: Mapping[int, str], uses: bool) -> None:
        signs: defaultdict[tuple[date, str], set[str]] = defaultdict(set)
        for one in comparison.differences:
            for place in filter(None, (one.place, one.other_place)):
                signs[place.day, place.tool].add(why[id(one)])
        wrong = [(key, sums) for key, sums in comparison.sums.items() if not sums.agree]
        wrong.sort(key=lambda item: (-abs(item[1].export.credits - item[1].table.credits), item[0]))
        grid = _grid("Tool and day", *_figure_columns(uses), "Why")
        shown = wrong if self.everything else wrong[:USUAL_ROWS]
        for (day, tool), sums in shown:
            cells = _figures(sums.export, sums.table, uses)
            grid.add_row(Text(f"{day} {self._clean(tool)}"), *cells, " ".join(sorted(signs[day, tool])))
        if wrong:
            self._print_grid("By tool and day", grid, len(shown), len(wrong))

    def _rows(self, comparison: Comparison, why: Mapping[int, str], uses: bool) -> None:
        grid = _grid("Row, and where it stands", *_figure_columns(uses), "Why")
        shown = comparison.differences if self.everything else comparison.differences[:USUAL_ROWS]
        for one in shown:
            place = one.place
            person = "nobody" if place.person is None else place.person if self.people else None
            names = ", ".join(self._clean(name) for name in (person, place.project, place.group) if name)
            found_at = f" {MIDDLE_DOT} ".join(filter(None, (names, *_found_at(one))))
            row = Text(f"{place.day} {self._clean(place.tool)}\n{found_at}")
            grid.add_row(row, *_figures(one.export, one.table, uses), why[id(one)])
        self._print_grid("Row by row", grid, len(shown), len(comparison.differences))

    def _print_grid(self, title: str, grid: Grid, shown: int, count: int) -> None:
        self._title(f"{title}, the {shown:,} largest of {count:,} (--all shows the rest)" if shown < count else title)
        self.console.print(grid)
        self.console.print()

    def _renamed(self, differences: Sequence[Difference]) -> list[str]:
        """Which names differ, each pair once: the table's, then the export's."""
        pairs: Counter[str] = Counter()
        for one in differences:
            for kind in ("tool", "project", "group", "person"):
                theirs, ours = getattr(one.place, kind), getattr(one.other_place, kind)
                if theirs != ours and kind == "person" and not self.people:
                    pairs["an address (--people shows it)"] += 1
                elif theirs != ours:
                    pairs[f"{kind} {self._quoted(ours)} in the table, {self._quoted(theirs)} in the export"] += 1
        said = [f"{pair}: {_count(count, 'row')}" for pair, count in pairs.most_common(5)]
        return [*said, f"and {len(pairs) - 5:,} more"] if len(pairs) > 5 else said

    def _title(self, text: str) -> None:
        self.console.print(text, style="bold")

    def _item(self, sign: str, text: str, indent: int = 3) -> None:
        lines = textwrap.wrap(text, self.console.width - indent, break_long_words=False, break_on_hyphens=False)
        self.console.print(sign.ljust(indent) + f"\n{' ' * indent}".join(lines), soft_wrap=True)

    def _quoted(self, name: str | None) -> str:
        return f'"{self._clean(name)}"' if name else "none"

    def _clean(self, name: str) -> str:
        """A name that cannot steer a terminal, and in which no address hides unless addresses are shown."""
        printable = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in name)
        return printable if self.people else re.sub(r"\S+@\S+", "(address)", printable)


def _found_at(one: Difference) -> list[str]:
    found = []
    for side in (one.export, one.table):
        if side:
            more = f" +{len(side.found_at) - 1}" if len(side.found_at) > 1 else ""
            found.append(f"{side.found_at[0]}{more}")
    return found


def _figure_columns(uses: bool) -> list[str]:
    return ["Export", "Table", "Credits \N{PLUS-MINUS SIGN}", *(["Uses \N{PLUS-MINUS SIGN}"] if uses else [])]


def _figures(export: Side | None, table: Side | None, uses: bool) -> list[str]:
    """Credits of both sides, their difference, and that of uses."""
    theirs, ours = export or NOTHING, table or NOTHING
    cells = [_figure(export.credits) if export else NO_ROW, _figure(table.credits) if table else NO_ROW]
    cells.append(_change(theirs.credits - ours.credits))
    return [*cells, *([_change(theirs.uses - ours.uses)] if uses else [])]


def _grid(*columns: str) -> Grid:
    """The first column gives way where the page is narrow."""
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")
    for number, name in enumerate(columns):
        text = number == 0 or name == "Why"
        grid.add_column(name, justify="left" if text else "right", no_wrap=number > 0, overflow="fold")
    return grid


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _figure(value: Decimal) -> str:
    """
    >>> _figure(Decimal("1480.00")), _figure(Decimal("1480.5"))
    ('1,480', '1,480.5')
    """
    return f"{value.to_integral_value() if value == value.to_integral_value() else value.normalize():,f}"


def _change(value: Decimal) -> str:
    """
    >>> _change(Decimal(12)), _change(Decimal("0.50")), _change(Decimal(0))
    ('+12', '+0.5', '0')
    """
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return f"{sign}{_figure(abs(value))}"
