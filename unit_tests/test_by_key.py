"""What each API key spends: exact for every key, once a day, within its share of the day's requests."""

import json
from collections import Counter
from typing import Any

import pytest
import requests_mock
from airbyte_cdk.models import SyncMode
from builders import answer, entry, period, raw_config, tool
from by_key_connection import STREAM, TODAY, Connection, team
from in_process import LISTS, USAGE, error, log, states, sync
from pendulum import Date
from sandbox_api import SandboxApi

FIRST_KEY = "fpk-3f9c1e7a52b0"


@pytest.fixture
def connection() -> Connection:
    return Connection(team())


def many(keys: int, **changes: Any) -> Connection:
    """A connection to a team of many keys and little usage."""
    return Connection(team(keys=keys, people=3), **{"start_date": "2026-03-30", **changes})


def names(api: SandboxApi) -> list[str]:
    listed = api.client.get("/v1/analytics/team-api-keys", headers=api.headers).json
    assert listed
    return [key["api_key_id"] for key in listed["data"]]


@pytest.mark.parametrize("granularity", ["day", "week", "month", "year"])
def test_every_key_is_exact_in_every_granularity_and_after_a_change_of_it(
    granularity: str, connection: Connection
) -> None:
    connection.sync()
    for row in connection.table.values():
        assert row["usage_id"].startswith(f"{row['api_key_id']}-day-{row['date']}-")
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


def test_nothing_is_asked_for_days_long_before_a_key_was_created(connection: Connection) -> None:
    connection.config["start_date"] = "2023-01-01"
    connection.sync()
    first = {body["api_key_ids"][0]: body["start_date"] for body in reversed(connection.api.asked)}
    assert first == {
        FIRST_KEY: "2023-02-05",
        "fpk-80d4b6e1c927": "2023-09-17",
        "fpk-c5127fa9d36e": "2024-11-03",
        "fpk-19ab80e4f75d": "2023-01-10",
    }
    assert connection.totals() == connection.truth()


def test_a_restart_with_an_end_date_before_a_key_was_created_leaves_none_of_its_old_rows() -> None:
    connection = Connection(team(), start_date="2024-11-01", end_date="2024-11-30", granularity="month")
    connection.config["api_key_ids"] = ["fpk-c5127fa9d36e"]
    connection.sync()
    assert {row["usage_id"] for row in connection.table.values()} > {"fpk-c5127fa9d36e-month-2024-11-01-0"}
    # The key is from November 4.
    connection.config |= {"granularity": "day", "end_date": "2024-11-02"}
    connection.sync(TODAY.add(days=1))
    assert connection.table == {}


def test_150_keys_are_read_in_turn_over_the_days_and_no_request_is_spent_twice() -> None:
    connection = many(150)
    seen: Counter[str] = Counter()
    for day in range(3):
        for _ in range(2):
            output = connection.sync(TODAY.add(days=day))
            assert not output.errors
            seen += connection.keys_asked()
        assert sum(seen.values()) == 60 * (day + 1)
    assert len(seen) == 150
    assert max(seen.values()) - min(seen.values()) == 1
    assert "Keys that wait for the next day, and the day through which they were read: " in log(output)
    # After a pause, too, the keys that were read the longest ago come first, and their wait is no error.
    for day in (18, 19, 20):
        assert not connection.sync(TODAY.add(days=day)).errors
        seen += connection.keys_asked()
    assert max(seen.values()) - min(seen.values()) == 1


def test_a_request_counts_for_the_utc_day_on_which_it_is_sent() -> None:
    connection = many(150)
    connection.api.seconds = 60
    assert not connection.sync(at="23:40").errors
    assert connection.api.days == {"2026-03-31": 20, "2026-04-01": 60}
    assert connection.state
    assert connection.state["day"] == {"date": "2026-04-01", "requests": 60}
    for day in (1, 2):
        assert not connection.sync(TODAY.add(days=day)).errors
    assert connection.api.days == {"2026-03-31": 20, "2026-04-01": 60, "2026-04-02": 60}


def test_one_key_that_always_fails_keeps_no_other_from_being_read(connection: Connection) -> None:
    connection.api.broken_keys = {FIRST_KEY}
    for day in range(3):
        output = connection.sync(TODAY.add(days=day))
        kind, text = error(output)
        assert (kind, text.startswith("Magnific could not be read (HTTP 500)")) == ("transient_error", True)
        assert set(connection.totals()) == set(connection.truth()) - {FIRST_KEY}
        assert list(connection.keys_asked())[-1 if day else 0] == FIRST_KEY
    connection.api.broken_keys = set()
    assert not connection.sync(TODAY.add(days=3)).errors
    assert connection.totals() == connection.truth()


def test_three_keys_that_fail_end_a_sync_and_the_others_have_their_turn_the_next_days() -> None:
    connection = Connection(team(keys=12, people=3))
    broken = names(connection.api)[:6]
    connection.api.broken_keys = set(broken)
    for day in range(3):
        assert connection.sync(TODAY.add(days=day)).errors
        asked = connection.keys_asked()
        assert set(asked) & set(broken) == set(broken[3 * (day % 2) :][:3])
        # What a key's failures cost says nothing about the others.
        assert sum(asked[key] for key in broken) <= 10 + 3
        assert {asked[key] for key in asked if key not in broken} <= {1}
    assert set(connection.totals()) == set(connection.truth()) - set(broken)


@pytest.mark.parametrize(("status", "requests"), [(400, 3), (404, 3), (401, 1), (429, 3)])
def test_what_is_wrong_with_every_key_costs_three_requests(status: int, requests: int) -> None:
    connection = many(80)
    connection.api.refusal = status
    assert connection.sync(TODAY).errors
    assert len(connection.api.asked) == requests
    # Another text for each key, or a limit that is tried twice again with the first.
    tried = 3 if status in (400, 404) else 1
    assert len(connection.keys_asked()) == tried
    assert connection.state
    assert sum("tried_on" in key for key in connection.state["keys"].values()) == tried
    connection.api.refusal = 0
    assert not connection.sync(TODAY).errors
    assert len(connection.api.asked) == 60 - requests


def test_a_key_that_failed_once_has_its_turn_again_among_more_keys_than_requests() -> None:
    connection = many(150)
    connection.api.broken_keys = {FIRST_KEY}
    assert connection.sync().errors
    connection.api.broken_keys = set()
    asked: Counter[str] = Counter()
    for day in range(1, 4):
        assert not connection.sync(TODAY.add(days=day)).errors
        asked += connection.keys_asked()
    assert asked[FIRST_KEY] == 1


@pytest.mark.parametrize(("granularity", "start", "lookback"), [("month", "2026-01-01", 7), ("day", "2026-01-20", 60)])
def test_a_history_that_takes_many_days_gets_further_on_each(granularity: str, start: str, lookback: int) -> None:
    """From a server that answers one day at a time, three keys in turn."""
    api = team(keys=3, people=3, quirks=({"kind": "status", "status": 504, "longer_than": 1},))
    connection = Connection(api, start_date=start, granularity=granularity, lookback_window_days=lookback)
    for day in range(12):
        assert not connection.sync(TODAY.add(days=day)).errors
        assert len(api.asked) <= 60
    assert connection.state is not None
    until = min(key["date"] for key in connection.state["keys"].values())
    assert until >= "2026-03-28"
    for found, expected in zip(connection.totals().values(), connection.truth().values(), strict=True):
        # The last period that is saved may have grown since.
        assert {at: n for at, n in found.items() if at[0] < until[:8]} == {
            at: n for at, n in expected.items() if at[0] < until[:8]
        }


def test_where_single_days_are_answered_and_most_are_empty_every_key_has_its_turn(api: requests_mock.Mocker) -> None:
    def usage(request: Any, context: Any) -> Any:
        query = request.json()
        if query["start_date"] != query["end_date"]:
            context.status_code = 504
            return {}
        day = query["start_date"]
        return answer(*[period(day, tool("Mystic", entry()))] if day in ("2026-11-03", "2026-11-09") else [])

    api.get(LISTS["api_keys"], json={"data": [{"api_key_id": f"fpk-{n}"} for n in range(3)]})
    api.post(USAGE, json=usage)
    saved: dict[str, Any] | None = None
    read: Counter[str] = Counter()
    for day in range(6):
        before, today = api.call_count, Date(2026, 11, 20).add(days=day)
        output = sync(raw_config(granularity="month"), STREAM, state=saved, today=today)
        assert not output.errors
        saved = states(output, STREAM)[-1]
        assert api.call_count - before <= 1 + 60
        finished = [name for name, key in saved["keys"].items() if key.get("read_on") == str(today)]
        assert all(saved["keys"][name]["date"] == str(today) for name in finished)
        read.update(finished)
    assert len(read) == 3
    assert min(read.values()) > 1


def test_a_changed_filter_costs_no_more_than_a_fresh_start_however_many_days_it_takes() -> None:
    sent = []
    for changes in ({}, {"group_ids": [37]}):
        connection = many(70, start_date="2026-01-01")
        for day in range(2):
            connection.sync(TODAY.add(days=day))
        if not changes:
            connection.state = None
        connection.config |= changes
        read: Counter[str] = Counter()
        for day in range(2, 4):
            output = connection.sync(TODAY.add(days=day))
            assert "asking again" not in log(output)
            read += connection.keys_asked()
        sent.append(len(read))
    assert sent[1] >= sent[0]


def test_a_changed_filter_reads_every_key_again_and_leaves_nothing_of_the_old_one(connection: Connection) -> None:
    connection.sync()
    connection.config["group_ids"] = [37]
    output = connection.sync()
    assert f"The filters changed, so {STREAM} is read again from 2026-03-01." in log(output)
    for key, figures in connection.totals().items():
        asked = f"ledger?start_date=2026-03-01&granularity=day&api_key_ids={key}&group_ids=37"
        assert figures == {(row["date"], row["tool"]): row["user_credits"] for row in connection.api.control(asked)}


def test_keys_that_are_named_are_the_only_ones_read_and_the_rows_of_others_stay(connection: Connection) -> None:
    connection.sync()
    before = connection.totals()
    connection.config["api_key_ids"] = ["fpk-80d4b6e1c927", "FPK-80D4B6E1C927"]
    output = connection.sync(TODAY.add(days=1))
    assert set(connection.keys_asked()) == {"fpk-80d4b6e1c927"}
    assert "The team has no API key FPK-80D4B6E1C927 as api_key_ids says." in log(output)
    after = connection.totals()
    assert {key: after[key] for key in before if key != "fpk-80d4b6e1c927"} == {
        key: before[key] for key in before if key != "fpk-80d4b6e1c927"
    }


def test_the_state_of_50_keys_and_three_years_of_days_is_below_256_kb() -> None:
    connection = many(50, start_date="2023-04-01")
    for day in range(7):
        connection.sync(TODAY.add(days=day))
    assert connection.state is not None
    assert len(connection.state["keys"]) == 50
    assert all(key.get("read_on") for key in connection.state["keys"].values())
    assert len(json.dumps(connection.state)) < 256_000


def test_a_full_refresh_that_takes_more_than_a_day_has_advises_an_incremental_sync() -> None:
    connection = many(150)
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
