"""A Magnific of other facts: what the documentation leaves open, or states and nobody has seen, the other way round.

A custom changes what a question is taken for, what happened, or what is said about it. Where it is an event, the ledger
knows of it; elsewhere the ledger is what the documentation promises and the answer is not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import formatdate
from functools import reduce
from typing import Any

import pendulum

from sandbox.events import Quiet
from sandbox.ledger import Entry, Event
from sandbox.limits import Limits
from sandbox.query import Query, RefusedError

Json = dict[str, Any]

OLDEST_DAYS = 400
"""How many days ago a range may start where old dates are refused."""
_FREE = "Background Remover"


@dataclass(frozen=True)
class Custom:
    meaning: str
    longer: int = 0
    """Days that the longest range has more than documented."""
    asked: Callable[[Query, date], Query] = lambda query, today: query
    """What a question is taken for today; raises RefusedError."""
    event: Callable[[date], Event] | None = None
    """What happened before all else, by today's date."""
    said: Callable[[Json, Query], Json] = lambda period, query: period
    """How a period of the answer differs from the right one."""
    headers: Callable[[Limits, datetime], dict[str, str]] = lambda limits, now: {}
    """What every answer says besides."""


@dataclass(frozen=True)
class _Free(Quiet):
    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        return [one._replace(credits=0) if one.tool == _FREE else one for one in entries]


@dataclass(frozen=True)
class _Nameless(Quiet):
    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        return [one._replace(user_email=None) if one.api_key_id else one for one in entries]


@dataclass(frozen=True)
class _Without(Quiet):
    """Nothing was used on this day."""

    without: date

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        return () if day == self.without else entries


def _ending(query: Query, days: int) -> Query:
    return query.between(query.start, query.end - timedelta(days=days))


def _whole(query: Query, today: date) -> Query:
    first, last = (pendulum.date(day.year, day.month, day.day) for day in (query.start, query.end))
    return query.between(first.start_of(query.granularity), last.end_of(query.granularity))


def _not_old(query: Query, today: date) -> Query:
    if query.start < today - timedelta(days=OLDEST_DAYS):
        raise RefusedError(("start_date", f"must not be more than {OLDEST_DAYS} days ago"))
    return query


def _dated_by_the_range(period: Json, query: Query) -> Json:
    return period | {"date": max(period["date"][:10], query.start.isoformat()) + period["date"][10:]}


def _dated_by_sundays(period: Json, query: Query) -> Json:
    if query.granularity != "week":
        return period
    sunday = date.fromisoformat(period["date"][:10]) - timedelta(days=1)
    return period | {"date": sunday.isoformat() + period["date"][10:]}


def _attributed_alone(period: Json, query: Query) -> Json:
    if query.granularity == "day":
        return period
    return period | {"consumptions": [one for one in period["consumptions"] if one.get("user_usages")]}


def _ninefold(period: Json, query: Query) -> Json:
    def grown(one: Json) -> Json:
        figures = {name: one[name] * 9 for name in ("user_uses", "user_credits")}
        usages = {"user_usages": [grown(usage) for usage in one["user_usages"]]} if one.get("user_usages") else {}
        return one | figures | usages

    if not query.filters.api_key_ids:
        return period
    return period | {"consumptions": [grown(one) for one in period["consumptions"]]}


def _limits_told(limits: Limits, now: datetime) -> dict[str, str]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return {
        "x-ratelimit-limit": str(limits.per_day),
        "x-ratelimit-remaining": str(limits.left),
        "x-ratelimit-reset": str(int((midnight - now).total_seconds())),
    }


def _three_hours_behind(limits: Limits, now: datetime) -> dict[str, str]:
    return {"Date": formatdate(now.timestamp() - 3 * 3600, usegmt=True)}


CUSTOMS = {
    "end-excluded": Custom("a range does not hold its end_date", asked=lambda query, today: _ending(query, 1)),
    "longer-range": Custom("days are counted without the first: a range of one more is accepted", longer=1),
    "shorter-range": Custom("a range of as many days as the plan allows is refused", longer=-1),
    "old-dates-refused": Custom(f"a range that starts more than {OLDEST_DAYS} days ago is refused", asked=_not_old),
    "whole-edges": Custom("a period that the range cuts holds all its days", asked=_whole),
    "edge-dates": Custom(
        "a period that the range cuts is dated by the first day of the range", said=_dated_by_the_range
    ),
    "sunday-weeks": Custom("weeks are dated by the Sunday before them", said=_dated_by_sundays),
    "sizes-differ": Custom("weeks, months and years lack tools without a breakdown", said=_attributed_alone),
    "keys-exceed": Custom("usage under a filter of API keys is nine times what it is in the total", said=_ninefold),
    "nameless-keys": Custom("usage through an API key names nobody", event=lambda today: _Nameless()),
    "free-tool": Custom(f"{_FREE} costs no credits", event=lambda today: _Free()),
    "no-today": Custom("today's usage is not there yet", event=_Without),
    "limit-headers": Custom("every answer tells the day's limit in x-ratelimit headers", headers=_limits_told),
    "slow-clock": Custom("the server's Date is three hours behind", headers=_three_hours_behind),
}


class Customs:
    """Some of them together, by their names; other names are no matter here."""

    def __init__(self, names: Collection[str]) -> None:
        self._chosen = [custom for name, custom in CUSTOMS.items() if name in names]
        self.longer = sum(custom.longer for custom in self._chosen)

    def events(self, today: date) -> tuple[Event, ...]:
        return tuple(custom.event(today) for custom in self._chosen if custom.event)

    def asked(self, query: Query, today: date) -> Query:
        """Raises RefusedError."""
        return reduce(lambda taken, custom: custom.asked(taken, today), self._chosen, query)

    def said(self, answer: Json, query: Query) -> Json:
        """The answer of credit usage to `query`, as it was asked."""
        periods = answer["data"]
        for custom in self._chosen:
            periods = [custom.said(period, query) for period in periods]
        return {"data": periods}

    def headers(self, limits: Limits, now: datetime) -> dict[str, str]:
        return {name: value for custom in self._chosen for name, value in custom.headers(limits, now).items()}
