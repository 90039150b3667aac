"""What Magnific says of a past day changes: after the next sync every period read again equals what it says now."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from connector_process import Connector, FastConnector
from sandbox_process import Sandbox
from warehouse import USAGE_ALONE, Warehouse, period_start

Json = dict[str, Any]
# By year, Business asks for months and adds them up.
GRANULARITIES = ["day", "year"]
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
    """The first period that the sync after one on TODAY reads, with the default lookback."""
    resumed = date.fromisoformat(config["end_date"]) - timedelta(days=7)
    return period_start(str(resumed), config["granularity"])


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
    assert not any("_ab_cdc_deleted_at" in row for row in third.records("credit_usage")), "a row is deleted once"


REFUND = {"kind": "refund", "day": DAY, "tool": "Upscaler"}


def test_a_deleted_row_says_nothing_but_which_place_is_empty(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    config["granularity"] = "day"
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE).stdout)
    places = sorted(key for key, row in warehouse.tables["credit_usage"].items() if row["date"] == DAY)
    refunded = [row for row in warehouse.usage if (row["date"], row["tool"]) == (DAY, "Upscaler")]
    sandbox.happen(REFUND)
    run = fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state)
    deleted = [row for row in run.records("credit_usage") if "_ab_cdc_deleted_at" in row]
    assert len(deleted) == len(refunded) > 0
    assert {row["usage_id"] for row in deleted} < set(places)
    for row in deleted:
        assert datetime.fromisoformat(row.pop("_ab_cdc_deleted_at")).tzinfo is not None
        assert row == {
            "usage_id": row["usage_id"],
            "date": DAY,
            "granularity": "day",
            "user_uses": 0,
            "user_credits": 0,
        }
    assert f"{len(deleted):,} rows in 1 periods were deleted" in run.log


@pytest.mark.parametrize("times", [1, 2])
def test_wrong_empty_answers_are_asked_for_again_and_healed_by_the_next_sync(
    fast: FastConnector, sandbox: Sandbox, config: Json, warehouse: Warehouse, times: int
) -> None:
    config["granularity"] = "day"
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE).stdout)
    sandbox.spoil({"kind": "body", "body": {"data": []}, "at": 1, "times": times})
    sandbox.requests()
    run = fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state)
    warehouse.load(run.stdout)
    assert (run.code, len(sandbox.requests())) == (0, 2)
    assert "asking again" in run.log
    if times == 2:
        assert "in 8 periods were deleted" in run.log
        assert min(row["date"] for row in warehouse.deleted) == "2026-03-24"
        # Seven days later, when the lookback alone would no longer reach these days.
        sandbox.set_today("2026-04-07")
        config["end_date"] = "2026-04-07"
        warehouse.load(fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    else:
        assert "deleted" not in run.log
    warehouse.check(sandbox, config)


def state_line(stdout: bytes) -> bytes:
    """The last STATE of an output."""
    return [line for line in stdout.splitlines() if b'"type":"STATE"' in line][-1]


def test_the_state_of_a_thousand_people_is_a_number_for_each_day(
    fast: FastConnector, make_sandbox: Callable[..., Sandbox], config: Json, warehouse: Warehouse
) -> None:
    there = make_sandbox("--people=1000", "--today=2026-03-31")
    config |= {"base_url": there.base_url, "granularity": "day", "start_date": "2026-03-10"}
    run = fast("read", config=config, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    warehouse.check(there, config)
    [days] = warehouse.usage_state["rows"].values()
    assert (days["first"], len(days["places"]), sum(days["places"])) == ("2026-03-10", 22, len(warehouse.usage))
    assert len(warehouse.usage) > 20_000
    assert len(state_line(run.stdout)) < 500 + 22 * len("10000,")
    there.happen(REFUND)
    warehouse.load(fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    warehouse.check(there, config)


def test_the_console_script_deletes_rows(
    connector: Connector, sandbox: Sandbox, config: Json, warehouse: Warehouse
) -> None:
    config["granularity"] = "day"
    warehouse.load(connector("read", config=config, catalog=USAGE_ALONE).stdout)
    sandbox.happen(REFUND)
    run = connector("read", config=config, catalog=USAGE_ALONE, state=json.dumps(warehouse.state))
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.stderr) == (0, b"")
    assert warehouse.deleted
