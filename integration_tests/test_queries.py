"""docs/queries on DuckDB and PostgreSQL: the answers are those of the ledger, whatever the database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sandbox_process import ROOT, Sandbox

from sandbox.team import GROUPS, PROJECTS, make_team

os.environ |= {"DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1", "NO_LIVE_PROGRESS": "1"}

FIRST, TODAY = date(2025, 10, 1), date(2026, 3, 17)
RENAMED = PROJECTS[1].reference
Answer = list[dict[str, Any]]
Ask = Callable[[str], Answer]


class Postgres:
    """A PostgreSQL server of its own in a temporary folder, reached by TCP on loopback."""

    def __init__(self) -> None:
        [bin_folder] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:] or [None]
        assert bin_folder, "PostgreSQL is missing: apt-get install postgresql"
        self._folder = Path(tempfile.mkdtemp(prefix="queries-"))
        # PostgreSQL refuses to run as root; Debian's package brings a user for it.
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(self._folder, user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        data = str(self._folder / "data")
        initdb = [bin_folder / "initdb", "-D", data, "-U", "tester", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, user=user, stdout=subprocess.DEVNULL, cwd=self._folder)
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._folder}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        log = (self._folder / "log").open("w")
        self._server = subprocess.Popen(
            [bin_folder / "postgres", "-D", data, "-cfsync=off", *options], user=user, cwd=self._folder, stderr=log
        )
        ready = [bin_folder / "pg_isready", "-q", "-t10", "-h127.0.0.1", f"-p{self.port}"]
        while subprocess.run(ready, check=False).returncode:
            assert self._server.poll() is None, (self._folder / "log").read_text()

    def stop(self) -> None:
        self._server.terminate()
        self._server.wait(timeout=20)
        shutil.rmtree(self._folder)


@pytest.fixture(scope="module")
def ledger() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def ask(request: pytest.FixtureRequest, ledger: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks one of docs/queries of a database that the connector filled through PyAirbyte.

    Between its two syncs a project gets another name and a day's use of a tool is refunded, so that the table holds
    older rows with the old name, and rows that were withdrawn.
    """
    import airbyte
    from airbyte.caches import DuckDBCache, PostgresCache

    folder = tmp_path_factory.mktemp("queries")
    server = Postgres() if request.param == "postgres" else None
    if server:
        cache: Any = PostgresCache(
            host="127.0.0.1",
            port=server.port,
            username="tester",
            password="none",
            database="postgres",
            schema_name="public",
            cache_dir=folder,
        )
    else:
        cache = DuckDBCache(db_path=folder / "queries.duckdb", cache_dir=folder)
    config = {
        "api_key": ledger.api_key,
        "base_url": ledger.base_url,
        "start_date": FIRST.isoformat(),
        "end_date": TODAY.isoformat(),
    }
    source = airbyte.get_source(
        "source-magnific-analytics",
        config=config,
        local_executable=Path(sys.executable).parent / "source-magnific-analytics",
        install_if_missing=False,
    )
    source.select_all_streams()
    ledger.clear(TODAY.isoformat())
    source.read(cache=cache)
    ledger.happen(
        {"kind": "rename_project", "reference": RENAMED, "name": "O'Brien & Söhne"},
        {"kind": "refund", "day": (TODAY - timedelta(days=1)).isoformat(), "tool": "AI Image Models"},
    )
    source.read(cache=cache)

    def answer(query: str) -> Answer:
        sql = (ROOT / "docs" / "queries" / f"{query}.sql").read_text()
        with cache.get_sql_engine().connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(sql).mappings()]

    yield answer
    cache.close()
    if server:
        server.stop()


def totals(ledger: Sandbox) -> list[dict[str, Any]]:
    return ledger.totals(start_date=FIRST.isoformat(), end_date=TODAY.isoformat())


def usage(ledger: Sandbox) -> list[dict[str, Any]]:
    """The ledger's rows that have a user, and one more for the rest of the totals."""
    rows = ledger.rows(start_date=FIRST.isoformat(), end_date=TODAY.isoformat())
    rest = {
        what: sum(row[what] for row in totals(ledger)) - sum(row[what] for row in rows)
        for what in ("user_uses", "user_credits")
    }
    return [*rows, {"user_email": None, "project_reference": None, **rest}]


def summed(ledger: Sandbox, key: Callable[[dict[str, Any]], str | None]) -> dict[str | None, tuple[int, int, int]]:
    """Uses, credits and people of each value of `key`."""
    uses: Counter[str | None] = Counter()
    credits: Counter[str | None] = Counter()
    people: defaultdict[str | None, set[str]] = defaultdict(set)
    for row in usage(ledger):
        uses[key(row)] += row["user_uses"]
        credits[key(row)] += row["user_credits"]
        people[key(row)] |= {row["user_email"]} - {None}
    return {one: (uses[one], credits[one], len(people[one])) for one in credits}


def test_spend_by_tool(ask: Ask, ledger: Sandbox) -> None:
    expected: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    by_month: Counter[str] = Counter()
    for row in totals(ledger):
        month = row["date"][:7] + "-01"
        expected[month, row["tool"]][0] += row["user_uses"]
        expected[month, row["tool"]][1] += row["user_credits"]
        by_month[month] += row["user_credits"]
    answer = ask("spend_by_tool")
    found = {(str(row["month"]), row["tool"]): [int(row["uses"]), int(row["credits"])] for row in answer}
    assert found == expected
    for row in answer:
        share = 100 * int(row["credits"]) / by_month[str(row["month"])]
        assert abs(float(row["percent_of_month"]) - share) <= 0.051


def test_spend_by_project_has_one_row_for_a_renamed_project(ask: Ask, ledger: Sandbox) -> None:
    names = {project.reference: project.name for project in PROJECTS} | {RENAMED: "O'Brien & Söhne", None: "No project"}
    expected = {
        names[reference]: figures for reference, figures in summed(ledger, lambda row: row["project_reference"]).items()
    }
    answer = ask("spend_by_project")
    assert {row["project"]: (int(row["uses"]), int(row["credits"]), row["people"]) for row in answer} == expected
    assert all(FIRST <= row["first_day"] <= row["last_day"] <= TODAY for row in answer)


def test_spend_by_user_has_everyone_and_their_role(ask: Ask, ledger: Sandbox) -> None:
    roles = {person.email: (person.role, person.status) for person in make_team().people}
    used = {email: figures[:2] for email, figures in summed(ledger, lambda row: row["user_email"]).items()}
    expected = {email: (*used.get(email, (0, 0)), *roles.get(email, (None, None))) for email in {*roles, *used}}
    found = {
        row["user_email"]: (int(row["uses"]), int(row["credits"]), row["role"], row["status"])
        for row in ask("spend_by_user")
    }
    assert found == expected
    assert 0 in [credits for _, credits, _, _ in found.values()]


def test_spend_by_group(ask: Ask, ledger: Sandbox) -> None:
    team = make_team()
    names = {group.group_id: group.name for group in GROUPS}
    group = {one.email: names[one.group_ids[0]] if one.group_ids else "No group" for one in team.people}
    expected = summed(
        ledger, lambda row: group[row["user_email"]] if row["user_email"] else "Not attributed to a person"
    )
    answer = ask("spend_by_group")
    assert {row["group_name"]: (int(row["uses"]), int(row["credits"]), row["people"]) for row in answer} == expected
    heads = Counter(names[number] for one in team.people for number in one.group_ids)
    for row in answer:
        assert row["member_count"] == heads.get(row["group_name"])
        if row["member_count"]:
            assert abs(float(row["credits_per_member"]) - int(row["credits"]) / row["member_count"]) <= 0.051


def test_growth_and_forecast(ask: Ask, ledger: Sandbox) -> None:
    daily: Counter[date] = Counter()
    for row in totals(ledger):
        daily[date.fromisoformat(row["date"])] += row["user_credits"]
    last = max(daily) - timedelta(days=1)

    def spent(first: date, days: int) -> int:
        return sum(daily[first + timedelta(days=n)] for n in range(days))

    answer = {str(row["month"]): row for row in ask("growth_and_forecast")}
    assert list(answer) == ["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01", "2026-03-01"]
    february, march = answer["2026-02-01"], answer["2026-03-01"]
    assert answer["2025-10-01"]["growth_percent"] is None
    assert int(february["credits"]) == int(february["forecast"]) == spent(date(2026, 2, 1), 28)
    growth = 100 * (spent(date(2026, 2, 1), 28) / spent(date(2026, 1, 1), 31) - 1)
    assert abs(float(february["growth_percent"]) - growth) <= 0.051
    assert march["through"] == last
    assert int(march["credits"]) == spent(date(2026, 3, 1), last.day)
    growth = 100 * (spent(date(2026, 3, 1), last.day) / spent(date(2026, 2, 1), last.day) - 1)
    assert abs(float(march["growth_percent"]) - growth) <= 0.051
    average = spent(last - timedelta(days=27), 28) / 28
    assert abs(float(march["forecast"]) - (spent(date(2026, 3, 1), last.day) + (31 - last.day) * average)) <= 1
