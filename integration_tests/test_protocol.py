"""The protocol from end to end: spec, check, discover and read of the console script against the sandbox."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from connector_process import SCRIPT, Connector, FastConnector
from patience import HUNG
from sandbox_process import ROOT, USAGE, Sandbox
from warehouse import ALL, KEYS, SUGGESTED, USAGE_ALONE, Warehouse, catalog

PROPERTIES = [
    "api_key",
    "start_date",
    "plan",
    "granularity",
    "lookback_window_days",
    "end_date",
    "group_ids",
    "project_references",
    "api_key_ids",
    "base_url",
]
FILTERS = [
    {"group_ids": [24]},
    {"group_ids": [11, 37]},
    {"project_references": ["{project}"]},
    {"api_key_ids": ["fpk-80d4b6e1c927"]},
    {"group_ids": [11, 24], "project_references": ["{project}"]},
]


def ranges(asked: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """First and last day of each request for credit usage."""
    return [(one["body"]["start_date"], one["body"]["end_date"]) for one in asked if one["path"].endswith(USAGE)]


def test_the_specification_explains_every_property(connector: Connector) -> None:
    run = connector("spec")
    [spec] = run.of("SPEC")
    properties = spec["connectionSpecification"]["properties"]
    assert run.code == 0
    assert sorted(properties, key=lambda name: properties[name]["order"]) == PROPERTIES
    assert all(one["title"] and one["description"] for one in properties.values())
    assert properties["api_key"]["airbyte_secret"] is True
    assert properties["base_url"]["airbyte_hidden"] is True


def test_discover_asks_nothing_and_describes_six_streams(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any]
) -> None:
    run = fast("discover", config=config)
    [found] = run.of("CATALOG")
    streams = {stream["name"]: stream for stream in found["streams"]}
    assert list(streams) == list(KEYS), "the big ones come last"
    assert {name: stream["source_defined_primary_key"] for name, stream in streams.items()} == {
        name: [[key]] for name, key in KEYS.items()
    }
    for name in ("credit_usage", "credit_usage_by_api_key"):
        assert streams.pop(name)["supported_sync_modes"] == ["full_refresh", "incremental"]
    assert all(stream["supported_sync_modes"] == ["full_refresh"] for stream in streams.values())
    fields = [field for one in found["streams"] for field in one["json_schema"]["properties"].values()]
    assert all(field["description"] for field in fields)
    assert sandbox.count() == 0


def test_a_first_sync_brings_five_streams_exactly(
    connector: Connector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse
) -> None:
    run = connector("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.stderr, run.errors) == (0, b"", [])
    assert set(run.statuses.values()) == {"COMPLETE"}
    assert [len(warehouse.tables[name]) for name in list(KEYS)[:4]] == [14, 4, 4, 6]
    assert all({"email", "role", "status"} == set(row) for row in run.records("members"))
    assert "used 7 of the day's 100 API requests" in run.log
    assert "complete through 2026-03-31" in run.log


def test_usage_by_api_key_equals_the_ledger_of_each_key(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse
) -> None:
    run = fast("read", config=config, catalog=catalog(*KEYS))
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.stderr, run.errors) == (0, b"", [])
    for key in warehouse.tables["api_keys"]:
        alone = Warehouse()
        rows = warehouse.tables["credit_usage_by_api_key"].items()
        alone.tables["credit_usage"] = {name: row for name, row in rows if row["api_key_id"] == key}
        alone.check(sandbox, config | {"api_key_ids": [key]})


@pytest.mark.parametrize(
    "streams", [("credit_usage", "members"), ("credit_usage_by_api_key", "credit_usage", "groups")]
)
def test_the_small_streams_are_read_first_whatever_order_the_catalog_has(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], streams: tuple[str, ...]
) -> None:
    sandbox.set_limits(per_day=2, limit_header="none", reset=True)
    run = fast("read", config=config, catalog=catalog(*streams))
    assert run.code == 1
    complete = {name for name, status in run.statuses.items() if status == "COMPLETE"}
    assert complete == {streams[-1]}
    assert [error[0] for error in run.errors if error[0]] == sorted(set(streams) - complete)


def test_the_second_sync_reads_the_lookback_alone(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse
) -> None:
    config |= {"granularity": "day", "end_date": "2026-03-30"}
    sandbox.set_today("2026-03-30")
    warehouse.load(fast("read", config=config, catalog=ALL).stdout)
    warehouse.check(sandbox, config)
    sandbox.set_today("2026-03-31")
    config["end_date"] = "2026-03-31"
    sandbox.requests()
    warehouse.load(fast("read", config=config, catalog=ALL, state=warehouse.state).stdout)
    asked = sandbox.requests()
    assert len(asked) == 5
    assert ranges(asked) == [("2026-03-23", "2026-03-31")]
    warehouse.check(sandbox, config)


def test_the_entry_point_of_the_image_is_the_same(sandbox: Sandbox, config: dict[str, Any], tmp_path: Any) -> None:
    arguments = Connector(tmp_path).arguments("check", config=config)
    python = str(SCRIPT).replace("source-magnific-analytics", "python")
    done = subprocess.run([python, "main.py", *arguments], cwd=ROOT, capture_output=True, timeout=HUNG)
    assert json.loads(done.stdout.splitlines()[-1])["connectionStatus"]["status"] == "SUCCEEDED"


@pytest.mark.parametrize("start", ["2025-03-19", "2024-02-29"])
@pytest.mark.parametrize("plan", ["business", "enterprise"])
@pytest.mark.parametrize("granularity", ["day", "week", "month", "year"])
def test_every_granularity_on_both_plans_equals_the_ledger(
    fast: FastConnector,
    enterprise: Sandbox,
    sandbox: Sandbox,
    config: dict[str, Any],
    granularity: str,
    plan: str,
    start: str,
) -> None:
    there = enterprise if plan == "enterprise" else sandbox
    config |= {"granularity": granularity, "plan": plan, "start_date": start, "base_url": there.base_url}
    warehouse = Warehouse()
    first = fast("read", config=config, catalog=ALL)
    warehouse.load(first.stdout)
    warehouse.check(there, config)
    second = fast("read", config=config, catalog=ALL, state=warehouse.state)
    warehouse.load(second.stdout)
    warehouse.check(there, config)
    assert (first.code, second.code) == (0, 0)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_filters_let_through_what_the_api_says(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse, filters: dict[str, Any]
) -> None:
    known = fast("read", config=config, catalog=catalog("projects")).records("projects")
    named = json.dumps(filters).replace("{project}", known[0]["project_reference"])
    config |= json.loads(named)
    sandbox.requests()
    assert fast("check", config=config).connection == ("SUCCEEDED", "")
    assert sandbox.count() == 1 + len(filters)
    run = fast("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert run.code == 0
    assert warehouse.usage


@pytest.mark.parametrize(
    "filters",
    [
        {"group_ids": [99]},
        {"project_references": ["00000000-0000-4000-8000-000000000000"]},
        {"api_key_ids": ["fpk-no"]},
    ],
    ids=str,
)
def test_check_names_unknown_and_known_ids(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], filters: dict[str, list[Any]]
) -> None:
    run = fast("check", config=config | filters)
    [(name, [unknown])] = filters.items()
    status, words = run.connection
    assert (run.code, status) == (0, "FAILED")
    assert name in words
    assert str(unknown) in words
    assert {"group_ids": "24", "project_references": "-", "api_key_ids": "fpk-80d4b6e1c927"}[name] in words
    assert sandbox.count() == 2


@pytest.mark.parametrize("plan", ["business", "enterprise"])
def test_check_takes_one_request_and_finds_a_wrong_plan(
    fast: FastConnector, enterprise: Sandbox, sandbox: Sandbox, config: dict[str, Any], plan: str
) -> None:
    config["plan"] = plan
    on_business = fast("check", config=config)
    assert sandbox.count() == 1
    assert fast("check", config=config | {"base_url": enterprise.base_url}).connection == ("SUCCEEDED", "")
    if plan == "enterprise":
        status, words = on_business.connection
        assert (on_business.code, status) == (0, "FAILED")
        assert "business" in words.lower()
        assert "180" in words
    else:
        assert on_business.connection == ("SUCCEEDED", "")


@pytest.mark.parametrize(
    ("options", "words"), [({"api_key": "wrong"}, "refuses the API key"), ({}, "read analytics")], ids=["401", "403"]
)
def test_check_tells_a_refused_key_from_a_forbidden_one(
    fast: FastConnector, make_sandbox: Callable[..., Sandbox], config: dict[str, Any], options: Any, words: str
) -> None:
    there = make_sandbox("--quirk=forbidden")
    run = fast("check", config=config | {"base_url": there.base_url} | options)
    status, message = run.connection
    assert (run.code, status) == (0, "FAILED")
    assert words in message
    read = fast("read", config=config | {"base_url": there.base_url} | options, catalog=USAGE_ALONE)
    assert (read.code, read.errors[0][1]) == (1, "config_error")
    assert words in read.errors[0][2]


@pytest.mark.parametrize(
    ("granularity", "second", "requests"),
    [("day", 4 + 1, 4 + 3), ("week", 4 + 1, 4 + 3), ("month", 4 + 1, 4 + 3), ("year", 4 + 1, 4 + 4)],
)
def test_a_year_on_business_takes_the_stated_requests(
    fast: FastConnector,
    sandbox: Sandbox,
    config: dict[str, Any],
    warehouse: Warehouse,
    granularity: str,
    second: int,
    requests: int,
) -> None:
    """Design: a first year 4 + 3, a daily sync 5; by year, two years asked for in months and so up to 3 more."""
    config |= {"granularity": granularity, "start_date": "2025-04-01"}
    run = fast("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    assert len(sandbox.requests()) == requests
    assert f"used {requests} of the day's 100" in run.log
    fast("read", config=config, catalog=ALL, state=warehouse.state)
    assert len(sandbox.requests()) == second


def test_full_refresh_brings_the_same_rows(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse
) -> None:
    run = fast("read", config=config, catalog=catalog(*SUGGESTED, sync_mode="full_refresh"))
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert run.code == 0
    assert len(run.records("credit_usage")) == len(warehouse.usage), "no row comes twice"


def test_answers_in_pieces_out_of_order_and_with_gaps_are_understood(
    fast: FastConnector, make_sandbox: Callable[..., Sandbox], config: dict[str, Any], warehouse: Warehouse
) -> None:
    there = make_sandbox("--quirk=awkward", "--quirk=empty-periods", "--today=2026-03-31")
    config["base_url"] = there.base_url
    run = fast("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    warehouse.check(there, config)
    assert run.code == 0
    assert run.records("members")[-1]["role"] == "billing"
