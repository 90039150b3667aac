"""The dbt package on tables made by hand: what two syncs of a sandbox do not bring about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_project import Project
from destinations import SCHEMA, DuckDb, Row

YESTERDAY, TODAY = "2026-04-01 02:00:00", "2026-04-02 02:00:00"
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
    results: dict[str, str]

    def rows(self, columns: str, mart: str, rest: str = "") -> list[Row]:
        return self.target.query(f"SELECT {columns} FROM models.magnific__{mart} {rest}")


def build(folder: Path, seeds: dict[str, str], **tables: Sequence[tuple[Any, ...]]) -> Build:
    """The package on tables whose rows lack what Airbyte adds, except the time of extraction, which comes last.

    A row of credit_usage is (usage_id, tool, email, credits, group, extracted, meta); its day is in the usage_id.
    """
    target = DuckDb(str(folder / "warehouse.duckdb"))
    with duckdb.connect(target.path) as connection:
        connection.execute(f"SET timezone = 'UTC'; CREATE SCHEMA {SCHEMA}")
        for name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {SCHEMA}.{name} ({columns}, {AIRBYTE})")
        for usage_id, tool, email, credits, group, extracted, meta in tables.pop("credit_usage"):
            size, day = usage_id.split("-", 1)
            row = [usage_id, day[:10], size, tool, email, bool(credits), credits, None, None, group]
            deleted = None if tool else extracted
            row += [deleted, "random", extracted, meta]
            connection.execute(f"INSERT INTO {SCHEMA}.credit_usage VALUES ({', '.join('?' * len(row))})", row)
        for name, rows in tables.items():
            for *values, extracted in rows:
                row = [*values, "random", extracted, "{}"]
                connection.execute(f"INSERT INTO {SCHEMA}.{name} VALUES ({', '.join('?' * len(row))})", row)
    return Build(target, Project(folder, seeds).run(target, "build"))


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
    assert odd == {"magnific_only_days": "warn", "magnific_nothing_was_lost": "fail"}


def test_the_newest_row_of_each_place_counts_and_deleted_ones_are_gone(untidy: Build) -> None:
    assert untidy.rows("usage_id, credits", "usage", "ORDER BY 1") == [
        ("day-2026-03-30-0", 15),
        ("day-2026-03-31-0", 5),
    ]


def test_one_person_is_one_whatever_the_case_of_the_address(untidy: Build) -> None:
    assert untidy.rows("person, member_role, member_status, credits, has_seat", "people") == [
        ("ann@example.com", "admin", "active", 20, True)
    ]


def test_without_a_price_money_is_null_and_without_an_allowance_there_is_no_flag(untidy: Build) -> None:
    for mart in ("usage", "daily_spend", "people", "budget"):
        assert set(untidy.rows("cost, currency", mart)) == {(None, None)}
    assert set(untidy.rows("allowance, percent_used, threshold, forecast_threshold", "budget")) == {(None,) * 4}
    assert set(untidy.rows('"EffectiveCost", "ListCost", "BillingCurrency"', "focus")) == {(None, None, None)}
    assert untidy.rows("credits_without_price", "people") == [(20,)]


def test_on_the_first_of_a_month_the_old_one_is_whole_and_the_new_one_has_no_forecast_yet(untidy: Build) -> None:
    team = untidy.rows(
        "month, is_current_month, credits, days_over, forecast_credits", "budget", "WHERE scope = 'team' ORDER BY month"
    )
    # The data begins on 30 March: two days stand for the month.
    assert team == [(date(2026, 3, 1), False, 20, 2, 310), (date(2026, 4, 1), True, 0, 0, None)]


SEEDS = {
    # The second price has none that was agreed upon.
    "magnific_prices": """valid_from,list_price_per_credit,contracted_price_per_credit,currency
2026-03-31,0.001,0.0005,USD
2026-04-01,0.002,,USD
""",
    "magnific_allowances": """valid_from,scope,name,credits_per_month
2026-03-01,seat,,10000
2026-04-03,seat,,1
2026-03-01,team,,100
2026-03-31,team,,1000000
2026-04-01,person,Gus@example.com,100
2026-03-01,group,FILM ,50000
2026-03-01,group,Flim,1
""",
}
USED = {"ann": 4999, "bob": 5000, "cy": 7999, "dot": 8000, "eve": 9499, "fay": 9500}


@pytest.fixture(scope="module")
def allowed(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Prices and allowances that change, people at both sides of each threshold, synced on the second of a month."""
    march = [
        (f"day-2026-03-30-{n}", "Upscaler", f"{name}@example.com", credits, "Film", TODAY, "{}")
        for n, (name, credits) in enumerate(USED.items())
    ]
    return build(
        tmp_path_factory.mktemp("allowed"),
        SEEDS,
        credit_usage=[
            *march,
            ("day-2026-03-31-0", "Upscaler", "gus@example.com", 60, None, TODAY, "{}"),
            ("day-2026-04-01-0", "Upscaler", "gus@example.com", 40, None, TODAY, "{}"),
            ("day-2026-04-02-0", "Upscaler", "gus@example.com", 30, None, TODAY, "{}"),
            ("day-2026-04-02-1", "Asset Download", None, 8, None, TODAY, "{}"),
        ],
        members=[
            *[(f"{name}@example.com", "member", "active", TODAY) for name in USED],
            ("gus@example.com", "owner", "active", TODAY),
            ("hal@example.com", "member", "active", YESTERDAY),
        ],
        groups=[(1, "Film", 6, TODAY)],
    )


def test_a_threshold_is_reached_by_whole_credits_and_never_by_rounding(allowed: Build) -> None:
    found = allowed.rows("name, threshold", "budget", "WHERE scope = 'person' AND month = '2026-03-01'")
    reached = {"ann": 0, "bob": 50, "cy": 50, "dot": 80, "eve": 80, "fay": 95, "gus": 0}
    assert dict(found) == {f"{name}@example.com": percent for name, percent in reached.items()}


def test_a_fixed_sum_goes_before_the_seats_from_the_day_it_holds(allowed: Build) -> None:
    found = allowed.rows("month, scope, name, allowance", "budget", "WHERE scope <> 'person' OR name LIKE 'gus%'")
    march, april = date(2026, 3, 1), date(2026, 4, 1)
    assert {row[:3]: row[3] for row in found} == {
        (march, "team", "Team"): 1_000_000,
        (april, "team", "Team"): 1_000_000,
        (march, "group", "Film"): 50_000,
        (march, "group", "(no group)"): None,
        (april, "group", "(no group)"): None,
        (april, "group", "(not attributed to a person)"): None,
        (march, "person", "gus@example.com"): 10_000,
        (april, "person", "gus@example.com"): 100,
    }


def test_an_allowance_of_nobody_is_told(allowed: Build, untidy: Build) -> None:
    assert allowed.results["magnific_allowances_are_of_somebody"] == "warn"
    assert untidy.results["magnific_allowances_are_of_somebody"] == "pass"


def test_the_forecast_takes_the_days_that_were_over_and_is_never_below_what_is_used(allowed: Build) -> None:
    found = allowed.rows(
        "credits, days_over, forecast_credits, threshold, forecast_threshold",
        "budget",
        "WHERE is_current_month AND scope <> 'group' ORDER BY scope, name",
    )
    assert found == [
        (8, 1, 8, None, None),  # nothing yet on the day that was over
        (70, 1, 1200, 50, 95),
        (78, 1, 1200, 0, 0),
    ]


def test_the_price_of_the_day_applies_and_what_has_none_is_counted(allowed: Build) -> None:
    found = allowed.rows(
        "cost, list_cost, credits_without_price",
        "people",
        "WHERE person IN ('ann@example.com', 'gus@example.com') ORDER BY person",
    )
    assert found == [
        (None, None, 4999),
        (60 * Decimal("0.0005") + 70 * Decimal("0.002"), 60 * Decimal("0.001") + 70 * Decimal("0.002"), 0),
    ]
    assert allowed.results["magnific_every_day_has_a_price"] == "warn"
    assert allowed.results["magnific_budget_alert"] == "pass"


def test_the_last_sync_is_told_without_a_zone(allowed: Build) -> None:
    found = allowed.target.query("SELECT synced_at, as_of, first_day FROM models.stg_magnific__last_sync")
    assert found == [(datetime.fromisoformat(TODAY), date(2026, 4, 2), date(2026, 3, 30))]
