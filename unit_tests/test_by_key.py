"""What each API key spends: exact for every key, once a day, within its share of the day's requests."""

import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from airbyte_cdk.models import SyncMode
from by_key_connection import STREAM, TODAY, Connection, team
from in_process import error, log


@pytest.fixture
def connection() -> Connection:
    return Connection(team())


def test_each_row_names_its_key_and_its_place_in_that_keys_period(connection: Connection) -> None:
    connection.sync()
    for row in connection.table.values():
        assert row["usage_id"].startswith(f"{row['api_key_id']}-day-{row['date']}-")
    assert connection.totals() == connection.truth()


@pytest.mark.parametrize("granularity", ["day", "week", "month", "year"])
def test_every_key_is_exact_in_every_granularity_and_after_a_change_of_it(
    granularity: str, connection: Connection
) -> None:
    connection.sync()
    connection.config["granularity"] = granularity
    connection.sync(TODAY.add(days=1))
    first = {"week": "2026-02-23", "year": "2026-01-01"}.get(granularity, "2026-03-01")
    connection.config["start_date"] = first
    assert connection.totals() == connection.truth()


def test_a_key_is_asked_for_once_a_day_and_the_list_once_a_sync(connection: Connection) -> None:
    output = connection.sync(TODAY, "api_keys")
    assert not output.errors
    assert connection.api.lists["team-api-keys"] == 1
    assert set(connection.keys_asked().values()) == {1}
    connection.sync()
    assert connection.api.asked == []
    connection.sync(TODAY.add(days=1))
    assert set(connection.keys_asked().values()) == {1}
    assert connection.totals() == connection.truth()


def test_nothing_is_asked_for_days_long_before_a_key_was_made(connection: Connection) -> None:
    connection.config["start_date"] = "2023-01-01"
    connection.sync()
    first = {body["api_key_ids"][0]: body["start_date"] for body in reversed(connection.api.asked)}
    assert first == {
        "fpk-3f9c1e7a52b0": "2023-02-05",
        "fpk-80d4b6e1c927": "2023-09-17",
        "fpk-c5127fa9d36e": "2024-11-03",
        "fpk-19ab80e4f75d": "2023-01-10",
    }
    assert connection.totals() == connection.truth()


def test_150_keys_are_read_in_turn_over_the_days_and_no_request_is_spent_twice(connection: Connection) -> None:
    connection.api = team(keys=150)
    seen: Counter[str] = Counter()
    for day in range(3):
        for _ in range(2):
            output = connection.sync(TODAY.add(days=day))
            assert not output.errors
            seen += connection.keys_asked()
        assert sum(seen.values()) == min(60 * (day + 1), 180)
    assert len(seen) == 150
    assert max(seen.values()) - min(seen.values()) == 1
    assert "Keys that wait for the next day, and the day through which they were read: " in log(output)
    connection.sync(TODAY.add(days=3))
    connection.sync(TODAY.add(days=4))
    connection.sync(TODAY.add(days=5))


def test_one_key_that_always_fails_keeps_no_other_from_being_read(connection: Connection) -> None:
    broken = "fpk-3f9c1e7a52b0"
    connection.api.broken_keys = {broken}
    for day in range(3):
        output = connection.sync(TODAY.add(days=day))
        kind, text = error(output)
        assert (kind, text.startswith("Magnific could not be read (HTTP 500)")) == ("transient_error", True)
        assert set(connection.totals()) == set(connection.truth()) - {broken}
        assert list(connection.keys_asked())[-1 if day else 0] == broken
    connection.api.broken_keys = set()
    assert not connection.sync(TODAY.add(days=3)).errors
    assert connection.totals() == connection.truth()


def test_more_keys_than_a_weeks_requests_is_an_error_that_names_the_setting(connection: Connection) -> None:
    connection.api = team(keys=500, people=3)
    connection.config["start_date"] = "2026-03-30"
    *in_turn, late = [connection.sync(TODAY.add(days=day)) for day in range(8)]
    assert not any(output.errors for output in in_turn)
    assert "Name the keys that matter in api_key_ids" in error(late)[1]


def test_keys_that_are_named_are_the_only_ones_read_and_the_rows_of_others_stay(connection: Connection) -> None:
    connection.sync()
    before = connection.totals()
    connection.config["api_key_ids"] = ["fpk-80d4b6e1c927"]
    connection.sync(TODAY.add(days=1))
    assert set(connection.keys_asked()) == {"fpk-80d4b6e1c927"}
    after = connection.totals()
    assert {key: after[key] for key in before if key != "fpk-80d4b6e1c927"} == {
        key: before[key] for key in before if key != "fpk-80d4b6e1c927"
    }


def test_the_state_of_50_keys_and_three_years_of_days_is_below_256_kb(connection: Connection) -> None:
    connection.api = team(keys=50)
    connection.config["start_date"] = "2023-04-01"
    for day in range(7):
        connection.sync(TODAY.add(days=day))
    assert connection.state is not None
    assert len(connection.state["keys"]) == 50
    assert all(key["read_on"] for key in connection.state["keys"].values())
    assert len(json.dumps(connection.state)) < 256_000


def test_a_full_refresh_that_takes_more_than_a_day_has_advises_an_incremental_sync(connection: Connection) -> None:
    connection.api = team(keys=150)
    output = connection.sync(TODAY, mode=SyncMode.full_refresh)
    assert "Choose an incremental sync mode" in error(output)[1]
    assert connection.api.asked == []


def test_a_full_refresh_reads_every_key_again(connection: Connection) -> None:
    connection.sync(mode=SyncMode.full_refresh)
    connection.table.clear()
    connection.sync(mode=SyncMode.full_refresh)
    assert connection.totals() == connection.truth()
    assert connection.state is not None
    assert "unfinished_full_refresh" not in connection.state


def test_a_changed_filter_reads_every_key_again_and_leaves_nothing_of_the_old_one(connection: Connection) -> None:
    connection.sync()
    connection.config["group_ids"] = [37]
    output = connection.sync()
    assert "The filters changed, so each API key's usage is read again from 2026-03-01." in log(output)
    for key, figures in connection.totals().items():
        asked = f"ledger?start_date=2026-03-01&granularity=day&api_key_ids={key}&group_ids=37"
        assert figures == {(row["date"], row["tool"]): row["user_credits"] for row in connection.api.control(asked)}


def test_all_keys_and_the_rest_are_the_teams_total(connection: Connection) -> None:
    connection.sync()
    start, end = date(2026, 3, 1), date(2026, 3, 31)
    team_total = sum(row["user_credits"] for row in connection.api.control(f"ledger?start_date={start}"))
    spent = sum(sum(figures.values()) for figures in connection.totals().values())
    assert 0 < spent < team_total
    assert (end - start) == timedelta(30)


@pytest.mark.parametrize("broken", [{"keys": 5}, {"day": {}}, {"keys": {"a": {}}}, {"filters": None}])
def test_a_state_that_cannot_be_read_starts_over_and_says_so(broken: dict[str, Any], connection: Connection) -> None:
    connection.sync()
    assert connection.state is not None
    connection.state |= broken
    output = connection.sync()
    assert f"The saved state of {STREAM} cannot be read" in log(output)
    assert connection.totals() == connection.truth()


def test_a_key_that_failed_once_has_its_turn_again_among_more_keys_than_requests(connection: Connection) -> None:
    connection.api = team(keys=150, people=3)
    connection.config["start_date"] = "2026-03-30"
    connection.api.broken_keys = {"fpk-3f9c1e7a52b0"}
    assert connection.sync().errors
    connection.api.broken_keys = set()
    asked: Counter[str] = Counter()
    for day in range(1, 4):
        assert not connection.sync(TODAY.add(days=day)).errors
        asked += connection.keys_asked()
    assert asked["fpk-3f9c1e7a52b0"] == 1


def test_a_key_that_is_not_listed_is_named_in_the_log(connection: Connection) -> None:
    connection.config["api_key_ids"] = ["fpk-80d4b6e1c927", "FPK-80D4B6E1C927"]
    output = connection.sync()
    assert set(connection.keys_asked()) == {"fpk-80d4b6e1c927"}
    assert "The team has no API key FPK-80D4B6E1C927 as api_key_ids says." in log(output)


def test_the_errors_of_keys_come_before_those_of_waiting(connection: Connection) -> None:
    connection.sync()
    connection.api.broken_keys = set(connection.truth())
    kind, text = error(connection.sync(TODAY.add(days=8)))
    assert (kind, text.startswith("Magnific could not be read (HTTP 500)")) == ("transient_error", True)
