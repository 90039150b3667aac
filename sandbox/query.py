"""Check the body of a credit usage request and turn it into an immutable query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sandbox.events import read_day
from sandbox.ledger import Entry
from sandbox.team import Team

LONGEST_RANGE = {"business": 180, "enterprise": 365}
"""The longest range in days that each plan allows, both ends counted."""

GRANULARITIES = ("day", "week", "month", "year")


@dataclass(frozen=True)
class Filters:
    """The filters of a query. An empty filter matches everything."""

    group_ids: frozenset[int] = frozenset()
    project_references: frozenset[str] = frozenset()
    api_key_ids: frozenset[str] = frozenset()

    def on(self, team: Team) -> Callable[[Entry], bool]:
        """Return a function that tests whether an entry matches the filters.

        The group filter checks the user's groups, so it never matches usage without a user.
        """
        emails = {one.email for one in team.people if self.group_ids.intersection(one.group_ids)}
        return lambda entry: (
            (not self.group_ids or entry.user_email in emails)
            and (not self.project_references or entry.project_reference in self.project_references)
            and (not self.api_key_ids or entry.api_key_id in self.api_key_ids)
        )


@dataclass(frozen=True)
class Query:
    """A query for usage from `start` to `end`, both inclusive."""

    granularity: str
    start: date
    end: date
    filters: Filters

    @property
    def days(self) -> int:
        """The number of days that the query covers, both ends counted."""
        return (self.end - self.start).days + 1

    def between(self, start: date, end: date) -> Query:
        """Return the same query for other days."""
        return replace(self, start=start, end=end)


class RefusedError(Exception):
    """The request's body is not valid. Each of the `problems` consists of a property's name and a reason."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(problems)
        self.problems = problems


def _is_day(value: Any) -> bool:
    with suppress(ValueError):
        return bool(read_day(value))
    return False


def _all(value: Any, kind: type[Any], is_right: Callable[[Any], Any] = lambda _: True) -> bool:
    return isinstance(value, list) and all(type(item) is kind and is_right(item) for item in value)


_DAY = _is_day, "must be a valid date in the format YYYY-MM-DD"
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "granularity": (lambda value: value in GRANULARITIES, f"must be one of {', '.join(GRANULARITIES)}"),
    "start_date": _DAY,
    "end_date": _DAY,
    "group_ids": (lambda value: _all(value, int, lambda n: n >= 1), "must be an array of positive integers"),
    "project_references": (lambda value: _all(value, str, _UUID), "must be an array of UUIDs"),
    "api_key_ids": (lambda value: _all(value, str), "must be an array of strings"),
}


def read_query(body: Any, today: date, longest: int | None, first: date | None = None) -> Query:
    """Return the query that `body` describes; raise RefusedError if the body is not valid.

    By default, the query ends today and starts on `first` or, if that is None, six days before its end.
    """
    if not isinstance(body, Mapping):
        raise RefusedError(("body", "must be a JSON object"))
    problems = [(name, "is not a known property") for name in body.keys() - _RULES.keys()]
    problems += [(name, why) for name, (is_right, why) in _RULES.items() if name in body and not is_right(body[name])]
    if problems:
        raise RefusedError(*problems)
    end = date.fromisoformat(body["end_date"]) if "end_date" in body else today
    start = date.fromisoformat(body["start_date"]) if "start_date" in body else first or end - timedelta(days=6)
    if start > end:
        raise RefusedError(("start_date", "must not be after end_date"), ("end_date", "must not be before start_date"))
    groups, projects, keys = (body.get(name, ()) for name in ("group_ids", "project_references", "api_key_ids"))
    filters = Filters(frozenset(groups), frozenset(map(str.lower, projects)), frozenset(keys))
    query = Query(body.get("granularity", "day"), start, end, filters)
    check_length(query, longest)
    return query


def check_length(query: Query, longest: int | None) -> None:
    """Raise RefusedError if the query covers more than `longest` days (None for no limit)."""
    if longest is not None and query.days > longest:
        reason = f"results in a range of {query.days} days, but the plan allows only {longest}"
        raise RefusedError(("start_date", reason), ("end_date", reason))
