"""The dbt package on tables made by hand: what two syncs of a sandbox do not bring about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_project import Project
from destinations import SCHEMA, DuckDb, Row

TABLES = {
    "credit_usage": "usage_id varchar, date date, granularity varchar, tool varchar, user_email varchar,"
    " user_uses bigint, user_credits bigint, project_reference varchar, project_name varchar, group_name varchar,"
    " _ab_cdc_deleted_at timestamptz",
    "members": "email varchar, role varchar, status varchar",
    "api_keys": "api_key_id varchar, display_name varchar, status varchar, created_at timestamptz",
    "groups": "group_id bigint, name varchar, member_count bigint",
    "projects": "project_reference varchar, name varchar",
}
AIRBYTE = "_airbyte_raw_id varchar, _airbyte_extracted_at timestamptz, _airbyte_meta json"


@dataclass(frozen=True)
class Build:
    target: DuckDb
    project: Project
    results: dict[str, str]

    def rows(self, columns: str, mart: str, rest: str = "") -> list[Row]:
        return self.target.query(f"SELECT {columns} FROM models.magnific__{mart} {rest}")


def build(
    folder: Path, seeds: dict[str, str], variables: dict[str, Any] | None = None, **tables: Sequence[tuple[Any, ...]]
) -> Build:
    """The package on tables whose rows lack what Airbyte adds, except the time of extraction, which comes last.

    A row of credit_usage is (usage_id, tool, email, credits, group, extracted, meta); its day is in the usage_id.
    """
    target = DuckDb(str(folder / "warehouse.duckdb"))
    with duckdb.connect(target.path) as connection:
        connection.execute(f"SET timezone = 'UTC'; CREATE SCHEMA {SCHEMA}")
        unsynced = {name.removeprefix("using_") for name in variables or {}}
        for name, columns in TABLES.items():
            if name in unsynced:
                continue
            connection.execute(f"CREATE TABLE {SCHEMA}.{name} ({columns}, {AIRBYTE})")
        for usage_id, tool, email, credits, group, extracted, meta in tables.pop("credit_usage"):
            size, day = usage_id.split("-", 1)
            row = [usage_id, day[:10], size, tool, email, credits and 1, credits, None, None, group]
            deleted = None if tool else extracted
            row += [deleted, "random", extracted, meta]
            connection.execute(f"INSERT INTO {SCHEMA}.credit_usage VALUES ({', '.join('?' * len(row))})", row)
        for name, rows in tables.items():
            for *values, extracted in rows:
                row = [*values, "random", extracted, "{}"]
                connection.execute(f"INSERT INTO {SCHEMA}.{name} VALUES ({', '.join('?' * len(row))})", row)
    project = Project(folder, seeds)
    return Build(target, project, project.run(target, "build", **(variables or {})))


@pytest.fixture(scope="module")
def untidy(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Appended tables, without prices, allowances or the stream of API keys, last synced on the first of a month."""
    before, now = "2026-03-31 02:00:00", "2026-04-01 02:00:00"
    lost = '{"changes": [{"field": "project_name", "change": "NULLED", "reason": "DESTINATION_FIELD_SIZE_LIMITATION"}]}'
    return build(
        tmp_path_factory.mktemp("untidy"),
        {},
        credit_usage=[
            ("day-2026-03-30-0", "Upscaler", "ann@example.com", 10, "Film", before, "{}"),
            ("day-2026-03-30-0", "Upscaler", "ann@example.com", 15, "Film", now, "{}"),
            ("day-2026-03-30-1", "Upscaler", "bob@example.com", 7, "Film", before, "{}"),
            ("day-2026-03-30-1", None, None, 0, None, now, "{}"),
            ("day-2026-03-31-0", "Upscaler", "Ann@Example.com", 5, "Film", now, lost),
            ("month-2026-02-01-0", "Upscaler", "ann@example.com", 100, "Film", now, "{}"),
        ],
        members=[
            ("Ann@example.com", "member", "inactive", before),
            ("ANN@example.com", "admin", "active", now),
            ("zoe@example.com", "member", "active", before),
        ],
    )


def test_an_untidy_table_is_built_and_what_is_lost_in_it_is_told(untidy: Build) -> None:
    odd = {name: status for name, status in untidy.results.items() if status not in ("success", "pass")}
    marts = ("usage", "daily_spend", "people", "api_keys", "budget", "alerts", "month", "forecast", "focus")
    lost = {f"magnific_nothing_was_lost_in_{mart}": "fail" for mart in marts}
    assert odd == {"magnific_only_days": "warn"} | lost


def test_the_newest_row_of_each_place_counts_and_deleted_ones_are_gone(untidy: Build) -> None:
    assert untidy.rows("usage_id, credits", "usage", "ORDER BY 1") == [
        ("day-2026-03-30-0", 15),
        ("day-2026-03-31-0", 5),
    ]


def test_one_person_is_one_whatever_the_case_of_the_address(untidy: Build) -> None:
    assert untidy.rows("person, member_role, member_status, credits, has_seat", "people") == [
        ("ann@example.com", "admin", "active", 20, True)
    ]


def test_without_a_price_money_is_null_and_without_an_allowance_there_is_no_budget(untidy: Build) -> None:
    for mart in ("usage", "daily_spend", "people", "month"):
        assert set(untidy.rows("cost, currency", mart)) == {(None, None)}
    assert untidy.rows("*", "budget") == untidy.rows("*", "alerts") == []
    assert set(untidy.rows('"EffectiveCost", "ListCost", "BillingCurrency"', "focus")) == {(None, None, None)}
    assert untidy.rows("credits_without_price", "people") == [(20,)]
    assert untidy.rows("through, complete_through, has_prices, has_allowances, keys_read_at", "synced") == [
        (date(2026, 4, 1), date(2026, 3, 31), False, False, None)
    ]


def test_a_weekday_that_has_not_been_yet_is_forecast_by_the_mean_of_all(untidy: Build) -> None:
    months = untidy.rows("month, is_current, used, forecast", "month", "ORDER BY month")
    # Monday had 15 and Tuesday 5; April has four of each, and 22 other days of 10.
    assert months == [(date(2026, 3, 1), False, 20, 20), (date(2026, 4, 1), True, 0, 300)]


def test_an_empty_list_of_members_is_an_error_and_nobody_has_left(untidy: Build) -> None:
    history = untidy.rows("*", "members_history")
    with duckdb.connect(untidy.target.path) as connection:
        connection.execute(f"ALTER TABLE {SCHEMA}.members RENAME TO kept")
        connection.execute(f"CREATE TABLE {SCHEMA}.members AS FROM {SCHEMA}.kept LIMIT 0")
    results = untidy.project.run(untidy.target, "build", "--select", "+magnific__people")
    with duckdb.connect(untidy.target.path) as connection:
        connection.execute(f"DROP TABLE {SCHEMA}.members")
        connection.execute(f"ALTER TABLE {SCHEMA}.kept RENAME TO members")
    assert (results["magnific__members_history"], results["magnific__people"]) == ("error", "skipped")
    assert untidy.rows("*", "members_history") == history != []


UNSYNCED = ("members", "api_keys", "groups", "projects")
MARTS = (
    *("usage", "daily_spend", "people", "usage_by_api_key", "api_keys"),
    *("month", "budget", "alerts", "forecast", "focus"),
)


def test_without_the_lists_every_mart_is_built_from_usage_alone(tmp_path: Path) -> None:
    usage = [("day-2026-03-30-0", "Upscaler", "ann@example.com", 10, "Film", "2026-04-01 02:00:00", "{}")]
    off = {f"using_{table}": False for table in UNSYNCED}
    built = build(tmp_path, {}, off, credit_usage=usage)
    assert {name: status for name, status in built.results.items() if status not in ("success", "pass")} == {}
    assert built.rows("person, credits, member_role, has_seat", "people") == [("ann@example.com", 10, None, False)]
    assert {f"magnific_reconciles_{mart}" for mart in MARTS} < built.results.keys()


def test_a_mart_can_be_switched_off_without_losing_a_test_of_the_others(allowed: Build) -> None:
    children = allowed.project.children()
    marts = {name.removeprefix("magnific__") for name in children if name.startswith("magnific__")}
    assert set(MARTS) | {"synced", "members_history"} == marts
    for mart in MARTS:
        kinds = ("grain_of", "nothing_was_lost_in", "reconciles")
        assert children[f"magnific__{mart}"] == {f"magnific_{kind}_{mart}" for kind in kinds}
    assert children["magnific__synced"] == {"magnific_grain_of_synced"}


def test_the_schema_of_the_users_snapshots_wins(allowed: Build) -> None:
    allowed.project.set_models({}, snapshots={"+schema": "history"})
    results = allowed.project.run(allowed.target, "build", "--select", "+magnific__members_history")
    allowed.project.set_models({})
    assert results["magnific__members_history"] == "success"
    assert allowed.target.query("SELECT user_email FROM models_history.magnific__members_history") == [
        ("gus@example.com",)
    ]


# The second price has none that was agreed upon.
SEEDS = {
    "magnific_prices": """valid_from,list_price_per_credit,contracted_price_per_credit,currency
2026-02-20,0.001,0.0005,USD
2026-04-01,0.002,,USD
""",
    "magnific_allowances": """team,scope,name,credits,credits_per_seat,period,valid_from,valid_to
,team,,1000,,month,2026-01-31,
,team,,2000,,month,2026-03-10,
,team,Pack,300,,,2026-03-01,2029-02-28
,team,Rollover,100,,,2026-03-31,2026-04-10
,group,FILM ,50000,,year,2025-06-15,
,group,Flim,1,,month,2026-01-01,
Elsewhere,group,Film,7,,month,2026-01-01,
,person,Gus@example.com,2000,,month,2026-04-01,
,project,trade FAIR,1000000,,month,2026-04-01,
""",
}
TODAY = "2026-04-20 02:00:00"
USED = {"2026-02-10": 900, "2026-03-05": 1100, "2026-04-05": 2150}


@pytest.fixture(scope="module")
def allowed(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Prices and allowances that change, rollover and a pack, synced in the third cycle of a contract of a 31st."""
    return build(
        tmp_path_factory.mktemp("allowed"),
        SEEDS,
        credit_usage=[
            *[
                (f"day-{day}-0", "Upscaler", "gus@example.com", credits, "Film", TODAY, "{}")
                for day, credits in USED.items()
            ],
            ("day-2026-02-10-1", "Upscaler", "hal@example.com", -10, "Film", TODAY, "{}"),
            ("day-2026-02-10-2", "Upscaler", "hal@example.com", 10, "Film", TODAY, "{}"),
        ],
        members=[("gus@example.com", "owner", "active", TODAY)],
        groups=[(1, "Film", 6, TODAY)],
        projects=[("7c1f", "Trade Fair", TODAY)],
    )


def test_cycles_begin_on_the_day_of_the_contract_or_the_last_of_its_month(allowed: Build) -> None:
    cycles = allowed.rows("cycle_start, cycle_end, is_current", "budget", "WHERE scope = 'team' ORDER BY cycle_start")
    assert cycles == [
        (date(2026, 1, 31), date(2026, 2, 27), False),
        (date(2026, 2, 28), date(2026, 3, 30), False),
        (date(2026, 3, 31), date(2026, 4, 29), True),
    ]
    years = allowed.rows(
        "name, cycle_start, cycle_end, allowance, used", "budget", "WHERE scope = 'group' AND name = 'FILM'"
    )
    assert years == [("FILM", date(2025, 6, 15), date(2026, 6, 14), 50_000, sum(USED.values()))]


def test_rollover_and_packs_are_spent_after_the_plan_and_what_ends_first_before_the_other(allowed: Build) -> None:
    budget = allowed.rows(
        "allowance, extra_allowance, remaining", "budget", "WHERE scope = 'team' ORDER BY cycle_start"
    )
    assert budget == [
        (1000, 0, 100),  # the pack comes later
        (1300, 300, 200),  # the plan is still the old one, and 100 come from the pack
        (
            2300,
            300,
            150,
        ),  # 150 over the plan: 100 of the rollover, which has ended since, and 50 of what the pack has left
    ]


def test_nobody_has_a_limit_who_was_not_given_one(allowed: Build) -> None:
    limits = allowed.rows("name, used, allowance, level, runs_out_on", "budget", "WHERE scope IN ('person', 'project')")
    assert sorted(limits) == [
        ("Gus@example.com", 2150, 2000, 100, date(2026, 4, 5)),
        ("trade FAIR", 0, 1_000_000, 0, None),
    ]


def test_an_allowance_of_nobody_is_reported(allowed: Build) -> None:
    assert allowed.results["magnific_allowances_are_of_somebody"] == "warn"


def test_the_price_of_the_day_applies_and_what_has_none_is_counted(allowed: Build) -> None:
    [(cost, without)] = allowed.rows("cost, credits_without_price", "people", "WHERE person = 'gus@example.com'")
    assert (cost, without) == (1100 * Decimal("0.0005") + 2150 * Decimal("0.002"), 900)
    assert allowed.results["magnific_every_day_has_a_price"] == "warn"
    money = allowed.rows(
        "used_cost, remaining_cost, allowance_cost", "budget", "WHERE scope = 'team' ORDER BY cycle_start"
    )
    used, left = 2150 * Decimal("0.002"), 150 * Decimal("0.002")
    assert (money[0][0], money[2]) == (None, (used, left, used + left))


def test_a_negative_row_is_a_correction_in_focus(allowed: Build) -> None:
    assert allowed.rows('"PricingQuantity"', "focus", "WHERE \"ChargeClass\" = 'Correction'") == [(-10,)]


@pytest.mark.parametrize("fault", ["group,,5,,month,2026-01-01,", "person,ann@example.com,,5,month,2026-01-01,"])
def test_a_row_of_a_seed_that_no_model_can_use_fails(allowed: Build, tmp_path: Path, fault: str) -> None:
    header = SEEDS["magnific_allowances"].partition("\n")[0]
    project = Project(tmp_path, {**SEEDS, "magnific_allowances": f"{header}\n,{fault}\n"})
    results = project.run(allowed.target, "build", "--select", "+magnific_seeds_say_enough")
    assert results["magnific_seeds_say_enough"] == "fail"
