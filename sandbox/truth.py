"""What a right answer adds up to, straight from the ledger's entries.

It shares no line with `answers`: other calendar, other sums, so that the two can be held against each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sandbox.ledger import Entry, Ledger
from sandbox.query import Query


def _first_day(day: date, granularity: str) -> str:
    """The first day of the bucket that holds `day`.

    >>> [_first_day(date(2026, 1, 1), size) for size in ("day", "week", "month", "year")]
    ['2026-01-01', '2025-12-29', '2026-01-01', '2026-01-01']
    """
    text = day.isoformat()
    if granularity == "week":
        year, week, _ = day.isocalendar()
        return date.fromisocalendar(year, week, 1).isoformat()
    return {"day": text, "month": text[:7] + "-01", "year": text[:4] + "-01-01"}[granularity]


def _wanted(ledger: Ledger, query: Query) -> Iterator[tuple[str, Entry]]:
    """Each entry that the question covers, with the date of its bucket."""
    groups = {one.email: one.group_ids for one in ledger.team.people}
    asked = query.filters
    day = query.start
    while day <= query.end:
        for entry in ledger.entries(day):
            if asked.group_ids and asked.group_ids.isdisjoint(groups.get(entry.user_email or "", ())):
                continue
            if asked.project_references and entry.project_reference not in asked.project_references:
                continue
            if asked.api_key_ids and entry.api_key_id not in asked.api_key_ids:
                continue
            yield _first_day(day, query.granularity), entry
        day += timedelta(days=1)


def totals(ledger: Ledger, query: Query) -> list[dict[str, Any]]:
    """Uses and credits of each date and tool, sorted by them."""
    uses: Counter[tuple[str, str]] = Counter()
    credits: Counter[tuple[str, str]] = Counter()
    for first, entry in _wanted(ledger, query):
        uses[first, entry.tool] += entry.uses
        credits[first, entry.tool] += entry.credits
    return [
        {"date": key[0], "tool": key[1], "user_uses": uses[key], "user_credits": credits[key]} for key in sorted(uses)
    ]


def rows(ledger: Ledger, query: Query) -> list[dict[str, Any]]:
    """Uses and credits of each date, tool, user and project, for the usage that has a user."""
    uses: Counter[tuple[str, str, str, str]] = Counter()
    credits: Counter[tuple[str, str, str, str]] = Counter()
    for first, entry in _wanted(ledger, query):
        if entry.user_email is not None:
            key = (first, entry.tool, entry.user_email, entry.project_reference or "")
            uses[key] += entry.uses
            credits[key] += entry.credits
    return [
        {
            "date": key[0],
            "tool": key[1],
            "user_email": key[2],
            "project_reference": key[3] or None,
            "user_uses": uses[key],
            "user_credits": credits[key],
        }
        for key in sorted(uses)
    ]
