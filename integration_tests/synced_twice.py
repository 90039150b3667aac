"""Two syncs into a database, between them a day and a changed past, and what the ledger lets one expect."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from destinations import SCHEMA, Row, Source, Target, pyairbyte
from sandbox_process import Sandbox
from warehouse import KEYS

from sandbox.team import API_KEYS, GROUPS, PROJECTS, make_team

# Two windows; September begins before the data, March goes on; the second sync reads the lookback's seven days again.
START, MONDAY, TUESDAY, READ_AGAIN = "2025-09-10", "2026-03-16", "2026-03-17", "2026-03-09"
DOMAIN = "harbour-studio.example"
OLD_EMAIL, NEW_EMAIL = f"omar.haddad@{DOMAIN}", f"omar.h@{DOMAIN}"
PROJECT, NEW_PROJECT_NAME = PROJECTS[0], 'Winter\'s "Catalogue" \\ №2'
GROUP, NEW_GROUP_NAME = GROUPS[0], 'The "Studio"\\'
REFUND = {"kind": "refund", "day": "2026-03-12", "tool": "AI Image Models"}
CREDITED = 1234
NEWEST = f"_airbyte_extracted_at > (SELECT MAX(_airbyte_extracted_at) - INTERVAL '12 hours' FROM {SCHEMA}.credit_usage)"
"""What the second sync brought, in SQL."""

Key = tuple[Any, ...]
Figures = dict[Key, tuple[int, int]]


@dataclass(frozen=True)
class Used:
    """A row that the ledger lets one expect; usage that has no person is one row for each day and tool."""

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
        """List and contracted price of a credit on that day."""
        return (
            (Decimal("0.00075"), Decimal("0.00063"))
            if self.date.year == 2026
            else (Decimal("0.00073"), Decimal("0.00066"))
        )


def used(sandbox: Sandbox) -> list[Used]:
    """The ledger as the table must hold it: names and addresses of before in what was not read again."""
    names = {group.group_id: group.name for group in GROUPS}
    groups = {one.email: names[one.group_ids[0]] for one in make_team().people if one.group_ids}
    found: list[Used] = []
    query = {"start_date": START, "end_date": TUESDAY}
    rest: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in sandbox.totals(**query):
        rest[row["date"], row["tool"]] = [row["user_uses"], row["user_credits"]]
    for row in sandbox.rows(**query):
        old = OLD_EMAIL if row["user_email"] == NEW_EMAIL else row["user_email"]
        group = groups.get(old)
        recent = row["date"] >= READ_AGAIN
        if recent and group == GROUP.name:
            group = NEW_GROUP_NAME
        email = row["user_email"] if recent else old
        uses, credits = row["user_uses"], row["user_credits"]
        rest[row["date"], row["tool"]][0] -= uses
        rest[row["date"], row["tool"]][1] -= credits
        day = date.fromisoformat(row["date"])
        found.append(Used(day, row["tool"], email, row["project_reference"], group, uses, credits))
    for (day_text, tool), (uses, credits) in rest.items():
        if uses or credits:
            found.append(Used(date.fromisoformat(day_text), tool, None, None, None, uses, credits))
    return found


def summed(rows: Iterable[Used], key: Callable[[Used], Key]) -> Figures:
    """Uses and credits of each value of `key`."""
    uses: Counter[Key] = Counter()
    credits: Counter[Key] = Counter()
    for row in rows:
        uses[key(row)] += row.uses
        credits[key(row)] += row.credits
    return {one: (uses[one], credits[one]) for one in credits}


def totals(sandbox: Sandbox) -> Figures:
    """What the sandbox says of each day and tool."""
    told = sandbox.totals(start_date=START, end_date=TUESDAY)
    return {(date.fromisoformat(one["date"]), one["tool"]): (one["user_uses"], one["user_credits"]) for one in told}


@dataclass(frozen=True)
class Synced:
    """A database after two syncs."""

    target: Target
    before: dict[str, Row]
    """The rows of credit usage after the first sync, by their id."""
    records: tuple[int, int]
    """How many each sync brought, without usage by API key."""
    expected: list[Used]
    totals: Figures
    by_key: dict[tuple[str, str | None], int]
    """Credits by month (`2026-03`) and key, which is read once a day: as the first sync found it. None is the rest."""
    moments: tuple[datetime, datetime]
    """Before and after the second sync, UTC."""

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
    """By PyAirbyte; `between` is called before anything changes."""
    config = {"api_key": ledger.api_key, "base_url": ledger.base_url, "start_date": START}
    ledger.clear(MONDAY)
    with pyairbyte(folder, environment) as sync:
        first = sync(source, {**config, "end_date": MONDAY}, target, tuple(KEYS))
        by_key = _spent_by_key(ledger, MONDAY)
        before = usage_rows(target)
        [(first_by_key,)] = target.query(f"SELECT COUNT(*) FROM {SCHEMA}.credit_usage_by_api_key")
        between()
        _a_day_goes_by(target)
        change_the_past(ledger)
        ledger.requests()
        start = _now()
        second = sync(source, {**config, "end_date": TUESDAY}, target, tuple(KEYS))
        end = _now()
    second_by_key = 0
    # The connector reads a key once a day of the calendar: again, if a midnight was in between.
    if any("api_key_ids" in (request["body"] or {}) for request in ledger.requests()):
        by_key = _spent_by_key(ledger, TUESDAY)
        [(second_by_key,)] = target.query(f"SELECT COUNT(*) FROM {SCHEMA}.credit_usage_by_api_key WHERE {NEWEST}")
    everything = totals(ledger)
    return Synced(
        target=target,
        before=before,
        records=(first - first_by_key, second - second_by_key),
        expected=used(ledger),
        totals=everything,
        by_key=_credits_by_key(by_key, everything),
        moments=(start, end),
    )


def usage_rows(target: Target, where: str = "TRUE") -> dict[str, Row]:
    """(date, tool, email, project, name of the project, uses, credits) by id; an id that is there twice fails."""
    columns = "usage_id, date, tool, user_email, project_reference, project_name, user_uses, user_credits"
    found = target.query(f"SELECT {columns} FROM {SCHEMA}.credit_usage WHERE {where}")
    rows = {row[0]: row[1:] for row in found}
    assert len(rows) == len(found)
    return rows


def change_the_past(sandbox: Sandbox) -> None:
    """A day goes by, and what Magnific says about the days before changes."""
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
    """What was loaded was loaded a day earlier: the list of members tells by its age who is no longer listed."""
    for table in KEYS:
        target.execute(f"UPDATE {SCHEMA}.{table} SET _airbyte_extracted_at = _airbyte_extracted_at - INTERVAL '1 day'")


def _spent_by_key(sandbox: Sandbox, last: str) -> list[tuple[str, dict[str, Any]]]:
    """Each API key with its uses and credits by day and tool, up to the day `last`."""
    return [
        (key.api_key_id, row)
        for key in API_KEYS
        for row in sandbox.totals(start_date=START, end_date=last, api_key_ids=key.api_key_id)
    ]


def _credits_by_key(spent: list[tuple[str, dict[str, Any]]], everything: Figures) -> dict[tuple[str, str | None], int]:
    credits: Counter[tuple[str, str | None]] = Counter()
    for (day, _), (_, all_credits) in everything.items():
        credits[str(day)[:7], None] += all_credits
    for key, row in spent:
        credits[row["date"][:7], key] += row["user_credits"]
        credits[row["date"][:7], None] -= row["user_credits"]
    return credits


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
