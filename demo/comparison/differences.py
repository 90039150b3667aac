"""Two sides that ought to be the same, place by place: pure functions over exact figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)


class Place(NamedTuple):
    """What the figures belong to. `day` is the first day of a period of the table; None stands for no name."""

    day: date
    tool: str
    person: str | None
    project: str | None
    group: str | None


@dataclass(frozen=True)
class Side:
    """What one side has in a place. `found_at` names the rows: lines of the export, or each `usage_id`."""

    uses: Decimal
    credits: Decimal
    found_at: tuple[str, ...] = ()

    def __add__(self, other: Side) -> Side:
        return Side(self.uses + other.uses, self.credits + other.credits, self.found_at + other.found_at)

    @property
    def figures(self) -> tuple[Decimal, Decimal]:
        return self.uses, self.credits


NOTHING = Side(ZERO, ZERO)


@dataclass(frozen=True)
class Difference:
    """A row that is not the same on both sides. A side is None where it has no such row.

    place: as the export has it, where it has. other_place: the table's, where only names differ between the two.
    """

    place: Place
    export: Side | None
    table: Side | None
    other_place: Place | None = None

    @property
    def uses(self) -> Decimal:
        """The export's less the table's."""
        return (self.export or NOTHING).uses - (self.table or NOTHING).uses

    @property
    def credits(self) -> Decimal:
        """The export's less the table's."""
        return (self.export or NOTHING).credits - (self.table or NOTHING).credits

    @property
    def in_names_alone(self) -> bool:
        return self.other_place is not None and not self.uses and not self.credits


class Sums(NamedTuple):
    """Of one day and tool."""

    export: Side
    table: Side

    @property
    def agree(self) -> bool:
        return self.export.figures == self.table.figures


@dataclass(frozen=True)
class Comparison:
    """`agreeing` is how many rows are the same; `sums` are those of every day and tool of either side."""

    agreeing: int
    differences: Sequence[Difference]
    sums: Mapping[tuple[date, str], Sums]

    @property
    def rows(self) -> int:
        return self.agreeing + len(self.differences)

    @property
    def all(self) -> Sums:
        export, table = NOTHING, NOTHING
        for one in self.sums.values():
            export, table = export + one.export, table + one.table
        return Sums(export, table)


def compare(export: Iterable[tuple[Place, Side]], table: Iterable[tuple[Place, Side]]) -> Comparison:
    """Rows of one place are added up first. A place without uses and credits is none."""
    ours, theirs = _added_up(table), _added_up(export)
    agreeing = [place for place, side in theirs.items() if place in ours and ours[place].figures == side.figures]
    both = theirs.keys() & ours.keys()
    differences = [Difference(place, theirs[place], ours[place]) for place in both.difference(agreeing)]
    left = {place: side for place, side in theirs.items() if place not in ours}
    right = {place: side for place, side in ours.items() if place not in theirs}
    differences += _renamed(left, right)
    differences += [Difference(place, side, None) for place, side in left.items()]
    differences += [Difference(place, None, side) for place, side in right.items()]
    by_tool_theirs, by_tool_ours = _by_day_and_tool(theirs), _by_day_and_tool(ours)
    sums = {
        key: Sums(by_tool_theirs.get(key, NOTHING), by_tool_ours.get(key, NOTHING))
        for key in sorted(by_tool_theirs.keys() | by_tool_ours.keys())
    }
    return Comparison(len(agreeing), sorted(differences, key=_largest_first), sums)


def _by_day_and_tool(places: Mapping[Place, Side]) -> dict[tuple[date, str], Side]:
    found: defaultdict[tuple[date, str], Side] = defaultdict(lambda: NOTHING)
    for place, side in places.items():
        found[place.day, place.tool] += Side(side.uses, side.credits)
    return found


def _largest_first(difference: Difference) -> tuple[object, ...]:
    names = tuple(name or "" for name in difference.place[1:])
    return -abs(difference.credits), -abs(difference.uses), difference.place.day, names


def _added_up(rows: Iterable[tuple[Place, Side]]) -> dict[Place, Side]:
    found: dict[Place, Side] = {}
    for place, side in rows:
        found[place] = found[place] + side if place in found else side
    return {place: side for place, side in found.items() if any(side.figures)}


# What may be called otherwise while the rest is the same: project and group; the person; the tool; all but the tool.
_SAME: tuple[Callable[[Place], Hashable], ...] = (
    lambda place: (place.day, place.tool, place.person),
    lambda place: (place.day, place.tool, place.project, place.group, place.person is None),
    lambda place: (place.day, place.person, place.project, place.group),
    lambda place: (place.day, place.tool, place.person is None),
)


def _renamed(left: dict[Place, Side], right: dict[Place, Side]) -> list[Difference]:
    """Pairs of equal figures whose places differ in a name, taken out of both. Last, a pair that is alone together."""
    found = []
    for same in _SAME:
        candidates: defaultdict[Hashable, list[Place]] = defaultdict(list)
        for place, side in right.items():
            candidates[same(place), side.figures].append(place)
        for place, side in list(left.items()):
            if others := candidates[same(place), side.figures]:
                other = others.pop(0)
                found.append(Difference(place, left.pop(place), right.pop(other), other))
    alone: defaultdict[Hashable, tuple[list[Place], list[Place]]] = defaultdict(lambda: ([], []))
    for number, places in enumerate((left, right)):
        for place in places:
            alone[_SAME[0](place)][number].append(place)
    for ones, others_here in alone.values():
        if len(ones) == len(others_here) == 1:
            [one], [other] = ones, others_here
            found.append(Difference(one, left.pop(one), right.pop(other), other))
    return found
