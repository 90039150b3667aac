"""docs/queries on DuckDB and PostgreSQL: the answers are those of the ledger, whatever the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from destinations import SCHEMA, DuckDb, Postgres, PyAirbyte, Target, debian_programs, postgres
from sandbox_process import ROOT, Sandbox
from sqlalchemy import Engine, create_engine
from sqlalchemy.event import listens_for
from sqlalchemy.pool import NullPool
from warehouse import KEYS

from sandbox.team import GROUPS, PROJECTS, make_team

FIRST, TODAY = date(2025, 10, 1), date(2026, 3, 17)
RENAMED = PROJECTS[1].reference
QUERIES = ROOT / "docs" / "queries"
COLUMNS = {
    "credit_usage": "date, granularity, tool, user_email, user_uses, user_credits, group_name, _airbyte_extracted_at",
    "groups": "name, member_count",
    "members": "email, role, status",
}
Answer = list[dict[str, Any]]
Ask = Callable[[str], Answer]


@pytest.fixture(scope="module")
def ledger() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """An empty database that PyAirbyte can fill."""
    if request.param == "duckdb":
        yield DuckDb(str(tmp_path_factory.mktemp("queries") / "queries.duckdb"))
        return
    with postgres(debian_programs()) as port:
        yield Postgres(port)


@pytest.fixture(scope="module")
def engine(target: Target) -> Engine:
    """Connections that find PyAirbyte's tables by their names alone, as a query's author does."""
    if isinstance(target, DuckDb):
        made = create_engine(f"duckdb:///{target.path}", poolclass=NullPool)
    else:
        made = create_engine(f"postgresql+psycopg://airbyte@127.0.0.1:{target.port}/postgres", poolclass=NullPool)

    @listens_for(made, "connect")
    def find_tables(connection: Any, _: Any) -> None:
        connection.execute(f"set search_path = '{SCHEMA}'")
        connection.commit()

    return made


@pytest.fixture(scope="module")
def ask(target: Target, engine: Engine, ledger: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Asks one of docs/queries of a database that the connector filled through PyAirbyte at 05:17 on TODAY.

    Between its two syncs a project gets another name and a day's use of a tool is refunded, so that the table holds
    older rows with the old name, and rows that were withdrawn.
    """
    config = {"api_key": ledger.api_key, "base_url": ledger.base_url, "start_date": str(FIRST), "end_date": str(TODAY)}
    ledger.clear(TODAY.isoformat())
    with PyAirbyte(tmp_path_factory.mktemp("pyairbyte")) as pyairbyte:
        # Keys are read once a day: by the second sync alone, so that they know what happened before it.
        pyairbyte.sync(config, target)
        ledger.happen(
            {"kind": "rename_project", "reference": RENAMED, "name": "O'Brien & Söhne"},
            {"kind": "refund", "day": (TODAY - timedelta(days=1)).isoformat(), "tool": "AI Image Models"},
        )
        pyairbyte.sync(config, target, streams=tuple(KEYS))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update credit_usage set _airbyte_extracted_at = timestamp '{TODAY} 05:17:00'")

    def answer(query: str) -> Answer:
        with engine.connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(sql_of(query)).mappings()]

    return answer


@pytest.fixture()
def ask_of(engine: Engine) -> Callable[..., Answer]:
    """Asks one of docs/queries of a few rows, written as a VALUES list for each table."""

    def answer(query: str, **tables: str) -> Answer:
        with engine.connect() as connection:
            for name, rows in tables.items():
                columns = COLUMNS[name]
                connection.exec_driver_sql(f'create temp table "{name}" as select * from (values {rows}) t ({columns})')
            answered = [dict(row) for row in connection.exec_driver_sql(sql_of(query)).mappings()]
            for name in tables:
                connection.exec_driver_sql(f'drop table "{name}"')
            return answered

    return answer


def sql_of(query: str) -> str:
    return (QUERIES / f"{query}.sql").read_text()


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
            assert abs(float(row["credits_per_member"]) - int(row["credits"]) / int(row["member_count"])) <= 0.051


def test_growth_and_forecast(ask: Ask, ledger: Sandbox) -> None:
    daily: Counter[date] = Counter()
    for row in totals(ledger):
        daily[date.fromisoformat(row["date"])] += row["user_credits"]
    last = TODAY - timedelta(days=1)

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


def test_spend_by_api_key_and_the_rest(ask: Ask, ledger: Sandbox) -> None:
    span = {"start_date": FIRST.isoformat(), "end_date": TODAY.isoformat()}
    expected = {
        key.display_name: sum(row["user_credits"] for row in ledger.totals(**span, api_key_ids=key.api_key_id))
        for key in make_team().api_keys
    }
    assert expected["Old prototype"] == 0
    everything = sum(row["user_credits"] for row in totals(ledger))
    expected["not through an API key"] = everything - sum(expected.values())
    assert 0 < expected["not through an API key"] < everything
    answer = ask("spend_by_api_key")
    assert {row["api_key"]: int(row["credits"]) for row in answer} == expected
    assert answer[-1]["api_key_id"] is None


def used(*days: tuple[str, int], at: str) -> str:
    """Rows of credit usage: one for each day and its credits, all read at one moment."""
    return ", ".join(
        f"(date '{day}', 'day', 'Upscaler', 'ann@x.com', 1, {credits}, 'Studio', timestamp '{at}')"
        for day, credits in days
    )


def test_a_month_goes_through_the_last_day_that_was_over(ask_of: Callable[..., Answer]) -> None:
    november = [(f"2026-11-{day:02}", 10) for day in range(1, 28)]
    [row] = ask_of("growth_and_forecast", credit_usage=used(*november, at="2026-12-01 05:17:00"))
    assert (str(row["month"]), str(row["through"])) == ("2026-11-01", "2026-11-30")
    assert (int(row["credits"]), int(row["forecast"])) == (270, 270)
    november, december = ask_of("growth_and_forecast", credit_usage=used(*november, at="2026-12-03 05:17:00"))
    assert (str(december["through"]), int(december["credits"])) == ("2026-12-02", 0)
    # 27 days of 10 in the four weeks from 5 November on would be 270: 23 of them are in it.
    assert int(december["forecast"]) == round(29 * 230 / 28)


@pytest.mark.parametrize("first", ["2026-11-01", "2026-10-26", "2026-02-22"])
def test_a_forecast_divides_by_the_days_that_there_are(ask_of: Callable[..., Answer], first: str) -> None:
    days = [date.fromisoformat(first) + timedelta(days=n) for n in range(10)]
    usage = used(*((str(day), 100) for day in days), at=f"{days[-1] + timedelta(days=1)} 05:17:00")
    newest = ask_of("growth_and_forecast", credit_usage=usage)[-1]
    month = [days[-1].replace(day=1) + timedelta(days=n) for n in range(31)]
    assert int(newest["forecast"]) == 100 * sum(day >= days[0] for day in month if day.month == days[-1].month)


def test_groups_of_one_name_count_each_credit_once(ask_of: Callable[..., Answer]) -> None:
    usage = used(("2026-11-01", 30), ("2026-11-02", 12), at="2026-11-03 00:00:00")
    [row] = ask_of("spend_by_group", credit_usage=usage, groups="('Studio', 2), ('Studio', 5)")
    assert (row["group_name"], int(row["credits"]), int(row["member_count"])) == ("Studio", 42, 7)


def test_an_address_is_one_person_however_it_is_written(ask_of: Callable[..., Answer]) -> None:
    rows = used(("2026-11-01", 30), ("2026-11-02", 12), at="2026-11-03 00:00:00").replace("ann@", "Ann@", 1)
    members = "('ANN@x.com', 'member', 'active')"
    [row] = ask_of("spend_by_user", credit_usage=rows, members=members)
    assert (row["user_email"], int(row["credits"]), row["role"]) == ("ann@x.com", 42, "member")
    [group] = ask_of("spend_by_group", credit_usage=rows, groups="('Studio', 2)")
    assert group["people"] == 1
