"""The correct totals, computed directly from the ledger's entries.

This module shares no code with `answers`, so the two can be checked against each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from sandbox.ledger import Entry, Ledger
from sandbox.query import Query

Row = dict[str, Any]


def first_day(day: date, granularity: str) -> str:
    """Return the first day of the period that contains `day`.

    >>> [first_day(date(2026, 1, 1), size) for size in ("day", "week", "month", "year")]
    ['2026-01-01', '2025-12-29', '2026-01-01', '2026-01-01']
    """
    text = day.isoformat()
    if granularity == "week":
        year, week, _ = day.isocalendar()
        return date.fromisocalendar(year, week, 1).isoformat()
    return {"day": text, "month": text[:7] + "-01", "year": text[:4] + "-01-01"}[granularity]


def _wanted(ledger: Ledger, query: Query) -> Iterator[tuple[str, Entry]]:
    """Yield each entry that matches the query, with the first day of its period."""
    groups = {one.email: one.group_ids for one in ledger.team.people}
    asked = query.filters
    day = query.start
    while day <= query.end:
        first = first_day(day, query.granularity)
        for entry in ledger.entries(day):
            if asked.group_ids and asked.group_ids.isdisjoint(groups.get(entry.user_email or "", ())):
                continue
            if asked.project_references and entry.project_reference not in asked.project_references:
                continue
            if asked.api_key_ids and entry.api_key_id not in asked.api_key_ids:
                continue
            yield first, entry
        day += timedelta(days=1)


def _summed(ledger: Ledger, query: Query, names: tuple[str, ...], counts: Callable[[Entry], bool]) -> list[Row]:
    """Sum the entries that `counts` accepts, grouped by `names`: date and tool, and optionally user and project."""
    sums: defaultdict[tuple[str, ...], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for first, entry in _wanted(ledger, query):
        if counts(entry):
            key = (first, entry.tool, entry.user_email or "", entry.project_reference or "")[: len(names)]
            uses, credits = sums[key]
            sums[key] = uses + entry.uses, credits + entry.credits
    figures = ("user_uses", "user_credits")
    return [dict(zip((*names, *figures), (*key, *sums[key]), strict=True)) for key in sorted(sums)]


def totals(ledger: Ledger, query: Query) -> list[Row]:
    """Return uses and credits by date and tool, sorted by date, then by tool."""
    return _summed(ledger, query, ("date", "tool"), lambda entry: True)


def unnamed(ledger: Ledger, query: Query) -> list[Row]:
    """Return the totals of usage without a user. Credits can be negative, because a `late` event can subtract some."""
    return _summed(ledger, query, ("date", "tool"), lambda entry: entry.user_email is None)


def rows(ledger: Ledger, query: Query) -> list[Row]:
    """Return uses and credits by date, tool, user and project, without unattributed usage."""
    names = ("date", "tool", "user_email", "project_reference")
    found = _summed(ledger, query, names, lambda entry: entry.user_email is not None)
    return [row | {"project_reference": row["project_reference"] or None} for row in found]
