"""Test the dbt package on handmade tables, in cases that do not occur in two syncs from a sandbox."""

from datetime import date
from pathlib import Path

import pytest
from destinations import SCHEMA
from handmade_tables import Build, build
from sandbox_process import ROOT

MARTS = {file.stem.removeprefix("magnific__") for file in (ROOT / "dbt/models/marts").glob("*.sql")} - {"synced"}


@pytest.fixture(scope="module")
def untidy(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A build on tables in append mode, last synced on 1 April, without prices, allowances or usage by key."""
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


def test_an_untidy_table_is_built_and_lost_values_are_reported(untidy: Build) -> None:
    odd = {name: status for name, status in untidy.results.items() if status not in ("success", "pass")}
    lost = {f"magnific_nothing_was_lost_in_{mart}": "fail" for mart in MARTS - {"usage_by_api_key"}}
    assert odd == {"magnific_only_days": "warn"} | lost


def test_the_newest_row_of_each_place_counts_and_deleted_ones_are_gone(untidy: Build) -> None:
    found = untidy.rows("usage_id, credits", "usage", "ORDER BY 1")
    assert found == [("day-2026-03-30-0", 15), ("day-2026-03-31-0", 5)]


def test_one_person_is_one_whatever_the_case_of_the_address(untidy: Build) -> None:
    found = untidy.rows("person, member_role, member_status, credits, has_seat", "people")
    assert found == [("ann@example.com", "admin", "active", 20, True)]


def test_without_a_price_money_is_null_and_without_an_allowance_there_is_no_budget(untidy: Build) -> None:
    for mart in ("usage", "daily_spend", "people", "month"):
        assert set(untidy.rows("cost, currency", mart)) == {(None, None)}
    assert untidy.rows("*", "budget") == untidy.rows("*", "alerts") == []
    assert set(untidy.rows('"EffectiveCost", "ListCost", "BillingCurrency"', "focus")) == {(None, None, None)}
    assert untidy.rows("credits_without_price", "people") == [(20,)]
    synced = untidy.rows("through, complete_through, has_prices, has_allowances, keys_read_at", "synced")
    assert synced == [(date(2026, 4, 1), date(2026, 3, 31), False, False, None)]


def test_a_weekday_that_has_not_been_yet_is_forecast_by_the_mean_of_all(untidy: Build) -> None:
    months = untidy.rows("month, is_current, used, forecast", "month", "ORDER BY month")
    # April's forecast: 15 credits for each of 4 Mondays, 5 for each of 4 Tuesdays, and the mean, 10, for 22 other days.
    assert months == [(date(2026, 3, 1), False, 20, 20), (date(2026, 4, 1), True, 0, 300)]


def test_an_empty_list_of_members_is_an_error_and_nobody_has_left(untidy: Build) -> None:
    history = untidy.rows("*", "members_history")
    untidy.target.execute(f"ALTER TABLE {SCHEMA}.members RENAME TO kept")
    untidy.target.execute(f"CREATE TABLE {SCHEMA}.members AS FROM {SCHEMA}.kept LIMIT 0")
    results = untidy.project.run(untidy.target, "build", "--select", "+magnific__people")
    untidy.target.execute(f"DROP TABLE {SCHEMA}.members; ALTER TABLE {SCHEMA}.kept RENAME TO members")
    assert (results["magnific__members_history"], results["magnific__people"]) == ("error", "skipped")
    assert untidy.rows("*", "members_history") == history != []


def test_without_the_lists_every_mart_is_built_from_usage_alone(tmp_path: Path) -> None:
    usage = [("day-2026-03-30-0", "Upscaler", "ann@example.com", 10, "Film", "2026-04-01 02:00:00", "{}")]
    off = {f"using_{table}": False for table in ("members", "api_keys", "groups", "projects")}
    names = {"team_names": {SCHEMA: "O'Brien"}, "billing_account_name": "O'Brien", "seat_statuses": ["o'clock"]}
    built = build(tmp_path, {}, off | names, credit_usage=usage)
    assert {name: status for name, status in built.results.items() if status not in ("success", "pass")} == {}
    assert built.rows("person, credits, member_role, has_seat", "people") == [("ann@example.com", 10, None, False)]
    assert {f"magnific_reconciles_{mart}" for mart in MARTS} < built.results.keys()
    assert built.rows('"x_Team", "BillingAccountName"', "focus") == [("O'Brien", "O'Brien")]


def test_a_mart_can_be_switched_off_without_losing_a_test_of_the_others(untidy: Build) -> None:
    children = untidy.project.children()
    for mart in MARTS:
        kinds = ("grain_of", "nothing_was_lost_in", "reconciles")
        assert children[f"magnific__{mart}"] == {f"magnific_{kind}_{mart}" for kind in kinds}
    assert children["magnific__synced"] == {"magnific_grain_of_synced"}


def test_the_schema_of_the_users_snapshots_wins(untidy: Build) -> None:
    untidy.project.configure(snapshots={"+schema": "history"})
    untidy.project.run(untidy.target, "build", "--select", "+magnific__members_history")
    untidy.project.configure()
    [(email,)] = untidy.target.query("SELECT user_email FROM models_history.magnific__members_history")
    assert email == "ann@example.com"
