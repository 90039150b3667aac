"""Ranges that are too much for Magnific: they are asked for in smaller ones, and the table is exact all the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from connector_process import Connector, FastConnector
from sandbox_process import TOO_LONG, USAGE, Sandbox
from warehouse import USAGE_ALONE, Warehouse

from source_magnific_analytics import windows

Json = dict[str, Any]
LONGEST = {"business": 180, "enterprise": 365}


def cannot_answer(days: int, kind: str = "504") -> Json:
    """The fault of a server for which more than `days` days are too much."""
    return {**TOO_LONG[kind], "at": "every", "longer_than": days}


def most_requests(config: Json, days: int) -> int:
    """The bound for a first sync: three times the fewest for such a server, and eight."""
    first, last = windows.parse_date(config["start_date"]), windows.parse_date(config["end_date"])
    return 3 * len(windows.plan(first, last, windows.Granularity(config["granularity"]), days)) + 8


@pytest.mark.parametrize("days", [100, 60, 45, 20, 10, 1])
@pytest.mark.parametrize("kind", TOO_LONG)
def test_whatever_a_server_does_with_a_long_range_the_first_sync_completes(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, kind: str, days: int
) -> None:
    # For a single day, as many as a day's requests pay for.
    config |= {"granularity": "day", "start_date": "2026-01-10" if days == 1 else "2025-08-01"}
    sandbox.spoil(cannot_answer(days, kind))
    run = fast("read", config=config, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.errors) == (0, [])
    assert len(sandbox.requests()) < most_requests(config, days)
    assert "days at once are too much for Magnific now" in run.log


@pytest.mark.parametrize("days", [100, 60, 45, 20, 10])
@pytest.mark.parametrize("plan", LONGEST)
@pytest.mark.parametrize("granularity", ["week", "month", "year"])
def test_periods_that_are_too_long_are_added_up_from_shorter_ones(
    fast: FastConnector,
    enterprise: Sandbox,
    sandbox: Sandbox,
    config: Json,
    warehouse: Warehouse,
    granularity: str,
    plan: str,
    days: int,
) -> None:
    there = enterprise if plan == "enterprise" else sandbox
    config |= {"granularity": granularity, "plan": plan, "base_url": there.base_url}
    whole, parts = Warehouse(), warehouse
    whole.load(fast("read", config=config, catalog=USAGE_ALONE).stdout)
    there.spoil(cannot_answer(days))
    there.requests()
    run = fast("read", config=config, catalog=USAGE_ALONE)
    parts.load(run.stdout)
    parts.check(there, config)
    assert (run.code, run.errors) == (0, [])
    assert parts.tables["credit_usage"] == whole.tables["credit_usage"]
    assert len(there.requests()) < most_requests(config, days)
    # Whatever was read in parts is one period to the next sync.
    run = fast("read", config=config, catalog=USAGE_ALONE, state=parts.state)
    parts.load(run.stdout)
    parts.check(there, config)
    assert not parts.deleted


def test_a_period_that_takes_more_than_a_days_requests_is_a_setting_to_change(
    fast: FastConnector, sandbox: Sandbox, config: Json
) -> None:
    sandbox.spoil(cannot_answer(1))
    run = fast("read", config=config | {"granularity": "year"}, catalog=USAGE_ALONE)
    stream, failure, message = run.errors[0]
    assert (run.code, stream, failure) == (1, "credit_usage", "config_error")
    assert "Choose a smaller granularity" in message
    assert len(sandbox.requests()) <= 12


def test_a_short_outage_does_not_shorten_three_years(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    config |= {"granularity": "day", "start_date": "2023-04-01"}
    sandbox.spoil({**TOO_LONG["504"], "at": 3, "times": 3})
    run = fast("read", config=config, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    lengths = [
        (date.fromisoformat(one["body"]["end_date"]) - date.fromisoformat(one["body"]["start_date"])).days + 1
        for one in sandbox.requests()
    ]
    assert run.code == 0
    assert lengths[:5] == [180, 180, 180, 90, 45]
    assert lengths[-2] == 180
    assert len(lengths) <= 7 + 3 + 5


def test_a_cut_off_sync_goes_on_behind_the_last_short_window(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    """A day's requests are fewer than what such a server takes: it ends after some days, exact."""
    config |= {"granularity": "day", "start_date": "2025-10-01", "lookback_window_days": 0}
    sandbox.spoil(cannot_answer(10))
    code, syncs = 1, 0
    while code:
        syncs += 1
        assert syncs < 8, "no progress"
        sandbox.set_limits(per_day=12, limit_header="retry-after", reset=True)
        run = fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state)
        warehouse.load(run.stdout)
        code = run.code
    warehouse.check(sandbox, config)
    assert syncs > 1


@pytest.mark.parametrize("kind", TOO_LONG)
def test_check_succeeds_and_says_that_the_longest_range_could_not_be_tried(
    fast: FastConnector, sandbox: Sandbox, config: Json, kind: str
) -> None:
    sandbox.spoil(cannot_answer(100, kind))
    run = fast("check", config=config)
    assert (run.code, run.connection) == (0, ("SUCCEEDED", ""))
    assert "could not be tried" in run.log
    assert len(sandbox.requests()) <= 3


def test_the_console_script_tells_how_far_it_is(
    connector: Connector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    sandbox.spoil(cannot_answer(100))
    run = connector("read", config=config | {"granularity": "day"}, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config | {"granularity": "day"})
    assert (run.code, run.stderr) == (0, b"")
    assert "180 days at once are too much for Magnific now (HTTP 504); asking for 90." in run.log
    assert "is read, 306 days are left" in run.log
    assert {one["path"].rpartition("/")[2] for one in sandbox.requests()} == {USAGE}
