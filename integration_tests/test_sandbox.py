"""The sandbox over HTTP: what the contract says of its answers, its limits, its control surface and its command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest
import requests
from environments import SCHEMATHESIS
from patience import HUNG
from sandbox_in_process import KEY, MEMBERS, TODAY, USAGE, ask, sandbox
from sandbox_process import ROOT, Sandbox

from sandbox import DEFAULT_KEY, Options, running
from sandbox.quirks import QUIRKS

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-30"}


def judged(tmp_path: Path, *quirks: str) -> subprocess.CompletedProcess[str]:
    """What schemathesis says about answers to whatever the document allows, and to what it does not."""
    options = Options(today=TODAY, per_minute=0, per_day=0, quirks=quirks)
    with running(options) as base_url:
        arguments = ["--url", base_url, "--header", f"x-magnific-api-key: {DEFAULT_KEY}", "--no-color", "--seed=1"]
        # No schema can say that a range ends after it begins and is no longer than the plan allows.
        arguments += ["--exclude-checks=positive_data_acceptance", "--phases=coverage,fuzzing"]
        command: list[str | Path] = [
            SCHEMATHESIS.program("schemathesis"),
            "run",
            ROOT / "sandbox" / "openapi.yaml",
            *arguments,
        ]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)


def test_whatever_is_asked_the_answer_keeps_the_contract(tmp_path: Path) -> None:
    """Status, content type and body; 401 without a key, 400 for a wrong body, 405 with `Allow` for another method."""
    done = judged(tmp_path)
    assert (done.returncode, "5 selected / 5 total" in done.stdout) == (0, True), done.stdout


def test_an_answer_that_breaks_the_contract_is_noticed(tmp_path: Path) -> None:
    done = judged(tmp_path, "half-credits")
    assert (done.returncode, 'is not of type "integer"' in done.stdout) == (1, True), done.stdout


def test_a_question_without_dates_is_about_the_last_seven_days() -> None:
    client = sandbox()
    week = ask(client, start_date="2026-03-25", end_date="2026-03-31")
    assert client.post(USAGE, headers=KEY).json["data"] == ask(client) == week  # type: ignore[index]


def test_periods_come_in_no_order() -> None:
    dates = [period["date"] for period in ask(sandbox(), start_date="2026-01-01")]
    assert dates != sorted(dates)


def test_a_bad_request_names_all_that_is_wrong() -> None:
    body = {"granularity": "hour", "page": 1, "group_ids": [True], "start_date": "2026-02-30", "end_date": "2026-02-28"}
    problem = sandbox().post(USAGE, json=body, headers=KEY).json["problem"]  # type: ignore[index]
    assert {one["name"] for one in problem["invalid_params"]} == body.keys() - {"end_date"}
    backwards = {"start_date": "2026-03-02", "end_date": "2026-03-01"}
    assert sandbox().post(USAGE, json=backwards, headers=KEY).status_code == 400


def test_the_longest_range_depends_on_the_plan() -> None:
    def status(plan: str, start: str) -> int:
        question = {"start_date": start, "end_date": str(TODAY)}
        return sandbox(plan=plan).post(USAGE, json=question, headers=KEY).status_code

    assert [status("business", start) for start in ("2025-10-03", "2025-10-02")] == [200, 400]
    assert [status("enterprise", start) for start in ("2025-04-01", "2025-03-31")] == [200, 400]


def test_another_method_is_told_which_are_allowed() -> None:
    answers = [sandbox().get(USAGE, headers=KEY), sandbox().post(MEMBERS, headers=KEY)]
    assert [answer.status_code for answer in answers] == [405, 405]
    assert [sorted(answer.headers["Allow"].split(", ")) for answer in answers] == [["POST"], ["GET", "HEAD"]]


def test_past_a_limit_requests_are_refused_with_the_wait_until_the_next_day() -> None:
    client = sandbox(per_day=2, per_minute=0)
    answers = [client.get(MEMBERS, headers=KEY) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 24 * 3600
    client.post("/_sandbox/today", json={"date": "2026-04-01"})
    assert client.get(MEMBERS, headers=KEY).status_code == 200
    client = sandbox(per_minute=1, limit_header="none")
    refused = [client.get(MEMBERS, headers=KEY) for _ in range(2)][1]
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, False)


def test_requests_are_logged_without_the_key() -> None:
    client = sandbox()
    ask(client, granularity="week")
    client.get("/v1/analytics/nothing", headers=KEY)
    log = client.get("/_sandbox/requests")
    assert [(one["method"], one["body"], one["status"]) for one in log.json] == [  # type: ignore[union-attr]
        ("POST", {"granularity": "week"}, 200),
        ("GET", None, 404),
    ]
    assert DEFAULT_KEY not in log.text
    assert client.delete("/_sandbox/requests").json == log.json
    assert client.get("/_sandbox/requests").json == []


def test_whatever_was_changed_starts_over_on_a_day() -> None:
    client = sandbox(per_day=3, quirks=("gzip",))
    question = {"start_date": "2026-03-10", "end_date": "2026-03-10"}
    before = client.post(USAGE, json=question, headers=KEY).data
    changes = {
        "limits": {"per_day": 1},
        "quirks": ["empty"],
        "events": [{"kind": "refund", "day": "2026-03-10", "tool": "AI Image Models"}],
    }
    for what, change in changes.items():
        assert client.post(f"/_sandbox/{what}", json=change).status_code == 200
    assert client.post(USAGE, json=question, headers=KEY).status_code == 429
    assert client.delete("/_sandbox/changes?date=2026-02-30").status_code == 400
    assert client.delete("/_sandbox/changes?date=2026-03-11").status_code == 200
    assert client.get("/_sandbox/requests").json == []
    assert client.post(USAGE, json=question, headers=KEY).data == before
    assert client.post(USAGE, json={"start_date": "2026-03-12"}, headers=KEY).status_code == 400
    assert [client.get(MEMBERS, headers=KEY).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("what", "body", "words"),
    [
        ("today", {"date": "2026-02-30"}, "must be a date that exists"),
        ("events", {}, "the body must be a JSON list"),
        ("events", [{"kind": "refund", "day": "2026-03-10", "tool": "No Such Tool"}], "changes nothing"),
        ("limits", {"per_hour": 1}, "unknown limits ['per_hour']"),
        ("limits", {"per_day": -1}, "numbers from 0 up"),
        ("quirks", ["half-emojy"], "unknown quirk 'half-emojy'"),
        ("quirks", [{"kind": "late"}], "late: missing a required argument: 'seconds'"),
        ("quirks", [{"kind": "cut", "at": 0}], "numbers from 1 up"),
    ],
)
def test_a_mistyped_change_is_refused_in_words(what: str, body: object, words: str) -> None:
    refused = sandbox().post(f"/_sandbox/{what}", json=body)
    assert (refused.status_code, words in refused.text) == (400, True), refused.text


def test_the_command_explains_each_option_and_quirk() -> None:
    command = [sys.executable, "-m", "sandbox", "--help"]
    wide = os.environ | {"COLUMNS": "9000"}
    said = subprocess.run(command, cwd=ROOT, env=wide, capture_output=True, text=True, check=True).stdout
    assert all(f"--{field.name.replace('_', '-')} " in said for field in fields(Options) if field.name != "quirks")
    assert all(f"{name}: {meaning}" in said for name, (meaning, _) in QUIRKS.items())
    wrong = subprocess.run([*command[:-1], "--keys=501"], cwd=ROOT, capture_output=True, text=True)
    assert (wrong.returncode, "keys from 0 to 500" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_is_and_ends_quietly(number: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--json",
        "--today",
        "2026-03-31",
        "--quirk=nul",
        '--quirk={"kind": "bom"}',
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    about = json.loads(process.stdout.readline())
    headers = {"x-magnific-api-key": about["api_key"]}
    answer = requests.get(f"{about['base_url']}/v1/analytics/team-groups", headers=headers, timeout=HUNG)
    os.kill(about["pid"], number)
    rest = process.communicate(timeout=HUNG)
    assert (answer.status_code, process.returncode, rest) == (200, 0, ("", ""))
    assert json.loads(answer.content.decode("utf-8-sig"))["data"][0]["name"] == "B\0rand Studio"


def test_the_command_ends_although_somebody_waits_for_an_answer() -> None:
    silent = Sandbox("--quirk=silence")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(requests.get, silent.base_url + MEMBERS, headers=KEY, timeout=HUNG)
        silent.wait_for_requests(1)
        silent.stop()
        assert isinstance(waiting.exception(), requests.ConnectionError)
