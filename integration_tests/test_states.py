"""A state from anywhere: never less data than without it, and never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from connector_process import Connector, FastConnector
from sandbox_process import Sandbox
from warehouse import ALL, KEYS, USAGE_ALONE, Warehouse, catalog

Json = dict[str, Any]
DATE = "2026-02-28"


def state_file(state: Any, stream: str = "credit_usage") -> list[Json]:
    return [{"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": state}}]


@pytest.fixture()
def synced(fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse) -> Warehouse:
    """A warehouse that was filled a month ago, and a ledger that went on since."""
    sandbox.set_today(DATE)
    warehouse.load(fast("read", config=config | {"end_date": DATE}, catalog=USAGE_ALONE).stdout)
    sandbox.set_today(config["end_date"])
    sandbox.requests()
    return warehouse


# From these the next sync cannot know how far the last one came.
UNREADABLE: dict[str, Any] = {
    "empty": {},
    "null": None,
    "no date": {"granularity": "month"},
    "a null date": {"date": None},
    "a number for a date": {"date": 20260228},
    "a list for a date": {"date": [DATE]},
    "an empty date": {"date": ""},
    "a date-time": {"date": "2026-02-28T00:00:00Z"},
    "a date that does not exist": {"date": "2026-02-30"},
    "a date with a line break": {"date": "2026-02-28\n"},
    "digits of another script": {"date": "\u0662\u0660\u0662\u0666-\u0660\u0662-\u0662\u0668"},
    "rows are a list": {"date": DATE, "rows": [1]},
    "rows are a text": {"date": DATE, "rows": "all"},
    "rows under no date": {"date": DATE, "rows": {"some day": []}},
    "rows with numbers": {"date": DATE, "rows": {"2026-02-01": [1]}},
    "rows with nonsense": {"date": DATE, "rows": {"2026-02-01": ["???"]}},
    "rows with a text": {"date": DATE, "rows": {"2026-02-01": "abc"}},
    "a start_date that is none": {"date": DATE, "start_date": "once"},
    "another connector's": {"updated_at": "2026-02-28T10:00:00Z", "__ab_cursor": 3},
    "the platform's own words": {"__ab_no_cursor_state_message": True},
    "a finished full refresh": {"__ab_full_refresh_sync_complete": True},
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_state_that_cannot_be_read_starts_over(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse, name: str
) -> None:
    run = fast("read", config=config, catalog=USAGE_ALONE, state=state_file(UNREADABLE[name]))
    fresh = Warehouse()
    fresh.load(run.stdout)
    fresh.check(sandbox, config)
    synced.load(run.stdout)
    synced.check(sandbox, config)
    assert run.code == 0
    assert len(sandbox.requests()) == 3


FILES: dict[str, str] = {
    "no list": "{}",
    "an empty list": "[]",
    "nothing": "",
    "no JSON": "{date: today}",
    "a text": '"state"',
    "null": "null",
    "numbers": "[1, 2]",
    "the oldest layout": '{"credit_usage": {"date": "2026-02-28"}}',
    "a state without stream": '[{"type": "STREAM"}]',
    "a state of an unknown type": '[{"type": "OTHER", "data": {}}]',
    "bytes cut off": '[{"type": "STREAM", "stream": {"stream_descriptor": {"na',
    "a state as a list": json.dumps(state_file([])),
    "a state as a text": json.dumps(state_file("x")),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_starts_over(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, name: str
) -> None:
    run = fast("read", config=config, catalog=USAGE_ALONE, state=FILES[name])
    warehouse.load(run.stdout)
    assert run.code == 0
    warehouse.check(sandbox, config)


OLDER: dict[str, Any] = {
    "a date alone": {"date": DATE},
    "no rows": {"date": DATE, "granularity": "month", "start_date": "2025-03-01", "filters": {}},
    "no filters": {"date": DATE, "granularity": "month", "start_date": "2025-03-01"},
    "more than is known": {"date": DATE, "version": 7, "windows": [["2025-03-01", DATE]]},
}


@pytest.mark.parametrize("name", OLDER)
def test_a_key_that_is_missing_counts_as_unchanged(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse, name: str
) -> None:
    run = fast("read", config=config, catalog=USAGE_ALONE, state=state_file(OLDER[name]))
    synced.load(run.stdout)
    synced.check(sandbox, config)
    assert [one["body"]["start_date"] for one in sandbox.requests()] == ["2026-02-01"]


@pytest.mark.parametrize("granularity", ["day", "week", "year"])
def test_another_granularity_starts_over(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse, granularity: str
) -> None:
    config["granularity"] = granularity
    run = fast("read", config=config, catalog=USAGE_ALONE, state=synced.state)
    fresh = Warehouse()
    fresh.load(run.stdout)
    fresh.check(sandbox, config)
    assert f"granularity changed from month to {granularity}" in run.log


@pytest.mark.parametrize(("before", "after"), [({}, {"group_ids": [24]}), ({"group_ids": [24]}, {})], ids=str)
def test_other_filters_start_over(
    fast: FastConnector, sandbox: Sandbox, config: Json, before: Json, after: Json
) -> None:
    warehouse, fresh = Warehouse(), Warehouse()
    warehouse.load(fast("read", config=config | before, catalog=USAGE_ALONE).stdout)
    run = fast("read", config=config | after, catalog=USAGE_ALONE, state=warehouse.state)
    fresh.load(run.stdout)
    fresh.check(sandbox, config | after)
    warehouse.load(run.stdout)
    if before:
        warehouse.check(sandbox, config | after)
    assert "filters changed" in run.log


@pytest.mark.parametrize("date", ["2026-04-01", "2027-01-01", "9999-12-31"])
def test_a_state_from_the_future_is_taken_as_the_last_day(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse, date: str
) -> None:
    """The clock of the machine was wrong once: what it could not have read is read now."""
    synced.usage_state["date"] = date
    run = fast("read", config=config, catalog=USAGE_ALONE, state=synced.state)
    assert run.code == 0
    assert date in run.log
    assert [one["body"]["end_date"] for one in sandbox.requests()] == [config["end_date"]]
    synced.load(run.stdout)
    assert synced.usage_state["date"] == config["end_date"]


@pytest.mark.parametrize("date", ["0001-01-01", "2020-05-05"])
def test_a_state_from_before_the_start_starts_at_the_start(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, date: str
) -> None:
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE, state=state_file({"date": date})).stdout)
    warehouse.check(sandbox, config)


def test_an_earlier_start_fills_the_gap_by_itself(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse
) -> None:
    config["start_date"] = "2024-06-15"
    run = fast("read", config=config, catalog=USAGE_ALONE, state=synced.state)
    synced.load(run.stdout)
    synced.check(sandbox, config)
    sandbox.requests()
    synced.load(fast("read", config=config, catalog=USAGE_ALONE, state=synced.state).stdout)
    assert len(sandbox.requests()) == 1, "once filled, it is not filled again"


def test_a_later_start_goes_on(fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse) -> None:
    later = config | {"start_date": "2025-10-01"}
    synced.load(fast("read", config=later, catalog=USAGE_ALONE, state=synced.state).stdout)
    synced.check(sandbox, config)
    assert len(sandbox.requests()) == 1


def test_an_end_date_before_the_saved_day_reads_nothing_new_and_loses_nothing(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse
) -> None:
    ended = config | {"end_date": "2025-12-31"}
    synced.load(fast("read", config=ended, catalog=USAGE_ALONE, state=synced.state).stdout)
    synced.load(fast("read", config=config, catalog=USAGE_ALONE, state=synced.state).stdout)
    synced.check(sandbox, config)


@pytest.mark.parametrize("days", [0, 1, 31, 180])
def test_any_lookback_after_any_other(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse, days: int
) -> None:
    config["lookback_window_days"] = days
    for _ in range(2):
        synced.load(fast("read", config=config, catalog=USAGE_ALONE, state=synced.state).stdout)
        synced.check(sandbox, config)


def test_a_full_refresh_that_broke_off_goes_on_without_a_row_twice(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    refresh = catalog("credit_usage", sync_mode="full_refresh")
    sandbox.spoil({"kind": "html", "at": 3, "times": 4})
    first = fast("read", config=config, catalog=refresh)
    warehouse.load(first.stdout)
    assert first.code == 1
    second = fast("read", config=config, catalog=refresh, state=warehouse.state)
    warehouse.load(second.stdout)
    warehouse.check(sandbox, config)
    rows = first.records("credit_usage") + second.records("credit_usage")
    assert len(rows) == len(warehouse.tables["credit_usage"])


def test_a_finished_full_refresh_is_followed_by_a_whole_one(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    refresh = catalog(*KEYS, sync_mode="full_refresh")
    warehouse.load(fast("read", config=config, catalog=refresh).stdout)
    complete = [state for name in KEYS for state in state_file({"__ab_full_refresh_sync_complete": True}, name)]
    fresh = Warehouse()
    run = fast("read", config=config, catalog=refresh, state=complete)
    fresh.load(run.stdout)
    fresh.check(sandbox, config)
    assert {name: len(rows) for name, rows in fresh.tables.items()} == {
        name: len(rows) for name, rows in warehouse.tables.items()
    }


def test_the_console_script_starts_over_from_garbage(
    connector: Connector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    run = connector("read", config=config, catalog=ALL, state=state_file({"date": "soon", "rows": 5}))
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.stderr) == (0, b"")
    assert "state cannot be read" in run.log
