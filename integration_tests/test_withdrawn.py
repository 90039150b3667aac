"""What Magnific says of a past day changes: after the next sync every bucket read again equals what it says now."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from connector_process import Connector, FastConnector
from sandbox_process import Sandbox
from warehouse import USAGE_ALONE, Warehouse, bucket_start

Json = dict[str, Any]
GRANULARITIES = ["day", "week", "month", "year"]
# Within the default lookback of seven days before TODAY.
DAY = "2026-03-26"
EMAIL = "freya.olsen@harbour-studio.example"
TOOL = "Video Generator"
LATE = {"kind": "late", "day": DAY, "tool": TOOL, "email": None, "uses": 7, "credits": 2450}
EVENTS: dict[str, Json] = {
    "a user's email changes": {"kind": "change_email", "old": EMAIL, "new": "freya@harbour-studio.example"},
    "a project is deleted": {"kind": "delete_project"},
    "unattributed usage gets its user": {"kind": "attribute", "day": DAY, "tool": TOOL, "email": EMAIL},
    "a tool's usage is refunded": {"kind": "refund", "day": DAY, "tool": TOOL},
    "usage comes late": {**LATE, "email": EMAIL},
    "a project is renamed": {"kind": "rename_project", "name": "Another name"},
    "a group is renamed": {"kind": "rename_group", "group_id": 24, "name": "Another name"},
}


def first_read_again(config: Json) -> str:
    """The first bucket that the sync after one on TODAY reads, with the default lookback."""
    resumed = date.fromisoformat(config["end_date"]) - timedelta(days=7)
    return bucket_start(str(resumed), config["granularity"])


def event_of(name: str, warehouse: Warehouse) -> Json:
    """The event, on a project that the days read again know, where it is about one."""
    event = EVENTS[name]
    if "project" not in event["kind"]:
        return event
    newest = max(row["date"] for row in warehouse.usage if row.get("project_reference"))
    references = [row.get("project_reference") for row in warehouse.usage if row["date"] == newest]
    return {**event, "reference": next(one for one in references if one)}


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("name", EVENTS)
def test_what_is_read_again_equals_the_ledger_and_nothing_else_moves(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, name: str, granularity: str
) -> None:
    config["granularity"] = granularity
    # An unattributed sitting on a known day, so that it can be attributed and refunded.
    sandbox.happen(LATE)
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE).stdout)
    warehouse.check(sandbox, config)
    before = dict(warehouse.tables["credit_usage"])

    event = event_of(name, warehouse)
    sandbox.happen(event)
    run = fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state)
    warehouse.load(run.stdout)
    first = first_read_again(config)
    older = {key: row for key, row in warehouse.tables["credit_usage"].items() if row["date"] < first}
    newer = Warehouse()
    newer.tables["credit_usage"] = {
        key: row for key, row in warehouse.tables["credit_usage"].items() if row["date"] >= first
    }
    assert run.code == 0
    assert older == {key: row for key, row in before.items() if row["date"] < first}
    newer.check(sandbox, config | {"start_date": first})
    if "renamed" in name:
        names = {row.get("project_name") for row in newer.usage} | {row.get("group_name") for row in newer.usage}
        assert "Another name" in names
        assert newer.tables["credit_usage"].keys() == {key for key, row in before.items() if row["date"] >= first}

    third = fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state)
    assert all(row["user_uses"] for row in third.records("credit_usage")), "a row is withdrawn once"


def test_a_withdrawn_row_says_nothing_but_what_it_replaces(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    config["granularity"] = "day"
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE).stdout)
    before = dict(warehouse.tables["credit_usage"])
    sandbox.happen(EVENTS["a user's email changes"])
    run = fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state)
    withdrawn = [row for row in run.records("credit_usage") if not row["user_uses"]]
    assert withdrawn
    for row in withdrawn:
        assert row == {
            "usage_id": row["usage_id"],
            "date": before[row["usage_id"]]["date"],
            "granularity": "day",
            "user_uses": 0,
            "user_credits": 0,
        }
        assert before[row["usage_id"]]["user_email"] == EMAIL


def test_a_kill_between_a_row_and_its_state_loses_no_withdrawal(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    """A kill leaves a prefix of the output: each one that matters is taken, and the next sync goes on from it."""
    config |= {"granularity": "day", "lookback_window_days": 20}
    first = fast("read", config=config, catalog=USAGE_ALONE).stdout
    sandbox.happen(EVENTS["a user's email changes"])
    warehouse.load(first)
    second = fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout.splitlines(keepends=True)
    zeros = [number for number, line in enumerate(second) if b'"user_uses":0' in line]
    [state] = [number for number, line in enumerate(second) if b'"type":"STATE"' in line]
    assert max(zeros) < state
    since = {"start_date": str(date.fromisoformat(config["end_date"]) - timedelta(days=20))}
    for cut in (0, zeros[0], zeros[0] + 1, zeros[-1], zeros[-1] + 1, state, state + 1):
        after = Warehouse()
        after.load(first + b"".join(second[:cut]))
        after.load(fast("read", config=config, catalog=USAGE_ALONE, state=after.state).stdout)
        rows = after.tables["credit_usage"]
        after.tables["credit_usage"] = {key: row for key, row in rows.items() if row["date"] >= since["start_date"]}
        after.check(sandbox, config | since)


def test_an_older_state_without_keys_goes_on_and_learns_them(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    config["granularity"] = "day"
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE).stdout)
    del warehouse.usage_state["rows"]
    sandbox.requests()
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    assert [one["body"]["start_date"] for one in sandbox.requests()] == ["2026-03-24"]
    warehouse.check(sandbox, config)
    sandbox.happen({"kind": "refund", "day": DAY, "tool": "Upscaler"})
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    warehouse.check(sandbox, config)


def state_line(stdout: bytes) -> bytes:
    """The last STATE of an output."""
    return [line for line in stdout.splitlines() if b'"type":"STATE"' in line][-1]


def test_the_state_of_a_thousand_people_stays_small(
    fast: FastConnector, make_sandbox: Callable[..., Sandbox], config: Json, warehouse: Warehouse
) -> None:
    """Measured: 14,644 rows in the eight days of the default lookback make 366 kB of state, 25 bytes a row."""
    there = make_sandbox("--people=1000", "--today=2026-03-31")
    config |= {"base_url": there.base_url, "granularity": "day", "start_date": "2026-03-10"}
    run = fast("read", config=config, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    warehouse.check(there, config)
    known = sum(len(ids) for ids in warehouse.usage_state["rows"].values())
    size = len(state_line(run.stdout))
    assert known > 10_000
    assert size < 30 * known
    assert size < 500_000
    there.happen({"kind": "refund", "day": DAY, "tool": "Upscaler"})
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    warehouse.check(there, config)


def test_the_state_holds_twenty_thousand_keys_at_most_and_says_so(
    fast: FastConnector, make_sandbox: Callable[..., Sandbox], config: Json, warehouse: Warehouse
) -> None:
    there = make_sandbox("--people=1000", "--today=2026-03-31")
    config |= {"base_url": there.base_url, "granularity": "day", "start_date": "2026-03-01"}
    config["lookback_window_days"] = 30
    run = fast("read", config=config, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    known = warehouse.usage_state["rows"]
    assert 15_000 < sum(len(ids) for ids in known.values()) <= 20_000
    assert len(known) < 31
    assert max(known) == "2026-03-31"
    assert run.log.count("newest 20000 rows") == 1
    # What is within the cap is withdrawn, and nothing is lost of the rest.
    there.happen({"kind": "refund", "day": max(day for day in known if day < "2026-03-31"), "tool": "Upscaler"})
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    warehouse.check(there, config)


def test_the_console_script_withdraws(
    connector: Connector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    warehouse.load(connector("read", config=config, catalog=USAGE_ALONE).stdout)
    sandbox.happen(EVENTS["a user's email changes"])
    run = connector("read", config=config, catalog=USAGE_ALONE, state=json.dumps(warehouse.state))
    warehouse.load(run.stdout)
    first = first_read_again(config)
    assert {row.get("user_email") for row in warehouse.usage if row["date"] >= first} & {EMAIL} == set()
    assert any(row["user_uses"] == 0 for row in run.records("credit_usage"))
