"""The body of a credit usage request, checked once and turned into a frozen question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sandbox.events import read_day
from sandbox.ledger import Entry
from sandbox.team import Team

LONGEST_RANGE = {"business": 180, "enterprise": 365}
"""Days, both ends counted."""

GRANULARITIES = ("day", "week", "month", "year")

Problem = tuple[str, str]
"""The name of a property and what is wrong with it."""


@dataclass(frozen=True)
class Filters:
    """An empty filter lets everything through."""

    group_ids: frozenset[int] = frozenset()
    project_references: frozenset[str] = frozenset()
    api_key_ids: frozenset[str] = frozenset()

    def on(self, team: Team) -> Callable[[Entry], bool]:
        """Tells whether an entry counts: one of the groups, and one of the projects, and one of the keys.

        Groups are those of the user, so usage without a user belongs to none.
        """
        emails = {one.email for one in team.people if self.group_ids.intersection(one.group_ids)}

        def counts(entry: Entry) -> bool:
            return (
                (not self.group_ids or entry.user_email in emails)
                and (not self.project_references or entry.project_reference in self.project_references)
                and (not self.api_key_ids or entry.api_key_id in self.api_key_ids)
            )

        return counts


@dataclass(frozen=True)
class Query:
    """Usage from `start` to `end`, both inclusive."""

    granularity: str
    start: date
    end: date
    filters: Filters

    @property
    def days(self) -> int:
        """How many days it covers, both ends counted."""
        return (self.end - self.start).days + 1

    def between(self, start: date, end: date) -> Query:
        """The same about other days."""
        return replace(self, start=start, end=end)


class RefusedError(Exception):
    """The body is not what the contract allows; `problems` names each property and the reason."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems)
        self.problems = problems


def _granularity(value: Any) -> str:
    if value not in GRANULARITIES:
        raise ValueError(f"must be one of {', '.join(GRANULARITIES)}")
    return str(value)


def _group(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("must hold integers from 1 up")
    return value


def _reference(value: Any) -> str:
    try:
        if len(value) == 36:
            return str(UUID(value))
    except (TypeError, ValueError, AttributeError):
        pass
    raise ValueError("must hold UUIDs")


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must hold strings")
    return value


def _each(read: Callable[[Any], Any]) -> Callable[[Any], frozenset[Any]]:
    def read_all(value: Any) -> frozenset[Any]:
        if not isinstance(value, list):
            raise ValueError("must be an array")
        return frozenset(read(one) for one in value)

    return read_all


_READERS: dict[str, Callable[[Any], Any]] = {
    "granularity": _granularity,
    "start_date": read_day,
    "end_date": read_day,
    "group_ids": _each(_group),
    "project_references": _each(_reference),
    "api_key_ids": _each(_key),
}


def read_query(body: Any, today: date, longest: int | None, first: date | None = None) -> Query:
    """The question that `body` asks.

    Without dates the seven days that end today; with `first`, from that day on. `longest` is the most days
    one question may cover (None: no limit). Raises RefusedError.
    """
    if not isinstance(body, Mapping):
        raise RefusedError(("body", "must be a JSON object"))
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in body.items():
        if name not in _READERS:
            problems.append((name, "is not a known property"))
            continue
        try:
            values[name] = _READERS[name](value)
        except ValueError as error:
            problems.append((name, str(error)))
    if problems:
        raise RefusedError(*problems)
    end = values.get("end_date", today)
    start = values.get("start_date", first or end - timedelta(days=6))
    if start > end:
        raise RefusedError(("start_date", "must not be after end_date"), ("end_date", "must not be before start_date"))
    nothing: frozenset[Any] = frozenset()
    filters = Filters(*(values.get(name, nothing) for name in ("group_ids", "project_references", "api_key_ids")))
    query = Query(values.get("granularity", "day"), start, end, filters)
    if longest is not None and query.days > longest:
        reason = f"the range covers {query.days} days, and the plan allows {longest}"
        raise RefusedError(("start_date", reason), ("end_date", reason))
    return query
