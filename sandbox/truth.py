"""What a right answer adds up to, straight from the ledger's entries.

It shares no line with `answers`: other calendar, other sums, so that the two can be held against each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from sandbox.ledger import Entry, Ledger
from sandbox.query import Query


def first_day(day: date, granularity: str) -> str:
    """The first day of the period that holds `day`.

    >>> [first_day(date(2026, 1, 1), size) for size in ("day", "week", "month", "year")]
    ['2026-01-01', '2025-12-29', '2026-01-01', '2026-01-01']
    """
    text = day.isoformat()
    if granularity == "week":
        year, week, _ = day.isocalendar()
        return date.fromisocalendar(year, week, 1).isoformat()
    return {"day": text, "month": text[:7] + "-01", "year": text[:4] + "-01-01"}[granularity]


def _wanted(ledger: Ledger, query: Query) -> Iterator[tuple[str, Entry]]:
    """Each entry that the question covers, with the date of its period."""
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


def _summed(names: Iterable[str], keyed: Iterable[tuple[tuple[str, ...], Entry]]) -> list[dict[str, Any]]:
    """Uses and credits of each key under the `names` of its parts, sorted by it."""
    uses: defaultdict[tuple[str, ...], int] = defaultdict(int)
    credits: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for key, entry in keyed:
        uses[key] += entry.uses
        credits[key] += entry.credits
    return [
        {**dict(zip(names, key, strict=True)), "user_uses": uses[key], "user_credits": credits[key]}
        for key in sorted(uses)
    ]


def _by_tool(wanted: Iterable[tuple[str, Entry]]) -> list[dict[str, Any]]:
    return _summed(("date", "tool"), (((first, entry.tool), entry) for first, entry in wanted))


def totals(ledger: Ledger, query: Query) -> list[dict[str, Any]]:
    """Uses and credits of each date and tool, sorted by them."""
    return _by_tool(_wanted(ledger, query))


def unnamed(ledger: Ledger, query: Query) -> list[dict[str, Any]]:
    """The part of `totals` that has no user, where there is one; below zero where less was charged than was used."""
    return _by_tool((first, entry) for first, entry in _wanted(ledger, query) if entry.user_email is None)


def rows(ledger: Ledger, query: Query) -> list[dict[str, Any]]:
    """Uses and credits of each date, tool, user and project, for the usage that has a user."""
    found = _summed(
        ("date", "tool", "user_email", "project_reference"),
        (
            ((first, entry.tool, entry.user_email, entry.project_reference or ""), entry)
            for first, entry in _wanted(ledger, query)
            if entry.user_email is not None
        ),
    )
    return [{**row, "project_reference": row["project_reference"] or None} for row in found]
