"""A state from anywhere: usage goes on behind it, or the stream ends before any request and says what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from connector_process import Connector, FastConnector
from sandbox_process import Sandbox
from warehouse import ALL, SUGGESTED, USAGE_ALONE, Warehouse, catalog

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


RIGHT: Json = {
    "date": DATE,
    "granularity": "month",
    "start_date": "2025-03-01",
    "filters": {},
    "rows": {"month": {"first": "2025-03-01", "places": [9] * 12}},
}


def rows(first: Any, places: Any, granularity: str = "month") -> Json:
    return {**RIGHT, "rows": {granularity: {"first": first, "places": places}}}


def without(name: str) -> Json:
    return {key: value for key, value in RIGHT.items() if key != name}


# From these the next sync cannot know how far the last one came or what the warehouse holds.
UNREADABLE: dict[str, Any] = {
    "no date": without("date"),
    "a number for a date": {**RIGHT, "date": 20260228},
    "a list for a date": {**RIGHT, "date": [DATE]},
    "an empty date": {**RIGHT, "date": ""},
    "a date-time": {**RIGHT, "date": "2026-02-28T00:00:00Z"},
    "a date that does not exist": {**RIGHT, "date": "2026-02-30"},
    "a date with a line break": {**RIGHT, "date": "2026-02-28\n"},
    "digits of another script": {**RIGHT, "date": "\u0662\u0660\u0662\u0666-\u0660\u0662-\u0662\u0668"},
    "no granularity": without("granularity"),
    "an unknown granularity": {**RIGHT, "granularity": "hour"},
    "no start_date": without("start_date"),
    "a start_date that is none": {**RIGHT, "start_date": "once"},
    "no filters": without("filters"),
    "filters are a list": {**RIGHT, "filters": [24]},
    "a filter is a number": {**RIGHT, "filters": {"group_ids": 24}},
    "no rows": without("rows"),
    "rows are a list": {**RIGHT, "rows": [1]},
    "rows are a text": {**RIGHT, "rows": "all"},
    "rows of an unknown size": rows("2025-03-01", [1], "hour"),
    "rows without a first day": {**RIGHT, "rows": {"month": {"places": [1]}}},
    "rows from the middle of a period": rows("2025-03-02", [1]),
    "rows beyond the calendar": rows("9999-12-01", [1, 1]),
    "places are a number": rows("2025-03-01", 12),
    "places are texts": rows("2025-03-01", ["12"]),
    "places below zero": rows("2025-03-01", [-1]),
    "places are a fraction": rows("2025-03-01", [1.5]),
    "keys made of names, as before": {**RIGHT, "rows": {"2026-02-01": ["3q2+7w"]}},
    "another connector's": {"updated_at": "2026-02-28T10:00:00Z", "__ab_cursor": 3},
    "a date alone": {"date": DATE},
    "a date before there was any usage": {**RIGHT, "date": "0001-01-01"},
    "a date far in the future": {**RIGHT, "date": "9999-12-31"},
}
# What the platform or the CDK writes where no sync has left anything.
NOTHING: dict[str, Any] = {
    "empty": {},
    "null": None,
    "a list": [],
    "the CDK's mark": {"__ab_full_refresh_sync_complete": True},
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_state_that_cannot_be_read_ends_the_stream_before_any_request(
    fast: FastConnector, sandbox: Sandbox, config: Json, name: str
) -> None:
    """What the warehouse holds is unknown: rows beside it would count twice."""
    run = fast("read", config=config, catalog=USAGE_ALONE, state=state_file(UNREADABLE[name]))
    stream, failure, message = run.errors[0]
    assert (run.code, stream, failure) == (1, "credit_usage", "config_error")
    assert message.startswith("The saved state of credit_usage cannot be read (")
    assert "Clear the stream in Airbyte" in message
    assert sandbox.requests() == []
    assert run.of("STATE") == run.of("RECORD") == []


def test_other_streams_are_read_although_the_state_of_one_cannot_be(
    fast: FastConnector, sandbox: Sandbox, config: Json
) -> None:
    run = fast("read", config=config, catalog=ALL, state=state_file({"date": "soon"}))
    assert [stream for stream, _, _ in run.errors if stream] == ["credit_usage"]
    assert len(run.records("members")) == 14
    assert len(sandbox.requests()) == 4


@pytest.mark.parametrize("name", NOTHING)
def test_a_state_that_says_nothing_is_none(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, name: str
) -> None:
    run = fast("read", config=config, catalog=USAGE_ALONE, state=state_file(NOTHING[name]))
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, len(sandbox.requests())) == (0, 3)


def test_more_than_is_known_in_a_state_is_left_alone(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse
) -> None:
    synced.usage_state.update(version=7, windows=[["2025-03-01", DATE]])
    run = fast("read", config=config, catalog=USAGE_ALONE, state=synced.state)
    synced.load(run.stdout)
    synced.check(sandbox, config)
    assert [one["body"]["start_date"] for one in sandbox.requests()] == ["2026-02-01"]


UNREADABLE_FILES: dict[str, str] = {
    "nothing": "",
    "no JSON": "{date: today}",
    "a text": '"state"',
    "numbers": "[1, 2]",
    "the oldest layout": '{"credit_usage": {"date": "2026-02-28"}}',
    "a state without stream": '[{"type": "STREAM"}]',
    "a state of an unknown type": '[{"type": "OTHER", "data": {}}]',
    "bytes cut off": '[{"type": "STREAM", "stream": {"stream_descriptor": {"na',
    "a state as a text": json.dumps(state_file("x")),
}


@pytest.mark.parametrize("name", UNREADABLE_FILES)
def test_a_state_file_that_cannot_be_read_ends_the_run_before_any_request(
    fast: FastConnector, sandbox: Sandbox, config: Json, name: str
) -> None:
    run = fast("read", config=config, catalog=ALL, state=UNREADABLE_FILES[name])
    [(stream, failure, message)] = run.errors
    assert (run.code, stream, failure) == (1, None, "config_error")
    assert message.startswith("The state file ")
    assert "pass the last STATE message of each stream" in message
    assert sandbox.requests() == []


@pytest.mark.parametrize("file", ["[]", "{}", "null"])
def test_a_state_file_without_states_is_a_first_sync(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, file: str
) -> None:
    run = fast("read", config=config, catalog=USAGE_ALONE, state=file)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert run.code == 0


@pytest.mark.parametrize("granularity", ["day", "week", "year"])
def test_another_granularity_replaces_every_row(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse, granularity: str
) -> None:
    """And back: no day is counted twice, and there is nothing to clear."""
    for size, before in ((granularity, "month"), ("month", granularity)):
        changed = config | {"granularity": size}
        run = fast("read", config=changed, catalog=USAGE_ALONE, state=synced.state)
        synced.load(run.stdout)
        synced.check(sandbox, changed)
        assert f"Granularity changed from {before} to {size}" in run.log
        assert "nothing you need to do" in run.log


def test_other_filters_replace_every_row(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    project = "7c1f0a52-4a8e-4f0b-9d55-0b8f6f2f1a01"
    told = []
    for filters in ({}, {"group_ids": [24]}, {"group_ids": [11, 37]}, {"project_references": [project]}, {}):
        run = fast("read", config=config | filters, catalog=USAGE_ALONE, state=warehouse.state)
        warehouse.load(run.stdout)
        warehouse.check(sandbox, config | filters)
        told.append("The filters changed" in run.log)
    assert told == [False, True, True, True, True]


@pytest.mark.parametrize("date", ["2026-04-01", "2027-01-01"])
def test_a_state_from_the_future_is_taken_as_the_last_day(
    fast: FastConnector, sandbox: Sandbox, config: Json, synced: Warehouse, date: str
) -> None:
    """The clock of the machine was wrong once: what it could not have read is read now."""
    synced.usage_state["date"] = date
    run = fast("read", config=config, catalog=USAGE_ALONE, state=synced.state)
    assert run.code == 0
    asked = sandbox.requests()
    assert [one["body"]["end_date"] for one in asked] == [config["end_date"]]
    synced.load(run.stdout)
    assert synced.usage_state["date"] == config["end_date"]


def test_a_state_from_before_the_start_starts_at_the_start(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    state = state_file({**RIGHT, "date": "2020-05-05", "rows": {}})
    run = fast("read", config=config, catalog=USAGE_ALONE, state=state)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert run.code == 0


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
    sandbox.spoil({"kind": "html", "at": 3, "times": 1000})
    first = fast("read", config=config, catalog=refresh)
    warehouse.load(first.stdout)
    assert first.code == 1
    sandbox.heal()
    second = fast("read", config=config, catalog=refresh, state=warehouse.state)
    warehouse.load(second.stdout)
    warehouse.check(sandbox, config)
    rows = first.records("credit_usage") + second.records("credit_usage")
    assert len(rows) == len(warehouse.tables["credit_usage"])


@pytest.mark.parametrize("before", ["full refresh", "the platform's word for one", "incremental"])
def test_a_finished_sync_is_followed_by_a_whole_full_refresh(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, before: str
) -> None:
    refresh = catalog(*SUGGESTED, sync_mode="full_refresh")
    warehouse.load(fast("read", config=config, catalog=ALL if before == "incremental" else refresh).stdout)
    state = warehouse.state
    if before == "the platform's word for one":
        state = [state for name in SUGGESTED for state in state_file({"__ab_full_refresh_sync_complete": True}, name)]
    fresh = Warehouse()
    run = fast("read", config=config, catalog=refresh, state=state)
    fresh.load(run.stdout)
    fresh.check(sandbox, config)
    assert {name: len(rows) for name, rows in fresh.tables.items()} == {
        name: len(rows) for name, rows in warehouse.tables.items()
    }


def test_the_console_script_refuses_garbage_in_words(connector: Connector, sandbox: Sandbox, config: Json) -> None:
    run = connector("read", config=config, catalog=USAGE_ALONE, state=state_file({"date": "soon", "rows": 5}))
    assert (run.code, run.stderr) == (1, b"")
    assert "The saved state of credit_usage cannot be read" in run.errors[0][2]
    assert sandbox.requests() == []
