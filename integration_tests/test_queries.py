"""docs/queries on DuckDB and PostgreSQL: the answers are those of the ledger, whatever the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from built_models import Built
from destinations import SCHEMA, DuckDb
from sandbox_process import ROOT
from sqlalchemy import Engine, create_engine
from sqlalchemy.event import listens_for
from sqlalchemy.pool import NullPool
from synced_twice import (
    GROUP,
    NEW_EMAIL,
    NEW_GROUP_NAME,
    NEW_PROJECT_NAME,
    OLD_EMAIL,
    PROJECT,
    START,
    TUESDAY,
    Used,
    summed,
)

from sandbox.team import API_KEYS, GROUPS, PROJECTS, make_team

FIRST, TODAY = date.fromisoformat(START), date.fromisoformat(TUESDAY)
QUERIES = ROOT / "docs" / "queries"
COLUMNS = {
    "credit_usage": "date, granularity, tool, user_email, user_uses, user_credits, group_name, _airbyte_extracted_at",
    "groups": "name, member_count",
    "members": "email, role, status",
}
Answer = list[dict[str, Any]]
Ask = Callable[[str], Answer]


@pytest.fixture()
def engine(built: Built) -> Engine:
    """Connections that find PyAirbyte's tables by their names alone, as a query's author does."""
    target = built.target
    if isinstance(target, DuckDb):
        made = create_engine(f"duckdb:///{target.path}", poolclass=NullPool)
    else:
        made = create_engine(f"postgresql+psycopg://airbyte@127.0.0.1:{target.port}/postgres", poolclass=NullPool)

    @listens_for(made, "connect")
    def find_tables(connection: Any, _: Any) -> None:
        connection.execute(f"set search_path = '{SCHEMA}'")
        connection.commit()

    return made


@pytest.fixture()
def ask(engine: Engine) -> Ask:
    """Asks one of docs/queries of the tables as they would be if the last sync had been at 05:17 on TODAY."""

    def answer(query: str) -> Answer:
        with engine.connect() as connection:
            # It is rolled back when the connection is closed.
            connection.exec_driver_sql(f"update credit_usage set _airbyte_extracted_at = timestamp '{TODAY} 05:17:00'")
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


def used_by(built: Built, key: Callable[[Used], str | None]) -> dict[str | None, tuple[int, int, int]]:
    """Uses, credits and people of each value of `key`."""
    people: defaultdict[str | None, set[str]] = defaultdict(set)
    for row in built.expected:
        people[key(row)] |= {row.email} - {None}
    figures = summed(built.expected, lambda row: (key(row),))
    return {one: (*figures[one,], len(people[one])) for one in people}


def test_spend_by_tool(ask: Ask, built: Built) -> None:
    expected = summed(built.expected, lambda row: (row.month, row.tool))
    by_month = summed(built.expected, lambda row: (row.month,))
    answer = ask("spend_by_tool")
    assert {(row["month"], row["tool"]): (int(row["uses"]), int(row["credits"])) for row in answer} == expected
    for row in answer:
        share = 100 * int(row["credits"]) / by_month[row["month"],][1]
        assert abs(float(row["percent_of_month"]) - share) <= 0.051


def test_spend_by_project_has_one_row_for_a_renamed_project(ask: Ask, built: Built) -> None:
    names = {project.reference: project.name for project in PROJECTS}
    names |= {PROJECT.reference: NEW_PROJECT_NAME, None: "No project"}
    expected = {names[reference]: figures for reference, figures in used_by(built, lambda row: row.project).items()}
    answer = ask("spend_by_project")
    assert {row["project"]: (int(row["uses"]), int(row["credits"]), row["people"]) for row in answer} == expected
    assert all(FIRST <= row["first_day"] <= row["last_day"] <= TODAY for row in answer)


def test_spend_by_user_has_everyone_and_their_role(ask: Ask, built: Built) -> None:
    roles = {person.email: (person.role, person.status) for person in make_team().people}
    # PyAirbyte keeps who is no longer listed.
    roles[NEW_EMAIL] = roles[OLD_EMAIL]
    used = {email: figures[:2] for email, figures in used_by(built, lambda row: row.email).items()}
    expected = {email: (*used.get(email, (0, 0)), *roles.get(email, (None, None))) for email in {*roles, *used}}
    found = {
        row["user_email"]: (int(row["uses"]), int(row["credits"]), row["role"], row["status"])
        for row in ask("spend_by_user")
    }
    assert found == expected
    assert 0 in [credits for _, credits, _, _ in found.values()]


def test_spend_by_group(ask: Ask, built: Built) -> None:
    expected = used_by(built, lambda row: row.group or ("No group" if row.email else "Not attributed to a person"))
    answer = ask("spend_by_group")
    assert {row["group_name"]: (int(row["uses"]), int(row["credits"]), row["people"]) for row in answer} == expected
    heads = Counter(number for one in make_team().people for number in one.group_ids)
    members = {group.name: heads[group.group_id] for group in GROUPS}
    members[NEW_GROUP_NAME] = members.pop(GROUP.name)
    for row in answer:
        assert row["member_count"] == members.get(row["group_name"])
        if row["member_count"]:
            assert abs(float(row["credits_per_member"]) - int(row["credits"]) / int(row["member_count"])) <= 0.051


def test_growth_and_forecast(ask: Ask, built: Built) -> None:
    daily = summed(built.expected, lambda row: (row.date,))
    last = TODAY - timedelta(days=1)

    def spent(first: date, days: int) -> int:
        return sum(daily.get((first + timedelta(days=n),), (0, 0))[1] for n in range(days))

    answer = {str(row["month"])[:7]: row for row in ask("growth_and_forecast")}
    assert list(answer) == ["2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03"]
    february, march = answer["2026-02"], answer["2026-03"]
    assert answer["2025-09"]["growth_percent"] is None
    assert int(february["credits"]) == int(february["forecast"]) == spent(date(2026, 2, 1), 28)
    growth = 100 * (spent(date(2026, 2, 1), 28) / spent(date(2026, 1, 1), 31) - 1)
    assert abs(float(february["growth_percent"]) - growth) <= 0.051
    assert march["through"] == last
    assert int(march["credits"]) == spent(date(2026, 3, 1), last.day)
    growth = 100 * (spent(date(2026, 3, 1), last.day) / spent(date(2026, 2, 1), last.day) - 1)
    assert abs(float(march["growth_percent"]) - growth) <= 0.051
    average = spent(last - timedelta(days=27), 28) / 28
    assert abs(float(march["forecast"]) - (spent(date(2026, 3, 1), last.day) + (31 - last.day) * average)) <= 1


def test_spend_by_api_key_and_the_rest(ask: Ask, built: Built) -> None:
    names = {key.api_key_id: key.display_name for key in API_KEYS} | {None: "not through an API key"}
    expected = dict.fromkeys(names.values(), 0)
    for (_, key), credits in built.synced.by_key.items():
        expected[names[key]] += credits
    assert expected["Old prototype"] == 0 < expected["not through an API key"]
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
