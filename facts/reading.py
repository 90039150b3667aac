"""From an answer, whatever it is, to what can be counted in it: what is odd in it is noted, and nothing raises."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pendulum import Date

from source_magnific_analytics.decoding import midnight

if TYPE_CHECKING:
    from facts.questions import Question

Figures = tuple[int, int]
"""Uses and credits."""
Sums = dict[str, Figures]
"""By tool."""

# The documented fields of everything in an answer, and what each holds (Magnific's OpenAPI document).
FIELDS: Mapping[str, Mapping[str, str]] = {
    "a period": {"date": "a text", "consumptions": "a list"},
    "a tool": {"tool": "a text", "user_uses": "a figure", "user_credits": "a figure", "user_usages": "a list"},
    "an entry": {
        "user_email": "a text",
        "user_uses": "a figure",
        "user_credits": "a figure",
        "project_reference": "a text",
        "project_name": "a text",
        "group_name": "a text",
    },
    "team-members": {"email": "a text", "role": "a text", "status": "a text"},
    "team-api-keys": dict.fromkeys(("api_key_id", "display_name", "status", "created_at"), "a text"),
    "team-groups": {"group_id": "a figure", "name": "a text", "member_count": "a figure"},
    "team-projects": {"project_reference": "a text", "name": "a text"},
}
# Without these there is no row; where only the others are missing or null, nothing is odd.
_REQUIRED = {
    "a period": {"date", "consumptions"},
    "a tool": {"tool", "user_uses", "user_credits"},
    "an entry": {"user_uses", "user_credits"},
}
# A name that the documentation does not have is told where it is made of these: any other might be somebody's.
_WORDS = re.compile(
    "amount|at|avatar|cost|count|country|created|credits|currency|date|description|email|end|first|id|key|kind|last|limit|"
    "meta|model|month|name|next|page|pagination|period|plan|price|project|reference|remaining|role|seat|start|status|team|"
    "time|tool|total|type|unit|updated|usage|user|uses|version|week|workspace|year",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Entry:
    """One entry of a breakdown. `same` is what tells it from the others: user, project, group."""

    same: tuple[Any, Any, Any]
    figures: Figures


@dataclass(frozen=True)
class Tool:
    """A tool in a period; `entries` is None where there is no breakdown, which an empty one is, too."""

    name: str
    figures: Figures
    entries: tuple[Entry, ...] | None

    @property
    def broken_down(self) -> Figures:
        return added(entry.figures for entry in self.entries or ())


@dataclass(frozen=True)
class Period:
    """A period or a piece of one; `day` is None where its date is none."""

    written: str
    day: Date | None
    tools: tuple[Tool, ...]


@dataclass
class Notes:
    """What was met: things that are not as documented, and how many figures were written how."""

    odd: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Answer:
    """What came back for a question: `status` is None, and `failure` says why, where nothing whole did."""

    question: Question
    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    # Of the body as it travelled: compressed, where it was.
    size: int = 0
    failure: str = ""
    # How far the server's Date is from this machine's clock, in seconds.
    clock: float | None = None

    @cached_property
    def notes(self) -> Notes:
        """After everything was read."""
        notes = Notes()
        if self.question.request is None:
            rows = _objects(self._data(notes), self.question.endpoint, notes)
            for row in rows:
                _check_fields(row, self.question.endpoint, notes)
        else:
            list(_periods(self._data(notes), notes))
        return notes

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Of a list."""
        return _objects(self._data(Notes()), self.question.endpoint, Notes())

    def texts(self, name: str) -> list[str]:
        """The texts that the rows of a list have under this name."""
        return [row[name] for row in self.rows if isinstance(row.get(name), str)]

    @cached_property
    def periods(self) -> list[Period]:
        """Of credit usage."""
        return list(_periods(self._data(Notes()), Notes()))

    @cached_property
    def by_day(self) -> dict[Date, Sums]:
        """What each period adds up to, by its first day."""
        sums: dict[Date, Sums] = {}
        for period in self.periods:
            if period.day is not None:
                sums[period.day] = added_up([sums.get(period.day, {}), _tool_sums(period)])
        return sums

    def _data(self, notes: Notes) -> Any:
        try:
            content = json.loads(self.body.decode("utf-8-sig", "replace"))
        except (ValueError, RecursionError):
            notes.odd["the body is no JSON"] += 1
            return []
        if not isinstance(content, dict):
            notes.odd[f"the body is {kind(content)}"] += 1
            return []
        for name in content.keys() - {"data"}:
            notes.odd[f"beside `data` there is {shown(name)}"] += 1
        if "data" not in content:
            notes.odd["`data` is missing"] += 1
        return content.get("data", [])


def added(figures: Iterator[Figures]) -> Figures:
    pairs = list(figures)
    return sum(uses for uses, _ in pairs), sum(credits for _, credits in pairs)


def added_up(several: list[Sums]) -> Sums:
    """The sums of all of them, without tools that nobody used."""
    total: Sums = {}
    for sums in several:
        for name, figures in sums.items():
            total[name] = added(iter([total.get(name, (0, 0)), figures]))
    return {name: figures for name, figures in total.items() if figures != (0, 0)}


def between(by_day: Mapping[Date, Sums], first: Date, last: Date) -> Sums:
    """What the days from `first` to `last`, both included, add up to."""
    return added_up([sums for day, sums in by_day.items() if first <= day <= last])


def kind(value: Any) -> str:
    """What a JSON value is, in words.

    >>> [kind(one) for one in (None, True, 12, 12.5, "Ann", [], {})]
    ['null', 'true or false', 'a figure', 'a figure', 'a text', 'a list', 'an object']
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a figure"
        case str():
            return "a text"
    return "a list" if isinstance(value, list) else "an object"


def shown(name: str) -> str:
    """The name of a field, where it cannot be anybody's.

    >>> shown("currency"), shown("toolVersion"), shown("ann@example.com"), shown("Harbour")
    ('`currency`', '`toolVersion`', 'a field whose name is not shown', 'a field whose name is not shown')
    """
    words = re.findall(r"[A-Z]?[a-z]+", name)
    parts = all(_WORDS.fullmatch(word) for word in words) and re.fullmatch(r"[a-z]+(_[a-z]+|[A-Z][a-z]+)*", name)
    return f"`{name}`" if parts else "a field whose name is not shown"


def _objects(value: Any, what: str, notes: Notes) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        notes.odd[f"in place of a list of {what} there is {kind(value)}"] += 1
        return []
    for one in value:
        if not isinstance(one, dict):
            notes.odd[f"in place of {what} there is {kind(one)}"] += 1
    return [one for one in value if isinstance(one, dict)]


def _check_fields(item: dict[str, Any], what: str, notes: Notes) -> None:
    known = FIELDS[what]
    required = _REQUIRED.get(what, known.keys())
    for name in item.keys() - known.keys():
        notes.odd[f"{what} has {shown(name)}"] += 1
    for name, wanted in known.items():
        if name not in item or item[name] is None:
            if name in required:
                notes.odd[f"{what} has no `{name}`" if name not in item else f"{what} has null as `{name}`"] += 1
        elif kind(item[name]) != wanted:
            notes.odd[f"{what} has {kind(item[name])} as `{name}`"] += 1
        elif wanted == "a figure":
            notes.written[_written(item[name])] += 1


def _written(figure: float) -> str:
    if isinstance(figure, int):
        return "12" if figure >= 0 else "-12"
    return "12.0" if figure.is_integer() else "12.5"


def _periods(data: Any, notes: Notes) -> Iterator[Period]:
    for item in _objects(data, "a period", notes):
        _check_fields(item, "a period", notes)
        consumptions = item.get("consumptions")
        tools = _objects([] if consumptions is None else consumptions, "a tool", notes)
        written = item.get("date")
        text = written if isinstance(written, str) else ""
        yield Period(text, _day(text), tuple(_tool(one, notes) for one in tools))


def _tool(item: dict[str, Any], notes: Notes) -> Tool:
    _check_fields(item, "a tool", notes)
    usages = item.get("user_usages")
    found = _objects([] if usages is None else usages, "an entry", notes)
    entries = tuple(_entry(one, notes) for one in found)
    return Tool(_text(item.get("tool")), _figures(item), entries or None)


def _entry(item: dict[str, Any], notes: Notes) -> Entry:
    _check_fields(item, "an entry", notes)
    email, project, group = (item.get(name) for name in ("user_email", "project_reference", "group_name"))
    return Entry((_text(email) or None, _text(project) or None, _text(group) or None), _figures(item))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _figures(item: dict[str, Any]) -> Figures:
    """0 for what is no figure: that it is none is noted elsewhere."""
    uses, credits = (_whole(item.get(name)) for name in ("user_uses", "user_credits"))
    return uses, credits


def _whole(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return int(value)


def _day(text: str) -> Date | None:
    """The day of a midnight; of another time, the nearest midnight's: it may be that of another offset."""
    try:
        return midnight(text)
    except (ValueError, OverflowError):
        pass
    try:
        near = datetime.fromisoformat(text) + timedelta(hours=12)
    except (ValueError, OverflowError):
        return None
    return Date(near.year, near.month, near.day)


def _tool_sums(period: Period) -> Sums:
    return added_up([{tool.name: tool.figures} for tool in period.tools])
