"""Parse any response, even a malformed one, into figures to compare."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from pendulum import Date

from source_magnific_analytics.config import Config
from source_magnific_analytics.decoding import period_day
from source_magnific_analytics.windows import Request

Figures = tuple[int, int]
"""Uses and credits."""
Sums = Counter[tuple[str, str]]
"""A period's figures, by (tool, "uses") or (tool, "credits"). Missing figures are 0."""


@dataclass(frozen=True)
class Question:
    """A request for a list or, if `request` is set, for credit usage. `api_key_ids` limits usage to these keys."""

    name: str
    endpoint: str
    request: Request | None = None
    api_key_ids: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, Any] | None:
        keys = {"api_key_ids": list(self.api_key_ids)} if self.api_key_ids else {}
        return self.request.body | keys if self.request else None

    @property
    def words(self) -> str:
        if self.request is None:
            return f"the list {self.endpoint}"
        through = " through the API keys" if self.api_key_ids else ""
        return f"{self.request.range.length} days of usage by {self.request.granularity}{through}"


class Entry(NamedTuple):
    who: tuple[str, ...]  # The user, project and group; each is empty if it is missing.
    figures: Figures


class Tool(NamedTuple):
    """A tool's usage in a period or part of a period. `day` is None if the date is not valid."""

    day: Date | None
    name: str
    figures: Figures
    entries: list[Entry]

    @property
    def broken_down(self) -> Figures:
        uses, credits = (sum(entry.figures[figure] for entry in self.entries) for figure in (0, 1))
        return uses, credits


@dataclass(frozen=True)
class Answer:
    """The response to a question. If no complete response arrived, `status` is None and `failure` says why.

    `too_much`: whether the response was too large or too slow. `clock`: how many seconds the server's clock is ahead.
    """

    question: Question
    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    failure: str = ""
    too_much: bool = False
    clock: float | None = None

    @cached_property
    def json(self) -> Any:
        """The parsed body, or the error if the body is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            return error

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The items of a list, or the periods of credit usage."""
        data = self.json.get("data") if isinstance(self.json, dict) else None
        return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []

    def texts(self, name: str) -> list[str]:
        """The values of the field `name` in all rows where it is a string."""
        return [row[name] for row in self.rows if isinstance(row.get(name), str)]

    @cached_property
    def tools(self) -> list[Tool]:
        """The tools in credit usage, or an empty list if any part is malformed. Other checks report malformed parts."""
        try:
            return [_tool(_day(str(row["date"])), one) for row in self.rows for one in row["consumptions"]]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return []

    @cached_property
    def by_day(self) -> dict[Date, Sums]:
        """The totals of each period, by its first day."""
        sums: dict[Date, Sums] = {day: Counter() for text in self.texts("date") if (day := _day(text))}
        for tool in self.tools:
            if tool.day:
                sums[tool.day].update({(tool.name, "uses"): tool.figures[0], (tool.name, "credits"): tool.figures[1]})
        return sums


@dataclass(frozen=True)
class Seen:
    """All answers, by question name."""

    config: Config
    answers: dict[str, Answer]

    def good(self, name: str) -> Answer | None:
        answer = self.answers.get(name)
        return answer if answer is not None and answer.status == 200 else None

    @property
    def days(self) -> Answer | None:
        """The answer for the plan's longest range or, if that failed, for a shorter range. None if all failed."""
        return next((good for name in ("longest", "one_less", "few_days") if (good := self.good(name))), None)

    @property
    def right(self) -> list[Answer]:
        return [answer for answer in self.answers.values() if answer.status == 200]

    @property
    def tools(self) -> list[Tool]:
        """The tools in the answer `days`."""
        return self.days.tools if self.days else []


def between(by_day: Mapping[Date, Sums], first: Date, last: Date) -> Sums:
    """Return the totals of the days from `first` to `last`, both included."""
    total: Sums = Counter()
    for day, sums in by_day.items():
        if first <= day <= last:
            total.update(sums)
    return total


def _tool(day: Date | None, item: Mapping[str, Any]) -> Tool:
    names = ("user_email", "project_reference", "group_name")
    usages = item.get("user_usages") or []
    entries = [Entry(tuple(str(usage.get(name) or "") for name in names), _figures(usage)) for usage in usages]
    return Tool(day, str(item["tool"]), _figures(item), entries)


def _figures(item: Mapping[str, Any]) -> Figures:
    return int(item["user_uses"]), int(item["user_credits"])


def _day(text: str) -> Date | None:
    """Return the day of the nearest midnight: 23:00 in UTC, for example, is midnight in another time zone."""
    try:
        return period_day(text)
    except (ValueError, OverflowError):
        pass
    try:
        near = datetime.fromisoformat(text) + timedelta(hours=12)
    except (ValueError, OverflowError):
        return None
    return Date(near.year, near.month, near.day)
