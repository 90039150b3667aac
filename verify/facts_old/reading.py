"""From an answer, whatever it is, to what can be counted in it: what is odd in it is noted, and nothing raises."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pendulum import Date

from facts.contract import Notes, check_fields, kind, objects, shown
from source_magnific_analytics.decoding import midnight

if TYPE_CHECKING:
    from facts.questions import Question

Figures = tuple[int, int]
"""Uses and credits."""
Sums = dict[str, Figures]
"""By tool."""

NO_JSON = object()


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
    # Whether that was its size or the time it took.
    too_much: bool = False
    # How far the server's Date is from this machine's clock, in seconds.
    clock: float | None = None

    @cached_property
    def content(self) -> Any:
        """The body's JSON; `NO_JSON` where it is none."""
        try:
            text = self.body.decode("utf-8-sig", "replace" if self.is_broken else "surrogatepass")
            return json.loads(text)
        except (ValueError, RecursionError):
            return NO_JSON

    @cached_property
    def is_broken(self) -> bool:
        """Whether the body has bytes that are not UTF-8; the bytes of half a character are a fault of their own."""
        try:
            self.body.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return True
        return False

    @property
    def notes(self) -> Notes:
        return self._read[2]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Of a list."""
        return self._read[0]

    @property
    def periods(self) -> list[Period]:
        """Of credit usage."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[list[dict[str, Any]], list[Period], Notes]:
        notes = Notes()
        data = _data(self.content, notes)
        if self.question.request is not None:
            return [], list(_periods(data, notes)), notes
        rows = objects(data, self.question.endpoint, notes)
        for row in rows:
            check_fields(row, self.question.endpoint, notes)
        return rows, [], notes

    def texts(self, name: str) -> list[str]:
        """The texts that the rows of a list have under this name."""
        return [row[name] for row in self.rows if isinstance(row.get(name), str)]

    @cached_property
    def by_day(self) -> dict[Date, Sums]:
        """What each period adds up to, by its first day."""
        sums: dict[Date, Sums] = {}
        for period in self.periods:
            if period.day is not None:
                sums[period.day] = added_up([sums.get(period.day, {}), _tool_sums(period)])
        return sums


def every_text(content: Any) -> Iterator[str]:
    """All texts in a JSON value, names of fields too."""
    left = [content]
    while left:
        match left.pop():
            case str() as text:
                yield text
            case list() as items:
                left += items
            case dict() as fields:
                left += [*fields.keys(), *fields.values()]


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


def _data(content: Any, notes: Notes) -> Any:
    if content is NO_JSON or not isinstance(content, dict):
        notes.odd["the body is no JSON" if content is NO_JSON else f"the body is {kind(content)}"] += 1
        return []
    for name in content.keys() - {"data"}:
        notes.odd[f"beside `data` there is {shown(name)}"] += 1
    if "data" not in content:
        notes.odd["`data` is missing"] += 1
    return content.get("data", [])


def _periods(data: Any, notes: Notes) -> Iterator[Period]:
    for item in objects(data, "a period", notes):
        check_fields(item, "a period", notes)
        consumptions = item.get("consumptions")
        tools = objects([] if consumptions is None else consumptions, "a tool", notes)
        written = item.get("date")
        text = written if isinstance(written, str) else ""
        yield Period(text, _day(text), tuple(_tool(one, notes) for one in tools))


def _tool(item: dict[str, Any], notes: Notes) -> Tool:
    check_fields(item, "a tool", notes)
    usages = item.get("user_usages")
    found = objects([] if usages is None else usages, "an entry", notes)
    entries = tuple(_entry(one, notes) for one in found)
    return Tool(_text(item.get("tool")), _figures(item), entries or None)


def _entry(item: dict[str, Any], notes: Notes) -> Entry:
    check_fields(item, "an entry", notes)
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
