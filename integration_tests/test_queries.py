"""Run docs/queries on DuckDB and PostgreSQL. The results must match the ledger in both databases."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from built_models import NO_GROUP, NOBODY, Built
from destinations import SCHEMA, DuckDb
from sandbox_process import ROOT
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from synced_twice import GROUP, NEW_EMAIL, NEW_GROUP_NAME, NEW_PROJECT_NAME, PROJECT, START, TUESDAY, summed

from sandbox.team import GROUPS, make_team

FIRST, TODAY = date.fromisoformat(START), date.fromisoformat(TUESDAY)
POSTGRES = "postgresql+psycopg://airbyte@127.0.0.1"
COLUMNS = {
    "credit_usage": "date, granularity, tool, user_email, user_uses, user_credits, group_name, _airbyte_extracted_at",
    "groups": "name, member_count",
    "members": "email, role, status",
}
Answer = list[dict[str, Any]]
Ask = Callable[..., Answer]


@pytest.fixture()
def ask(built: Built) -> Ask:
    """A function that runs a query from docs/queries on the given tables, each a VALUES list. If no table is given, the
    query reads PyAirbyte's tables, as if the last sync had been at 05:17 on TODAY.
    """
    target = built.target
    url = f"duckdb:///{target.path}" if isinstance(target, DuckDb) else f"{POSTGRES}:{target.port}/postgres"
    engine = create_engine(url, poolclass=NullPool)

    def answer(query: str, **tables: str) -> Answer:
        # Closing the connection rolls back all changes.
        with engine.connect() as connection:
            connection.exec_driver_sql(f"set search_path = '{SCHEMA}'")
            for name, rows in tables.items():
                columns = COLUMNS[name]
                connection.exec_driver_sql(f'create temp table "{name}" as select * from (values {rows}) t ({columns})')
            if not tables:
                read = f"timestamp '{TODAY} 05:17:00'"
                connection.exec_driver_sql(f"update credit_usage set _airbyte_extracted_at = {read}")
            sql = (ROOT / "docs" / "queries" / f"{query}.sql").read_text()
            return [dict(row) for row in connection.exec_driver_sql(sql).mappings()]

    return answer


MARTS = {
    "spend_by_tool": ("month, tool", "date_trunc('month', date), tool", "usage"),
    "spend_by_project": ("project", "coalesce(project_name, 'No project')", "usage"),
    "spend_by_user": ("user_email, role", "user_email, member_role", "people"),
    "spend_by_group": ("group_name", "group_label", "daily_spend"),
    "spend_by_api_key": ("api_key_id, api_key", "api_key_id, key_name", "api_keys"),
}
"""Each query's key columns, the matching columns of a mart, and the mart. test_models.py tests the marts' figures."""


@pytest.mark.parametrize("query", MARTS)
def test_the_queries_and_the_marts_have_the_same_figures(ask: Ask, built: Built, query: str) -> None:
    columns, expressions, mart = MARTS[query]
    names = columns.split(", ")
    sums = "cast(sum(uses) as bigint), cast(sum(credits) as bigint)"
    found = built.ask(f"SELECT {expressions}, {sums} FROM magnific__{mart} GROUP BY {expressions}")
    expected = {tuple(map(_plain, row[:-2])): tuple(map(int, row[-2:])) for row in found if row[-1] or row[-2]}
    told = {tuple(_plain(row[name]) for name in names): (int(row["uses"]), int(row["credits"])) for row in ask(query)}
    assert {key: figures for key, figures in told.items() if any(figures)} == expected


def _plain(value: Any) -> Any:
    """Return a timestamp as a date, because a month is a timestamp in some results. Return other values unchanged."""
    return value.date() if isinstance(value, datetime) else value


def test_what_the_queries_say_beside_the_figures(ask: Ask, built: Built) -> None:
    by_month = summed(built.expected, lambda row: (row.month,))
    for row in ask("spend_by_tool"):
        share = 100 * int(row["credits"]) / by_month[row["month"],][1]
        assert abs(float(row["percent_of_month"]) - share) <= 0.051
    projects = {row["project"]: row for row in ask("spend_by_project")}
    assert NEW_PROJECT_NAME in projects and PROJECT.name not in projects
    assert all(FIRST <= row["first_day"] <= row["last_day"] <= TODAY for row in projects.values())
    # The query lists every member, with or without usage. PyAirbyte keeps members who are no longer listed.
    members = {person.email for person in make_team().people} | {NEW_EMAIL}
    assert {row["user_email"] for row in ask("spend_by_user") if row["role"]} == members
    heads = Counter(number for one in make_team().people for number in one.group_ids)
    sizes = {group.name: heads[group.group_id] for group in GROUPS}
    sizes[NEW_GROUP_NAME] = sizes.pop(GROUP.name)
    people: defaultdict[str, set[str | None]] = defaultdict(set)
    for used in built.expected:
        people[used.group or (NO_GROUP if used.email else NOBODY)].add(used.email)
    for row in ask("spend_by_group"):
        size = sizes.get(row["group_name"])
        assert (row["member_count"], row["people"]) == (size, len(people[row["group_name"]] - {None}))
        assert not size or abs(float(row["credits_per_member"]) - int(row["credits"]) / size) <= 0.051
    assert ask("spend_by_api_key")[-1]["api_key_id"] is None


def test_growth_compares_a_month_with_the_one_before(ask: Ask, built: Built) -> None:
    daily = summed(built.expected, lambda row: (row.date,))
    first_day = min(row.date for row in built.expected)

    def spent(first: date, last: date) -> int:
        return sum(credits for (day,), (_, credits) in daily.items() if first <= day <= last)

    answer = ask("growth")
    assert [str(row["month"])[:7] for row in answer] == [
        *("2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03")
    ]
    for row in answer:
        assert row["credits"] == spent(row["month"], row["through"])
        first, last = row["compared_from"], row["compared_to"]
        end = row["month"] - timedelta(days=1)
        is_over = (row["through"] + timedelta(days=1)).day == 1
        assert (first, last) == (end.replace(day=1), end if is_over else end.replace(day=row["through"].day))
        if first < first_day:
            assert row["compared_credits"] is row["growth_percent"] is None
        else:
            assert row["compared_credits"] == spent(first, last)
            assert abs(float(row["growth_percent"]) - 100 * (int(row["credits"]) / spent(first, last) - 1)) <= 0.051
    assert (answer[0]["growth_percent"], answer[-1]["through"]) == (None, TODAY - timedelta(days=1))


def used(*days: tuple[str, int], at: str) -> str:
    """Return a VALUES list of credit usage, with one row for each pair of day and credits, all read at `at`."""
    return ", ".join(
        f"(date '{day}', 'day', 'Upscaler', 'ann@x.com', 1, {credits}, 'Studio', timestamp '{at}')"
        for day, credits in days
    )


def test_a_month_goes_through_the_last_day_that_was_over(ask: Ask) -> None:
    november = [(f"2026-11-{day:02}", 10) for day in range(1, 28)]
    [row] = ask("growth", credit_usage=used(*november, at="2026-12-01 05:17:00"))
    assert (str(row["month"]), str(row["through"]), int(row["credits"])) == ("2026-11-01", "2026-11-30", 270)
    _, december = ask("growth", credit_usage=used(*november, at="2026-12-07 05:17:00"))
    assert (str(december["through"]), december["compared_credits"]) == ("2026-12-06", None), "not a week yet"
    _, december = ask("growth", credit_usage=used(*november, at="2026-12-08 05:17:00"))
    assert [int(december[what]) for what in ("credits", "compared_credits")] == [0, 70]


def test_groups_of_one_name_count_each_credit_once(ask: Ask) -> None:
    usage = used(("2026-11-01", 30), ("2026-11-02", 12), at="2026-11-03 00:00:00")
    [row] = ask("spend_by_group", credit_usage=usage, groups="('Studio', 2), ('Studio', 5)")
    assert (row["group_name"], int(row["credits"]), int(row["member_count"])) == ("Studio", 42, 7)


def test_an_address_is_one_person_however_it_is_written(ask: Ask) -> None:
    rows = used(("2026-11-01", 30), ("2026-11-02", 12), at="2026-11-03 00:00:00").replace("ann@", "Ann@", 1)
    members = "('ANN@x.com', 'member', 'active')"
    [row] = ask("spend_by_user", credit_usage=rows, members=members)
    assert (row["user_email"], int(row["credits"]), row["role"]) == ("ann@x.com", 42, "member")
    [group] = ask("spend_by_group", credit_usage=rows, groups="('Studio', 2)")
    assert group["people"] == 1
