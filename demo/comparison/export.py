"""The CSV that Magnific's dashboard exports, as rows.

Magnific documents what its columns hold (date, tool, user email, usage count, credits, project, group), but neither
their headings nor how dates and figures are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from demo.comparison.cells import SEPARATORS, Record, read_text, records
from demo.comparison.columns import COLUMNS, Headings, find_headings, shown, tidy
from demo.comparison.values import AmbiguousError, Days, Figures, UnreadableError, read_days, read_figures
from demo.origin import DemoError

_NOTHING = frozenset({"", "-", "\N{EN DASH}", "\N{EM DASH}", "n/a", "none", "null", "(none)"})

_SUMS = frozenset({"total", "totals", "grand total", "subtotal", "sub-total", "sum", "all", "all tools", "all users"})


@dataclass(frozen=True)
class Choices:
    """What the person at the terminal says about an export; nothing where it speaks for itself.

    columns: headings by the names of `COLUMNS`. day_order, decimal_mark: as `values` has them. people: whether
    an error may show an address.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    day_order: str | None = None
    decimal_mark: str | None = None
    encoding: str | None = None
    people: bool = False


@dataclass(frozen=True)
class Used:
    """Some uses of one tool on a day in UTC; None stands for no name, or no such column. `line` is the row's first."""

    line: int
    day: date
    tool: str
    person: str | None
    project: str | None
    group: str | None
    uses: Decimal | None
    credits: Decimal


@dataclass(frozen=True)
class Export:
    """`headings` by the names of `COLUMNS`, as far as there are such; `read_as` says how it was read, `remarks` what
    is not certain or not there. size: what its dates name, a day or a longer period."""

    rows: Sequence[Used]
    headings: Mapping[str, str]
    read_as: str
    remarks: Sequence[str]
    size: str


def read_export(file: Path, choices: Choices | None = None) -> Export:
    """All rows of an export. Raises DemoError with the line and column of what cannot be read, and what to do."""
    choices = choices or Choices()
    text = read_text(file, choices.encoding)
    headings = find_headings(file, text.content, choices.columns, choices.people)
    table = _Table(file, choices, headings, list(_below(file, text.content, headings)))
    days, figures = table.days(), table.figures()
    remarks = []
    if days.local:
        remarks.append(
            "The export's times name no zone and count as UTC. If they are in another, some usage is a day off."
        )
    if figures.doubtful:
        remarks.append(f"Figures such as {figures.doubtful} count as whole numbers;  --decimal-mark  says otherwise.")
    if missing := [name for name in COLUMNS if name not in headings.columns]:
        remarks.append(
            f"The export has no column for {', '.join(missing)}: not compared, unless  --column {missing[0]}=HEADING  "
            "names one."
        )
    read_as = [text.encoding.upper(), SEPARATORS[headings.separator]]
    read_as += [f"dates {days.order}"] if days.order else []
    read_as += [f"decimal {figures.mark}"] if figures.mark else []
    named = {name: headings.cells[headings.columns[name]] for name in COLUMNS if name in headings.columns}
    return Export(list(table.used(days, figures)), named, ", ".join(read_as), remarks, days.size)


def _below(file: Path, content: str, headings: Headings) -> Iterator[Record]:
    width = len(headings.cells)
    for record in records(file, content, headings.separator):
        if record.line <= headings.line:
            continue
        if len(record.cells) != width:
            raise DemoError(
                f"Line {record.line} of {file} has {len(record.cells)} cells where the headings have {width}: the file "
                "is cut off, or the line is no row of usage. Download the export again, or take the line away."
            )
        yield record


@dataclass(frozen=True)
class _Table:
    """An export whose columns are known."""

    file: Path
    choices: Choices
    headings: Headings
    rows: Sequence[Record]

    def used(self, days: Days, figures: Figures) -> Iterator[Used]:
        names = {name: self._names(name) for name in ("tool", "person", "project", "group")}
        count = len(self.rows)
        # As in `figures`: uses, where there are any, come before credits.
        uses = figures.figures[:count] if "uses" in self.headings.columns else [None] * count
        for number, row in enumerate(self.rows):
            tool, person, project, group = (names[name][number] for name in names)
            if tool is None:
                raise DemoError(
                    f"{self._place(number, 'tool')} is empty: enter the tool, or take the line away if it is a sum."
                )
            for name, said in (("tool", tool), ("person", person)):
                if said and said.casefold() in _SUMS:
                    raise DemoError(
                        f"{self._place(number, name)} has {self._shown(said)}: take the line away, since it is a sum "
                        "of others."
                    )
            person = person.lower() if person else None
            credits = figures.figures[number - count]
            yield Used(row.line, days.days[number], tool, person, project, group, uses[number], credits)

    def days(self) -> Days:
        values = self._column("date")
        try:
            return read_days(values, self.choices.day_order) if values else Days([], None, False)
        except AmbiguousError as error:
            raise DemoError(
                f"Column {self._heading('date')} of {self.file} has dates such as {error.example}, and none that "
                "tells day from month: say  --dates day-first  or  --dates month-first ."
            ) from None
        except UnreadableError as error:
            raise DemoError(
                f"{self._place(error.index, 'date')} has {self._shown(values[error.index])}, which is no "
                f"date{f' like {error.example}' if error.example else ''}: correct it, or take the line away if it is "
                "a sum. 2026-03-05 is always understood."
            ) from None

    def figures(self) -> Figures:
        """Those of uses, then those of credits: all are written in one way, so that all of them tell which."""
        names = [name for name in ("uses", "credits") if name in self.headings.columns]
        values = [value for name in names for value in self._column(name)]
        try:
            return read_figures(values, self.choices.decimal_mark)
        except AmbiguousError as error:
            raise DemoError(
                f"{self.file} has figures such as {error.example}, which may have thousands or decimals: say  "
                "--decimal-mark comma  or  --decimal-mark point ."
            ) from None
        except UnreadableError as error:
            at, number = divmod(error.index, len(self.rows))
            raise DemoError(
                f"{self._place(number, names[at])} has {self._shown(values[error.index])}, which is no "
                f"figure{f' like {error.example}' if error.example else ''}: correct it, or download the export again."
            ) from None

    def _column(self, name: str) -> list[str]:
        number = self.headings.columns[name]
        return [row.cells[number] for row in self.rows]

    def _names(self, name: str) -> list[str | None]:
        if name not in self.headings.columns:
            return [None] * len(self.rows)
        return [None if text.casefold() in _NOTHING else text for text in map(tidy, self._column(name))]

    def _heading(self, name: str) -> str:
        return f'"{self.headings.cells[self.headings.columns[name]]}"'

    def _place(self, number: int, name: str) -> str:
        return f"Line {self.rows[number].line} of {self.file}: column {self._heading(name)}"

    def _shown(self, text: str) -> str:
        return f"'{shown(text, self.choices.people)}'" if text else "nothing"
