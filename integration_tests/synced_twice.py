"""Sync into a database twice, change past usage between the syncs, and calculate the expected rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from destinations import SCHEMA, Row, Source, Target, pyairbyte
from sandbox_process import Sandbox
from warehouse import KEYS

from sandbox.team import API_KEYS, GROUPS, PROJECTS, make_team

# The first sync has two windows, and its first and last months are incomplete. The second sync reads seven days again.
START, MONDAY, TUESDAY, READ_AGAIN = "2025-09-10", "2026-03-16", "2026-03-17", "2026-03-09"
DOMAIN = "harbour-studio.example"
OLD_EMAIL, NEW_EMAIL = f"omar.haddad@{DOMAIN}", f"omar.h@{DOMAIN}"
PROJECT, NEW_PROJECT_NAME = PROJECTS[0], 'Winter\'s "Catalogue" \\ №2'
GROUP, NEW_GROUP_NAME = GROUPS[0], 'The "Studio"\\'
REFUND = {"kind": "refund", "day": "2026-03-12", "tool": "AI Image Models"}
CREDITED = 1234
PRICES = {2025: (Decimal("0.00073"), Decimal("0.00066")), 2026: (Decimal("0.00075"), Decimal("0.00063"))}
NEWEST = f"_airbyte_extracted_at > (SELECT MAX(_airbyte_extracted_at) - INTERVAL '12 hours' FROM {SCHEMA}.credit_usage)"
"""An SQL condition for the rows that the second sync loaded."""

Key = tuple[Any, ...]
Figures = dict[Key, tuple[int, int]]


@dataclass(frozen=True)
class Used:
    """An expected row of the table. Unattributed usage has one row per day and tool."""

    date: date
    tool: str
    email: str | None
    project: str | None
    group: str | None
    uses: int
    credits: int

    @property
    def month(self) -> date:
        return self.date.replace(day=1)

    @property
    def price(self) -> tuple[Decimal, Decimal]:
        """The list price and the contracted price of a credit on that day."""
        return PRICES[self.date.year]


def used(sandbox: Sandbox) -> list[Used]:
    """Return the rows that the table must contain. Days that were not read again keep the old names and addresses."""
    names = {group.group_id: group.name for group in GROUPS}
    groups = {one.email: names[one.group_ids[0]] for one in make_team().people if one.group_ids}
    query = {"start_date": START, "end_date": TUESDAY}
    rest = {(row["date"], row["tool"]): [row["user_uses"], row["user_credits"]] for row in sandbox.totals(**query)}
    found = []
    for row in sandbox.rows(**query):
        recent = row["date"] >= READ_AGAIN
        old = OLD_EMAIL if row["user_email"] == NEW_EMAIL else row["user_email"]
        group = NEW_GROUP_NAME if recent and groups.get(old) == GROUP.name else groups.get(old)
        place = (row["date"], row["tool"])
        figures = row["user_uses"], row["user_credits"]
        rest[place] = [all_of_them - part for all_of_them, part in zip(rest[place], figures, strict=True)]
        email = row["user_email"] if recent else old
        found.append(Used(date.fromisoformat(place[0]), place[1], email, row["project_reference"], group, *figures))
    for (day, tool), left in rest.items():
        if any(left):
            found.append(Used(date.fromisoformat(day), tool, None, None, None, *left))
    return found


def summed(rows: Iterable[Used], key: Callable[[Used], Key]) -> Figures:
    """Add up uses and credits for each value of `key`."""
    uses: Counter[Key] = Counter()
    credits: Counter[Key] = Counter()
    for row in rows:
        uses[key(row)] += row.uses
        credits[key(row)] += row.credits
    return {one: (uses[one], credits[one]) for one in credits}


@dataclass(frozen=True)
class Synced:
    """A database after two syncs."""

    target: Target
    before: dict[str, Row]
    """The rows of credit usage after the first sync, by usage ID."""
    records: tuple[int, int]
    """The number of records that each sync loaded."""
    expected: list[Used]
    by_key: dict[tuple[str, str | None], int]
    """Credits by month (`2026-03`) and API key after the first sync; for None, the rest of the month's final total."""

    def rows(self, where: str = "TRUE") -> dict[str, Row]:
        return usage_rows(self.target, where)


def sync_twice(
    folder: Path,
    target: Target,
    ledger: Sandbox,
    source: Source,
    environment: Mapping[str, str] | None = None,
    between: Callable[[], None] = lambda: None,
) -> Synced:
    """Sync twice with PyAirbyte and call `between` after the first sync. Only the first sync reads usage by API key."""
    config = {"api_key": ledger.api_key, "base_url": ledger.base_url, "start_date": START}
    ledger.clear(MONDAY)
    with pyairbyte(folder, environment) as sync:
        first = sync(source, {**config, "end_date": MONDAY}, target, tuple(KEYS))
        by_key = _spent_by_key(ledger)
        before = usage_rows(target)
        between()
        _a_day_goes_by(target)
        change_the_past(ledger)
        second = sync(source, {**config, "end_date": TUESDAY}, target, tuple(KEYS)[:5])
    expected = used(ledger)
    return Synced(target, before, (first, second), expected, by_key | _not_by_key(by_key, expected))


def usage_rows(target: Target, where: str = "TRUE") -> dict[str, Row]:
    """Return (date, tool, email, project, project name, uses, credits) by usage ID; fail if an ID occurs twice."""
    columns = "usage_id, date, tool, user_email, project_reference, project_name, user_uses, user_credits"
    found = target.query(f"SELECT {columns} FROM {SCHEMA}.credit_usage WHERE {where}")
    rows = {row[0]: row[1:] for row in found}
    assert len(rows) == len(found)
    return rows


def change_the_past(sandbox: Sandbox) -> None:
    """Move to the next day, and change what Magnific reports about earlier days."""
    rows = sandbox.rows(start_date="2026-03-11", end_date="2026-03-11")
    row = next(row for row in rows if row["user_email"] != OLD_EMAIL and row["project_reference"])
    late = {"day": row["date"], "tool": row["tool"], "email": row["user_email"], "uses": 1, "credits": CREDITED}
    sandbox.happen(
        {"kind": "rename_project", "reference": PROJECT.reference, "name": NEW_PROJECT_NAME},
        {"kind": "rename_group", "group_id": GROUP.group_id, "name": NEW_GROUP_NAME},
        {"kind": "change_email", "old": OLD_EMAIL, "new": NEW_EMAIL},
        {"kind": "late", "project_reference": row["project_reference"], **late},
        REFUND,
    )
    sandbox.set_today(TUESDAY)


def _a_day_goes_by(target: Target) -> None:
    """Backdate all loaded rows by a day, so that members missing from the second sync count as no longer listed."""
    for table in KEYS:
        target.execute(f"UPDATE {SCHEMA}.{table} SET _airbyte_extracted_at = _airbyte_extracted_at - INTERVAL '1 day'")


def _spent_by_key(sandbox: Sandbox) -> dict[tuple[str, str | None], int]:
    """Return credits by month and API key, up to MONDAY."""
    credits: Counter[tuple[str, str | None]] = Counter()
    for key in (one.api_key_id for one in API_KEYS):
        for row in sandbox.totals(start_date=START, end_date=MONDAY, api_key_ids=key):
            credits[row["date"][:7], key] += row["user_credits"]
    return dict(credits)


def _not_by_key(by_key: Mapping[tuple[str, str | None], int], everything: list[Used]) -> dict[tuple[str, None], int]:
    credits: Counter[tuple[str, None]] = Counter()
    for row in everything:
        credits[str(row.date)[:7], None] += row.credits
    for (month, _), spent in by_key.items():
        credits[month, None] -= spent
    return dict(credits)
