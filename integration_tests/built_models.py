"""What the tests of the dbt package share: two syncs with corrections between them, each built, and the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_project import ANALYST, MODELS, Project
from destinations import SCHEMA, DuckDb, Postgres, PyAirbyte, Row, Target, debian_programs, postgres
from sandbox_process import Sandbox
from warehouse import KEYS

from sandbox.team import API_KEYS, GROUPS, PROJECTS, make_team

# December begins before the data, March goes on; the second sync reads the lookback's seven days again.
START, MONDAY, TUESDAY, READ_AGAIN = "2025-12-10", "2026-03-16", "2026-03-17", "2026-03-09"
DOMAIN = "harbour-studio.example"
OLD_EMAIL, NEW_EMAIL = f"omar.haddad@{DOMAIN}", f"omar.h@{DOMAIN}"
PROJECT, NEW_PROJECT_NAME = PROJECTS[0], 'Winter\'s "Catalogue" \\ №2'
GROUP, NEW_GROUP_NAME = GROUPS[0], 'The "Studio"\\'
NOBODY, NO_GROUP = "(not attributed to a person)", "(no group)"

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


def used(sandbox: Sandbox, changed: bool) -> list[Used]:
    """The ledger as the table must hold it; `changed`: names and addresses of before in what was not read again."""
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
        recent = changed and row["date"] >= READ_AGAIN
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
    uses: Counter[Key] = Counter()
    credits: Counter[Key] = Counter()
    for row in rows:
        uses[key(row)] += row.uses
        credits[key(row)] += row.credits
    return {one: (uses[one], credits[one]) for one in credits}


def cost(rows: Iterable[Used]) -> Decimal:
    return sum((row.credits * row.price[1] for row in rows), Decimal(0))


def totals(sandbox: Sandbox) -> Figures:
    told = sandbox.totals(start_date=START, end_date=TUESDAY)
    return {(date.fromisoformat(one["date"]), one["tool"]): (one["user_uses"], one["user_credits"]) for one in told}


def spent_by_key(sandbox: Sandbox, last: str) -> list[tuple[str, dict[str, Any]]]:
    """Each API key with its uses and credits by day and tool, up to the day `last`."""
    return [
        (key.api_key_id, row)
        for key in API_KEYS
        for row in sandbox.totals(start_date=START, end_date=last, api_key_ids=key.api_key_id)
    ]


@dataclass(frozen=True)
class Built:
    """A database after two syncs, each followed by `dbt build`."""

    target: Target
    builds: tuple[dict[str, str], dict[str, str]]
    first_expected: list[Used]
    first_found: Figures
    expected: list[Used]
    totals: Figures
    """What the sandbox says of each day and tool."""
    by_key: dict[tuple[str, str | None], int]
    """Credits by month (`2026-03`) and key, which is read once a day: as the first sync found it. None is the rest."""
    synced: tuple[datetime, datetime]
    """Before and after the second sync, UTC."""

    def rows(self, sql: str) -> list[Row]:
        return self.target.query(sql.replace("magnific__", f"{MODELS}.magnific__"))


@pytest.fixture(scope="session")
def models_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="session")
def models_ledger() -> Iterator[Sandbox]:
    sandbox = Sandbox(f"--today={MONDAY}")
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def duckdb_built(tmp_path_factory: pytest.TempPathFactory, models_ledger: Sandbox, models_project: Project) -> Built:
    folder = tmp_path_factory.mktemp("models")
    return _build(DuckDb(str(folder / "warehouse.duckdb")), folder, models_ledger, models_project)


@pytest.fixture(scope="session")
def postgres_built(
    tmp_path_factory: pytest.TempPathFactory, models_ledger: Sandbox, models_project: Project
) -> Iterator[Built]:
    with postgres(debian_programs()) as port:
        # Whose evening is another day in UTC: no figure may depend on the session's zone.
        Postgres(port).query(f"CREATE ROLE {ANALYST} SUPERUSER LOGIN")
        Postgres(port).query(f"ALTER ROLE {ANALYST} SET timezone = 'Pacific/Auckland'")
        yield _build(Postgres(port), tmp_path_factory.mktemp("models"), models_ledger, models_project)


@pytest.fixture(params=["duckdb", "postgres"])
def built(request: pytest.FixtureRequest) -> Built:
    """The same in both databases, built once."""
    found: Built = request.getfixturevalue(f"{request.param}_built")
    return found


def _build(target: Target, folder: Path, ledger: Sandbox, project: Project) -> Built:
    config = {"api_key": ledger.api_key, "base_url": ledger.base_url, "start_date": START}
    ledger.clear(MONDAY)
    with PyAirbyte(folder) as pyairbyte:
        pyairbyte.sync({**config, "end_date": MONDAY}, target, streams=tuple(KEYS))
        by_key, read_on = spent_by_key(ledger, MONDAY), _now().date()
        first = project.run(target, "build", as_of=MONDAY, api_keys_enabled=True)
        first_expected, first_found = used(ledger, changed=False), daily(target)
        _a_day_goes_by(target)
        _change_the_past(ledger)
        before = _now()
        pyairbyte.sync({**config, "end_date": TUESDAY}, target, streams=tuple(KEYS))
        after = _now()
    # The connector reads a key once a day of the calendar.
    if before.date() > read_on:
        by_key = spent_by_key(ledger, TUESDAY)
    second = project.run(target, "build", as_of=TUESDAY, api_keys_enabled=True)
    return Built(
        target=target,
        builds=(first, second),
        first_expected=first_expected,
        first_found=first_found,
        expected=used(ledger, changed=True),
        totals=totals(ledger),
        by_key=_credits_by_key(by_key, totals(ledger)),
        synced=(before, after),
    )


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


def _a_day_goes_by(target: Target) -> None:
    """What was loaded was loaded a day earlier: the list of members tells by its age who is no longer listed."""
    for table in ("credit_usage", "credit_usage_by_api_key", "members", "api_keys", "groups", "projects"):
        change(target, f"UPDATE {SCHEMA}.{table} SET _airbyte_extracted_at = _airbyte_extracted_at - INTERVAL '1 day'")


def change(target: Target, sql: str) -> None:
    if isinstance(target, Postgres):
        target.query(sql)
    else:
        with duckdb.connect(target.path) as connection:
            connection.execute(sql)


def _change_the_past(sandbox: Sandbox) -> None:
    recent = sandbox.rows(start_date="2026-03-11", end_date="2026-03-11")[0]
    sandbox.happen(
        {"kind": "rename_project", "reference": PROJECT.reference, "name": NEW_PROJECT_NAME},
        {"kind": "rename_group", "group_id": GROUP.group_id, "name": NEW_GROUP_NAME},
        {"kind": "change_email", "old": OLD_EMAIL, "new": NEW_EMAIL},
        {"kind": "refund", "day": "2026-03-12", "tool": "AI Image Models"},
        {
            "kind": "late",
            "day": recent["date"],
            "tool": recent["tool"],
            "email": recent["user_email"],
            "project_reference": recent["project_reference"],
            "uses": 3,
            "credits": 777,
        },
    )
    sandbox.set_today(TUESDAY)


def daily(target: Target) -> Figures:
    """Uses and credits of each day, tool, project and group in the mart."""
    found = target.query(
        f"SELECT date, tool, project_reference, group_name, uses, credits FROM {MODELS}.magnific__daily_spend"
    )
    return {row[:4]: row[4:] for row in found}
