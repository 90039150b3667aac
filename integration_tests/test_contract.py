"""The connector's requests and the sandbox's answers, judged by a program that knows only `sandbox/openapi.yaml`.

Stoplight Prism stands between the two and refuses whatever the document does not allow, in either direction.
"""

import logging
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from connector_process import read_here
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from npm import ENVIRONMENT, modules
from patience import HUNG
from sandbox_process import LISTS, ROOT, USAGE, Sandbox
from warehouse import KEYS, Warehouse, catalog

from source_magnific_analytics import SourceMagnificAnalytics

DOCUMENT = ROOT / "sandbox" / "openapi.yaml"
PRISM_VERSION = "5.14.2"
ANALYTICS = "/v1/analytics/"
PROJECT, API_KEY = "7c1f0a52-4a8e-4f0b-9d55-0b8f6f2f1a01", "fpk-80d4b6e1c927"
FILTERS = {"group_ids": [11, 52], "project_references": [PROJECT], "api_key_ids": [API_KEY]}


def endpoint(base_url: str, name: str, key: str, **request: Any) -> requests.Response:
    send = requests.post if name == USAGE else requests.get
    return send(
        base_url + ANALYTICS + name, headers={"x-magnific-api-key": key} if key else {}, timeout=HUNG, **request
    )


@dataclass(frozen=True)
class Judge:
    """A Prism in front of `sandbox`; clients call it at `base_url`."""

    base_url: str
    sandbox: Sandbox
    log: Path

    def objections(self) -> list[str]:
        """What it refused since the last call, a line each."""
        # Prism writes its log a moment later but in order, so a refusal that is known to come ends the wait.
        mark = f"/mark-{uuid4()}"
        requests.get(self.base_url + mark, timeout=HUNG)
        wait_for(lambda: f"{mark} ✖" in self.log.read_text(), self.log)
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return [line for line in lines if re.search(r"\b(error|warning)\b", line) and mark not in line]


def wait_for(condition: Callable[[], Any], log: Path) -> None:
    for _ in range(10 * HUNG):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"Prism does not answer; its log:\n{log.read_text()}")


@pytest.fixture(scope="module")
def shared_judge(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    log = tmp_path_factory.mktemp("prism") / "log"
    prism = modules("prism", f"@stoplight/prism-cli@{PRISM_VERSION}") / ".bin" / "prism"
    command: list[str | Path] = [prism, "proxy", DOCUMENT, shared_sandbox.base_url, "--errors", "--port=0"]
    # Appended, so that the file can be emptied meanwhile.
    with log.open("a") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=ENVIRONMENT)
    try:
        wait_for(lambda: "listening on" in log.read_text(), log)
        yield re.findall(r"listening on (http://[0-9.:]+)", log.read_text())[0], log
    finally:
        process.terminate()
        process.wait(timeout=HUNG)


@pytest.fixture()
def judge(shared_judge: tuple[str, Path], sandbox: Sandbox) -> Judge:
    """A Prism that has not refused anything yet."""
    judge = Judge(shared_judge[0], sandbox, shared_judge[1])
    judge.objections()
    return judge


@pytest.mark.parametrize(
    "choices",
    [
        {"start_date": "2025-06-01", "granularity": "day"},
        {"start_date": "2026-01-01", "granularity": "week", **FILTERS},
        {"start_date": "2024-06-15", "granularity": "year"},
    ],
    ids=["days", "weeks-filtered", "years-by-month"],
)
def test_no_request_of_the_connector_breaks_the_contract(
    judge: Judge, config: dict[str, Any], choices: dict[str, Any]
) -> None:
    config |= {"base_url": judge.base_url, **choices}
    source = SourceMagnificAnalytics()
    assert source.check_connection(logging.getLogger("airbyte"), config) == (True, None)
    warehouse = Warehouse()
    for _ in range(2):
        run = read_here(config, catalog(*KEYS), warehouse.state)
        warehouse.load(run.stdout)
        assert run.errors == []
    assert all(warehouse.tables.values())
    forwarded = judge.sandbox.requests()
    assert {one["path"] for one in forwarded} == {ANALYTICS + name for name in (USAGE, *LISTS)}
    assert {one["status"] for one in forwarded} == {200}
    assert judge.objections() == []


def test_prism_refuses_what_breaks_the_contract_in_either_direction(judge: Judge) -> None:
    bodies = ({"granularity": "hour"}, {"start_date": "2025-02-30"}, {"group_ids": [0]}, {"page": 1})
    answers = [endpoint(judge.base_url, USAGE, judge.sandbox.api_key, json=body) for body in bodies]
    assert [answer.status_code for answer in answers] == [422] * len(bodies)
    assert (len(judge.objections()), judge.sandbox.requests()) == (len(bodies), [])
    judge.sandbox.spoil(kind="body", body={"data": [{"email": 1}]})
    assert endpoint(judge.base_url, "team-members", judge.sandbox.api_key).status_code == 500
    assert len(judge.objections()) == 1


QUESTIONS: list[dict[str, Any]] = [
    {"granularity": "day", "start_date": "2026-01-01", "end_date": "2026-03-31"},
    {"granularity": "week", "start_date": "2026-01-07", "group_ids": [11, 52]},
    {"granularity": "month", "start_date": "2026-01-01", "api_key_ids": [API_KEY]},
    {"granularity": "year", "project_references": [PROJECT]},
    {"start_date": "2022-01-01", "end_date": "2022-01-31"},
]


def test_the_sandbox_answers_and_refuses_by_the_contract(judge: Judge) -> None:
    url, key = judge.base_url, judge.sandbox.api_key
    answers = [endpoint(url, USAGE, key, json=question) for question in QUESTIONS]
    answers += [endpoint(url, name, key) for name in LISTS]
    answers += [endpoint(url, name, key="another") for name in (USAGE, *LISTS)]
    judge.sandbox.set_limits(per_day=1)
    answers += [endpoint(url, name, key) for name in (USAGE, *LISTS)]
    assert [answer.status_code for answer in answers] == [200] * 9 + [401] * 5 + [429] * 5
    assert judge.objections() == []


def _mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(right, right, st.sampled_from([None, 0, True, "", "x", [None], ["x"], [0], {}]))


DAYS = st.dates(date(2025, 10, 3), date(2026, 3, 31)).map(str)
ODD_QUESTIONS = st.fixed_dictionaries(
    {},
    optional={
        "granularity": _mostly(st.sampled_from(["day", "week", "month", "year"])),
        "start_date": _mostly(DAYS),
        "end_date": _mostly(DAYS),
        "group_ids": _mostly(st.lists(st.sampled_from([11, 24, 99]), max_size=2)),
        "project_references": _mostly(st.lists(st.uuids().map(str), max_size=2)),
        "api_key_ids": _mostly(st.lists(st.sampled_from([API_KEY, ""]), max_size=2)),
        "page": st.integers(),
    },
)


@given(question=ODD_QUESTIONS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_sandbox_refuses_what_prism_does(judge: Judge, question: dict[str, Any]) -> None:
    key = judge.sandbox.api_key
    by_prism, by_sandbox = (
        endpoint(url, USAGE, key, json=question).status_code for url in (judge.base_url, judge.sandbox.base_url)
    )
    # That the start comes after the end, no schema can say; dates as text are ordered like the days.
    backwards = str(question.get("start_date", "")) > str(question.get("end_date", "2026-03-31"))
    is_allowed = by_prism != 422 and not backwards
    assert by_sandbox == (200 if is_allowed else 400)
    assert not is_allowed or by_prism == 200
