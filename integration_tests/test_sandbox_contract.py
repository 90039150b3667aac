"""The sandbox over HTTP: the documented contract, the limits and the control surface."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import requests
from patience import HUNG
from sandbox_in_process import KEY, MEMBERS, USAGE, ask, listed, sandbox

from sandbox import DEFAULT_KEY, Options
from sandbox.customs import CUSTOMS
from sandbox.oddities import ODDITIES

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("name", "fields", "count"),
    [
        ("members", {"email", "role", "status"}, 14),
        ("api-keys", {"api_key_id", "display_name", "status", "created_at"}, 4),
        ("groups", {"group_id", "name", "member_count"}, 4),
        ("projects", {"project_reference", "name"}, 6),
    ],
)
def test_the_lists_have_the_documented_fields(name: str, fields: set[str], count: int) -> None:
    client = sandbox()
    rows = listed(client, name)
    assert len(rows) == count
    assert all(set(row) == fields for row in rows)
    assert client.post(f"/v1/analytics/team-{name}", headers=KEY, json={}).status_code == 405
    assert client.get(USAGE, headers=KEY).status_code == 405


def test_a_team_of_many_keys_lists_them_and_is_asked_about_each() -> None:
    client = sandbox(keys=150, per_minute=0, per_day=0)
    keys = listed(client, "api-keys")
    assert keys[:4] == listed(sandbox(), "api-keys")
    assert len(keys) == 150
    march = {"granularity": "month", "start_date": "2026-03-01", "end_date": "2026-03-31"}
    used = [key["api_key_id"] for key in keys if ask(client, **march, api_key_ids=[key["api_key_id"]])]
    assert 4 < len(used) < 150
    assert listed(sandbox(keys=0), "api-keys") == []


def test_a_question_without_dates_is_about_the_last_seven_days() -> None:
    client = sandbox()
    assert ask(client) == client.post(USAGE, headers=KEY).json["data"]  # type: ignore[index]
    dates = sorted(period["date"] for period in ask(client))
    assert dates[0] >= "2026-03-25T00:00:00.000Z"
    assert dates[-1] == "2026-03-31T00:00:00.000Z"


def test_a_range_that_cuts_a_week_brings_part_of_it_under_its_monday() -> None:
    client = sandbox()
    (part,) = ask(client, granularity="week", start_date="2026-03-11", end_date="2026-03-12")
    (whole,) = ask(client, granularity="week", start_date="2026-03-09", end_date="2026-03-15")
    assert part["date"] == whole["date"] == "2026-03-09T00:00:00.000Z"
    credits = [sum(tool["user_credits"] for tool in one["consumptions"]) for one in (part, whole)]
    assert 0 < credits[0] < credits[1]


def test_the_answer_comes_in_no_order_and_the_same_each_time() -> None:
    question = {"start_date": "2026-01-01", "end_date": "2026-03-31"}
    dates = [period["date"] for period in ask(sandbox(), **question)]
    assert dates != sorted(dates)
    assert ask(sandbox(), **question) == ask(sandbox(), **question)


def test_a_day_without_usage_is_left_out_or_empty() -> None:
    question = {"start_date": "2022-12-30", "end_date": "2022-12-31"}
    assert ask(sandbox(), **question) == []
    empty = ask(sandbox(empty_periods=True), **question)
    assert sorted(empty, key=lambda period: period["date"]) == [
        {"date": "2022-12-30T00:00:00.000Z", "consumptions": []},
        {"date": "2022-12-31T00:00:00.000Z", "consumptions": []},
    ]


def test_a_filter_narrows_the_totals_and_an_unknown_id_brings_nothing() -> None:
    client = sandbox()
    month = {"granularity": "month", "start_date": "2026-02-01", "end_date": "2026-02-28"}

    def credits(**filters: Any) -> int:
        return sum(tool["user_credits"] for one in ask(client, **month, **filters) for tool in one["consumptions"])

    assert 0 < credits(group_ids=[11]) < credits(group_ids=[11, 52]) < credits()
    assert credits(group_ids=[99]) == credits(api_key_ids=["no-such-key"]) == 0


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"granularity": "hour"}, {"granularity"}),
        ({"start_date": "2026-02-30"}, {"start_date"}),
        ({"start_date": "20260201"}, {"start_date"}),
        ({"end_date": None}, {"end_date"}),
        ({"group_ids": [0]}, {"group_ids"}),
        ({"group_ids": [True]}, {"group_ids"}),
        ({"project_references": ["harbour"], "api_key_ids": "one"}, {"project_references", "api_key_ids"}),
        ({"page": 1}, {"page"}),
        ([], {"body"}),
        ({"start_date": "2026-03-02", "end_date": "2026-03-01"}, {"start_date", "end_date"}),
        ({"start_date": "2025-10-02", "end_date": "2026-03-31"}, {"start_date", "end_date"}),
    ],
)
def test_a_bad_request_names_what_is_wrong(body: Any, names: set[str]) -> None:
    answer = sandbox().post(USAGE, json=body, headers=KEY)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    problem = answer.json["problem"]  # type: ignore[index]
    assert {one["name"] for one in problem["invalid_params"]} == names
    assert sandbox(flat_problems=True).post(USAGE, json=body, headers=KEY).json == problem


def test_the_longest_range_depends_on_the_plan() -> None:
    ask(sandbox(), start_date="2025-10-03", end_date="2026-03-31")
    ask(sandbox(plan="enterprise"), start_date="2025-04-01", end_date="2026-03-31")
    longer = {"start_date": "2025-03-31", "end_date": "2026-03-31"}
    assert sandbox(plan="enterprise").post(USAGE, json=longer, headers=KEY).status_code == 400


def test_only_the_right_key_of_the_right_plan_gets_an_answer() -> None:
    assert sandbox().get(MEMBERS).status_code == 401
    wrong = sandbox().get(MEMBERS, headers={"x-magnific-api-key": "another"})
    assert (wrong.status_code, wrong.json) == (401, {"message": "Invalid API key"})
    assert sandbox(forbidden=True).get(MEMBERS, headers=KEY).status_code == 403


def test_past_the_limit_requests_are_refused_until_the_next_day() -> None:
    client = sandbox(per_day=2, per_minute=0)
    assert [client.get(MEMBERS, headers=KEY).status_code for _ in range(4)] == [200, 200, 429, 429]
    client.post("/_sandbox/today", json={"date": "2026-04-01"})
    assert client.get(MEMBERS, headers=KEY).status_code == 200


@pytest.mark.parametrize(
    ("limit_header", "name", "is_stated"),
    [
        ("none", "Retry-After", lambda value: value is None),
        ("retry-after", "Retry-After", lambda value: 0 < int(value) <= 60),
        ("retry-after-date", "Retry-After", lambda value: value.endswith(" GMT")),
        ("ratelimit-reset", "RateLimit-Reset", lambda value: 0 < int(value) <= 60),
        ("x-ratelimit-reset-epoch", "X-RateLimit-Reset", lambda value: int(value) > 1_700_000_000),
    ],
)
def test_a_refusal_states_the_wait_as_chosen(limit_header: str, name: str, is_stated: Callable[[Any], bool]) -> None:
    client = sandbox(per_minute=1, limit_header=limit_header)
    client.get(MEMBERS, headers=KEY)
    refused = client.get(MEMBERS, headers=KEY)
    assert refused.status_code == 429
    assert is_stated(refused.headers.get(name))


def test_requests_are_logged_without_the_key() -> None:
    client = sandbox()
    ask(client, granularity="week")
    client.get("/v1/analytics/nothing", headers=KEY)
    log = client.get("/_sandbox/requests")
    assert [(one["n"], one["method"], one["body"], one["status"]) for one in log.json] == [  # type: ignore[union-attr]
        (1, "POST", {"granularity": "week"}, 200),
        (2, "GET", None, 404),
    ]
    assert DEFAULT_KEY not in log.text
    assert client.delete("/_sandbox/requests").json == log.json
    assert client.get("/_sandbox/requests").json == []


def test_an_event_changes_what_is_said_about_the_past() -> None:
    client = sandbox()
    event = {"kind": "refund", "day": "2026-03-10", "tool": "AI Image Models"}
    question = {"start_date": "2026-03-10", "end_date": "2026-03-10"}
    before = {tool["tool"] for period in ask(client, **question) for tool in period["consumptions"]}
    assert client.post("/_sandbox/events", json=[event]).status_code == 200
    after = {tool["tool"] for period in ask(client, **question) for tool in period["consumptions"]}
    assert before - after == {"AI Image Models"}
    truth = client.get("/_sandbox/ledger", query_string=question).json
    assert {one["tool"] for one in truth} == after  # type: ignore[union-attr]
    assert client.post("/_sandbox/events", json=[event]).status_code == 400


def test_everything_starts_over_on_a_day_or_where_that_is_none_not_at_all() -> None:
    client = sandbox()
    question = {"start_date": "2026-03-10", "end_date": "2026-03-10"}
    before = ask(client, **question)
    refund = {"kind": "refund", "day": "2026-03-10", "tool": "AI Image Models"}
    assert client.post("/_sandbox/events", json=[refund]).status_code == 200
    assert client.delete("/_sandbox/changes?date=2026-02-30").status_code == 400
    assert ask(client, **question) != before
    assert client.delete("/_sandbox/changes?date=2026-03-11").status_code == 200
    assert ask(client, **question) == before
    assert ask(client, start_date="2026-03-12", end_date="2026-03-12") == []


def test_new_names_people_and_projects_show_in_lists_and_answers() -> None:
    client = sandbox()
    reference = listed(client, "projects")[0]["project_reference"]
    new = "a4de3b0c-7f15-4c2a-8e6b-3d9f1c5a7b07"
    late = {"day": "2026-03-10", "tool": "Upscaler", "email": "new@team.example", "uses": 1, "credits": 60}
    events = [
        {"kind": "rename_project", "reference": reference, "name": "Winter Catalogue"},
        {"kind": "rename_group", "group_id": 11, "name": "Brand"},
        {"kind": "add_project", "reference": new, "name": "Atlas"},
        {"kind": "add_member", "email": "new@team.example", "group_ids": [11]},
        {"kind": "late", "project_reference": new, **late},
    ]
    assert client.post("/_sandbox/events", json=events).json == {"events": 5}
    (march,) = ask(client, granularity="month", start_date="2026-03-01")
    usages = [usage for tool in march["consumptions"] for usage in tool.get("user_usages", [])]
    names = {one["project_name"] for one in usages if one.get("project_reference") == reference}
    assert names == {"Winter Catalogue"}
    (added,) = [one for one in usages if one["user_email"] == "new@team.example"]
    assert (added["project_reference"], added["project_name"], added["group_name"]) == (new, "Atlas", "Brand")
    assert {"group_id": 11, "name": "Brand", "member_count": 5} in listed(client, "groups")


def test_the_rows_a_client_must_arrive_at_are_told() -> None:
    client = sandbox()
    query = {"granularity": "month", "start_date": "2026-03-01", "end_date": "2026-03-31", "group_ids": [11]}
    (march,) = ask(client, **query)
    rows = client.get("/_sandbox/rows", query_string=query).json
    assert len(rows) == sum(len(tool["user_usages"]) for tool in march["consumptions"])  # type: ignore[arg-type]
    assert {row["date"] for row in rows} == {"2026-03-01"}  # type: ignore[union-attr]


def test_the_dashboards_export_adds_up_to_the_ledger() -> None:
    client = sandbox()
    query = {"start_date": "2026-03-01", "end_date": "2026-03-30"}
    rows = list(csv.DictReader(client.get("/_sandbox/export", query_string=query).text.splitlines()))
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        found[row["Date"], row["Tool"]] += int(row["Credits"])
    told = client.get("/_sandbox/ledger", query_string=query).json
    assert found == {(one["date"], one["tool"]): one["user_credits"] for one in told}  # type: ignore[union-attr]
    assert any(not row["User email"] for row in rows)
    refused = client.get("/_sandbox/export?form=semicolons")
    assert (refused.status_code, "there are plain, decimal-commas" in refused.text) == (400, True)


def test_the_command_explains_each_option() -> None:
    command = [sys.executable, "-m", "sandbox", "--help"]
    wide = os.environ | {"COLUMNS": "9000"}
    told = subprocess.run(command, cwd=ROOT, env=wide, capture_output=True, text=True, check=True).stdout
    assert all(f"--{field.name.replace('_', '-')} " in told for field in fields(Options) if field.name != "oddities")
    for table in (ODDITIES, CUSTOMS):
        assert all(f"{name}: {one.meaning}" in told for name, one in table.items())
    for kind in ("drop", "cut", "silence"):
        assert f"{kind}: " in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_is_and_ends_quietly(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox", "--json", "--today", "2026-03-31"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    about = json.loads(process.stdout.readline())
    answer = requests.get(about["base_url"] + MEMBERS, headers={"x-magnific-api-key": about["api_key"]}, timeout=HUNG)
    os.kill(about["pid"], number)
    rest = process.communicate(timeout=HUNG)
    assert (answer.status_code, process.returncode, rest) == (200, 0, ("", ""))
