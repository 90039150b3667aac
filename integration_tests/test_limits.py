"""Requests per minute and per day: what is waited for, what ends the sync, and how the next one goes on."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from connector_process import Connector, FastConnector
from sandbox_process import USAGE, Sandbox
from warehouse import ALL, USAGE_ALONE, Warehouse

Json = dict[str, Any]
LONGEST_STATED_WAIT = 900
UNSTATED = [60.0, 120.0]


def ahead(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


# Headers of a 429 that state a wait of 30 seconds, each in its own way.
HALF_A_MINUTE = {
    "Retry-After in seconds": lambda: {"Retry-After": "30"},
    "Retry-After as a fraction": lambda: {"Retry-After": "29.5"},
    "Retry-After as an HTTP date": lambda: {"Retry-After": format_datetime(ahead(30), usegmt=True)},
    "RateLimit-Reset in seconds": lambda: {"RateLimit-Reset": "30"},
    "RateLimit-Reset as epoch": lambda: {"RateLimit-Reset": str(int(ahead(30).timestamp()))},
    "X-RateLimit-Reset in seconds": lambda: {"X-RateLimit-Reset": "30"},
    "X-RateLimit-Reset as epoch": lambda: {"X-RateLimit-Reset": str(int(ahead(30).timestamp()))},
    "X-RateLimit-Reset as epoch in ms": lambda: {"X-RateLimit-Reset": str(int(ahead(30).timestamp() * 1000))},
    "garbage before sense": lambda: {"Retry-After": "soon", "X-RateLimit-Reset": "30"},
}
NOTHING: dict[str, Json] = {
    "nothing": {},
    "a word": {"Retry-After": "soon"},
    "nothing but blanks": {"Retry-After": "  "},
    "a negative number": {"Retry-After": "-30"},
    "not a number": {"Retry-After": "nan"},
    "infinity": {"RateLimit-Reset": "inf"},
    "a list": {"RateLimit-Reset": "50;w=60, 100;w=86400"},
    "a date that does not exist": {"Retry-After": "Mon, 31 Feb 2026 99:00:00 GMT"},
    "a year of a million": {"X-RateLimit-Reset": "31556889864403199"},
}


def too_many(headers: Json | None = None, **where: Any) -> Json:
    body = {"message": "Too many requests"}
    return {"kind": "status", "status": 429, "headers": headers or {}, "body": body, **where}


@pytest.mark.parametrize("name", HALF_A_MINUTE)
def test_a_stated_wait_is_kept_and_little_more(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, name: str
) -> None:
    # A moment is nearer when the answer comes than when it was thought of.
    begun = time.monotonic()
    sandbox.spoil(too_many(HALF_A_MINUTE[name](), at=2, path=USAGE))
    run = fast("read", config=config, catalog=ALL)
    passed = time.monotonic() - begun
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    [waited] = run.waits
    assert run.code == 0
    assert 28 - passed <= waited <= 32
    assert run.rate_limited == 1
    assert len(sandbox.requests()) == 8


@pytest.mark.parametrize("name", NOTHING)
def test_an_unstated_wait_is_a_minute_and_then_two(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, name: str
) -> None:
    sandbox.spoil(too_many(NOTHING[name], at=2, times=2, path=USAGE))
    run = fast("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.waits, run.rate_limited) == (0, UNSTATED, 2)


def test_a_backfill_runs_into_the_limit_of_the_minute_again_and_again(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    config |= {"start_date": "2023-01-01"}
    sandbox.spoil(*(too_many({"Retry-After": "45"}, at=place) for place in range(2, 20, 2)))
    run = fast("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert run.code == 0
    assert run.waits == [45.0] * 9
    assert run.rate_limited == 9


@pytest.mark.parametrize("stated", ["0", "Mon, 01 Jan 2024 00:00:00 GMT"])
def test_a_reset_that_has_passed_is_tried_again_at_once_but_not_for_ever(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, stated: str
) -> None:
    sandbox.spoil(too_many({"Retry-After": stated}, at=1, path=USAGE))
    run = fast("read", config=config, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert run.code == 0
    assert sum(run.waits) < 5
    sandbox.spoil(too_many({"Retry-After": stated}))
    sandbox.requests()
    assert fast("read", config=config, catalog=USAGE_ALONE).code == 1
    assert len(sandbox.requests()) <= 6


def test_a_stated_wait_of_fifteen_minutes_is_the_longest(fast: FastConnector, sandbox: Sandbox, config: Json) -> None:
    sandbox.spoil(too_many({"Retry-After": str(LONGEST_STATED_WAIT)}, at=1))
    assert fast("read", config=config, catalog=USAGE_ALONE).waits == [900.0]
    sandbox.heal()
    sandbox.spoil(too_many({"Retry-After": str(LONGEST_STATED_WAIT + 1)}, at=1))
    run = fast("read", config=config, catalog=USAGE_ALONE)
    assert (run.code, run.waits) == (1, [])


@pytest.mark.parametrize("headers", [{"Retry-After": "7200"}, {}], ids=["stated", "unstated"])
@pytest.mark.parametrize("place", [1, 3, 5, 6, 7])
def test_the_days_limit_ends_every_stream_and_the_next_sync_goes_on(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, headers: Json, place: int
) -> None:
    sandbox.spoil(too_many(headers, at=place, times=1000))
    started = datetime.now(UTC)
    run = fast("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    refused = 1 if headers else 3
    sent = len(sandbox.requests())
    assert (run.code, sent) == (1, place - 1 + refused)
    assert run.waits == ([] if headers else UNSTATED)
    names = [stream for stream, _, _ in run.errors if stream]
    assert names == ["members", "api_keys", "groups", "projects", "credit_usage"][min(place, 5) - 1 :]
    for _, failure, message in run.errors[: len(names)]:
        assert failure == "transient_error"
        assert "100 API requests" in message
        if headers:
            [told] = re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC", message)
            begun, ended = started + timedelta(hours=2), datetime.now(UTC) + timedelta(hours=2, minutes=1)
            assert f"{begun:%Y-%m-%d %H:%M}" <= told <= f"{ended:%Y-%m-%d %H:%M}"
        else:
            assert "midnight UTC" in message
    saved = {6: "2025-07-31", 7: "2025-12-31"}.get(place)
    assert warehouse.states.get("credit_usage") is None if saved is None else warehouse.usage_state["date"] == saved
    assert saved is None or f"saved through {saved}" in run.errors[0][2]

    sandbox.heal()
    again = fast("read", config=config, catalog=ALL, state=warehouse.state)
    warehouse.load(again.stdout)
    warehouse.check(sandbox, config)
    assert again.code == 0
    # The lists are read again, and so is the window that holds the lookback.
    assert sent + len(sandbox.requests()) <= 7 + refused + min(place - 1, 4) + (saved is not None)


def test_both_syncs_together_send_no_more_than_one_undisturbed_and_the_refused(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    """For credit usage alone, where windows are longer than the lookback only by whole windows."""
    config |= {"start_date": "2023-01-01", "lookback_window_days": 0}
    fast("read", config=config, catalog=USAGE_ALONE)
    undisturbed = len(sandbox.requests())
    sandbox.set_limits(per_day=undisturbed - 3, limit_header="none", reset=True)
    run = fast("read", config=config, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    assert (run.code, run.waits) == (1, UNSTATED)
    sandbox.set_limits(reset=True)
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    warehouse.check(sandbox, config)
    asked = sandbox.requests()
    refused = sum(one["status"] == 429 for one in asked)
    assert refused == 3
    assert len(asked) <= undisturbed + refused


def test_a_backfill_larger_than_the_day_ends_after_some_days(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    config |= {"start_date": "2023-01-01"}
    days = 0
    code = 1
    while code:
        days += 1
        assert days < 6, "no progress"
        sandbox.set_limits(per_day=7, limit_header="none", reset=True)
        run = fast("read", config=config, catalog=ALL, state=warehouse.state)
        warehouse.load(run.stdout)
        code = run.code
    warehouse.check(sandbox, config)
    assert days > 2


@pytest.mark.parametrize("headers", [{"Retry-After": "7200"}, {}], ids=["stated", "unstated"])
def test_check_on_an_exhausted_day_does_not_blame_the_key(
    fast: FastConnector, sandbox: Sandbox, config: Json, headers: Json
) -> None:
    sandbox.spoil(too_many(headers))
    run = fast("check", config=config)
    _, failure, message = run.errors[0]
    assert (run.code, failure) == (1, "transient_error")
    assert run.of("CONNECTION_STATUS") == []
    assert "100 API requests" in message
    assert "key" not in message.lower()


def test_the_console_script_waits_as_long_as_it_is_told(
    connector: Connector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    sandbox.spoil(too_many({"Retry-After": "3"}, at=2, path=USAGE))
    run = connector("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    times = [datetime.fromisoformat(one["time"]) for one in sandbox.requests() if one["path"].endswith(USAGE)]
    assert times[2] - times[1] >= timedelta(seconds=3)
    assert (run.code, run.rate_limited) == (0, 1)
