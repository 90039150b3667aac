"""Sync twice into DuckDB and PostgreSQL, build the dbt package each time, and compare every figure with the ledger."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from built_models import NOBODY, Built, cost
from dbt_project import MODELS, STAGING, Project
from sandbox_process import ROOT
from synced_twice import DOMAIN, NEW_EMAIL, NEW_PROJECT_NAME, OLD_EMAIL, PROJECT, Key, summed

from sandbox.team import API_KEYS, PROJECTS, make_team

IN_DUCKDB = pytest.mark.parametrize("built", ["duckdb"], indirect=True)


def test_both_builds_are_green(built: Built) -> None:
    assert len(built.builds) == 2
    for results in built.builds:
        assert {name: status for name, status in results.items() if status not in ("success", "pass")} == {}
        kinds = {name.partition("__")[0] for name in results}
        assert {"stg_magnific", "int_magnific", "magnific", "magnific_prices", "magnific_grain_of_usage"} <= kinds


def test_usage_knows_the_member_the_project_of_today_and_the_money(built: Built) -> None:
    people = {one.email: (one.role, one.status) for one in make_team().people}
    names = {one.reference: one.name for one in PROJECTS} | {PROJECT.reference: NEW_PROJECT_NAME}
    people |= {NEW_EMAIL: people[OLD_EMAIL], OLD_EMAIL: (people[OLD_EMAIL][0], "left")}
    found = built.ask(
        "SELECT date, tool, user_email, project_reference, group_name, member_role, member_status, project_name,"
        " list_cost, cost, currency, uses, credits FROM magnific__usage"
    )
    expected = [
        (
            *(row.date, row.tool, row.email, row.project, row.group),
            *people.get(row.email or "", (None, None)),
            names.get(row.project or ""),
            *(row.credits * price for price in row.price),
            *("EUR", row.uses, row.credits),
        )
        for row in built.expected
    ]
    assert Counter(found) == Counter(expected)
    assert {OLD_EMAIL, NEW_EMAIL} < {row[2] for row in found}


def test_daily_spend(built: Built) -> None:
    found = built.ask("SELECT date, tool, project_reference, group_name, uses, credits FROM magnific__daily_spend")
    expected = summed(built.expected, lambda row: (row.date, row.tool, row.project, row.group))
    assert {row[:4]: row[4:] for row in found} == expected
    [(money, people)] = built.ask("SELECT sum(cost), max(people) FROM magnific__daily_spend")
    assert money == cost(built.expected)
    by_grain: defaultdict[Key, set[str | None]] = defaultdict(set)
    for row in built.expected:
        by_grain[row.date, row.tool, row.project, row.group].add(row.email)
    assert people == max(map(len, by_grain.values())) > 1


def test_people_are_all_who_are_or_were_there(built: Built) -> None:
    found = {row[0]: row[1:] for row in built.ask("SELECT person, uses, credits, cost, last_day FROM magnific__people")}
    by_person = summed(built.expected, lambda row: (row.email or NOBODY,))
    members = {one.email for one in make_team().people} | {NEW_EMAIL}
    assert found.keys() == members | {NOBODY}
    for person, (uses, credits, money, last_day) in found.items():
        mine = [row for row in built.expected if (row.email or NOBODY) == person]
        assert (uses, credits) == by_person.get((person,), (0, 0))
        assert money == (cost(mine) if mine else None)
        assert last_day == max((row.date for row in mine), default=None)
    seats = built.ask("SELECT person, has_seat, is_idle_seat FROM magnific__people")
    assert [row[0] for row in seats if row[2]] == [f"paul.moreau@{DOMAIN}"]
    active = {one.email for one in make_team().people if one.status == "active"}
    assert {row[0] for row in seats if row[1]} == active - {OLD_EMAIL} | {NEW_EMAIL}


def test_the_snapshot_keeps_who_left(built: Built) -> None:
    found = built.ask("SELECT user_email, role, dbt_valid_to IS NULL FROM magnific__members_history")
    assert len(found) == len(make_team().people) + 1
    assert [row for row in found if not row[2]] == [(OLD_EMAIL, "member", False)]


def test_api_keys_have_what_each_key_spent_and_one_line_for_the_rest(built: Built) -> None:
    found = built.ask("SELECT month, api_key_id, key_name, credits, cost FROM magnific__api_keys")
    assert {(str(row[0])[:7], row[1]): row[3] for row in found} == built.synced.by_key
    assert sum(row[4] for row in found) == cost(built.expected)
    names = {key.api_key_id: key.display_name for key in API_KEYS} | {None: "(without an API key)"}
    assert {row[1]: row[2] for row in found} == {key: names[key] for _, key in built.synced.by_key}


def test_the_day_of_the_last_sync_is_its_day_in_utc(built: Built) -> None:
    [(synced_at,)] = built.target.query(f"SELECT synced_at FROM {STAGING}.stg_magnific__last_sync")
    # This rules out the first sync's time (backdated by a day) and the local time in Auckland (UTC+12 or +13).
    assert abs(datetime.now(UTC).replace(tzinfo=None) - synced_at) < timedelta(hours=11)


@IN_DUCKDB
def test_usage_is_stale_by_its_days_although_it_was_read_just_now(built: Built, models_project: Project) -> None:
    lists = dict.fromkeys(("members", "api_keys", "groups", "projects"), "pass")
    assert models_project.freshness(built.target) == {**lists, "credit_usage": "error"}


@IN_DUCKDB
def test_every_column_of_every_model_is_described(built: Built) -> None:
    described: dict[str, list[str]] = {}
    for file in (ROOT / "dbt").rglob("*.yml"):
        content = yaml.safe_load(file.read_text())
        for kind in ("models", "snapshots", "seeds"):
            if isinstance(content.get(kind), list):
                for model in content[kind]:
                    assert all(column["description"] for column in model.get("columns", []))
                    described[model["name"]] = [column["name"] for column in model.get("columns", [])]
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, column in built.target.query(
        "SELECT table_name, column_name FROM information_schema.columns"
        f" WHERE table_schema IN ('{MODELS}', '{STAGING}') AND column_name NOT LIKE 'dbt_%' ORDER BY ordinal_position"
    ):
        found[name].append(column)
    # This column exists only if a variable switches it on.
    described["magnific__focus"].remove("x_UserEmail")
    assert described == found
