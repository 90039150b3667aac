"""The connector's requests and the sandbox's answers, judged by programs that know nothing but `sandbox/openapi.yaml`.

Stoplight Prism stands between the connector and the sandbox and refuses whatever the document does not allow, in
either direction; openapi-core holds single exchanges against it.
"""

from __future__ import annotations

import json
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
import yaml
from connector_process import read_here
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from npm import ENVIRONMENT, modules
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from patience import HUNG
from sandbox_process import LISTS, ROOT, USAGE, Sandbox
from warehouse import KEYS, Warehouse, catalog

from source_magnific_analytics import SourceMagnificAnalytics

DOCUMENT = ROOT / "sandbox" / "openapi.yaml"
PRISM_VERSION = "5.14.2"
ANALYTICS = "/v1/analytics/"
PROJECT, API_KEY = "7c1f0a52-4a8e-4f0b-9d55-0b8f6f2f1a01", "fpk-80d4b6e1c927"
FILTERS = {"group_ids": [11, 52], "project_references": [PROJECT], "api_key_ids": [API_KEY]}

MakeSandbox = Callable[..., Sandbox]


def endpoint(base_url: str, name: str, key: str, **request: Any) -> requests.Response:
    send = requests.post if name == USAGE else requests.get
    return send(
        base_url + ANALYTICS + name, headers={"x-magnific-api-key": key} if key else {}, timeout=HUNG, **request
    )


# Between the connector and the sandbox: Prism


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


def test_prism_refuses_a_request_that_breaks_the_contract(judge: Judge) -> None:
    bodies = ({"granularity": "hour"}, {"start_date": "2025-02-30"}, {"group_ids": [0]}, {"page": 1})
    answers = [endpoint(judge.base_url, USAGE, judge.sandbox.api_key, json=body) for body in bodies]
    assert [answer.status_code for answer in answers] == [422] * len(bodies)
    assert endpoint(judge.base_url, USAGE, key="").status_code == 401
    assert (len(judge.objections()), judge.sandbox.requests()) == (len(bodies) + 1, [])


def test_prism_refuses_an_answer_that_breaks_the_contract(judge: Judge) -> None:
    judge.sandbox.spoil(kind="body", body={"data": [{"email": 1}]})
    assert endpoint(judge.base_url, "team-members", judge.sandbox.api_key).status_code == 500
    assert [one["status"] for one in judge.sandbox.requests()] == [200]
    assert len(judge.objections()) == 1


# Single exchanges: openapi-core


@pytest.fixture(scope="module")
def contract() -> OpenAPI:
    """The document, checked to be valid OpenAPI, for whatever address the sandbox has."""
    document = {**yaml.safe_load(DOCUMENT.read_text()), "servers": [{"url": "/"}]}
    return OpenAPI.from_dict(
        document, config=Config(extra_media_type_deserializers={"application/problem+json": json.loads})
    )


def breach_of_request(contract: OpenAPI, answer: requests.Response) -> str | None:
    """How the request that `answer` came to breaks the contract; None where it does not."""
    return _breach(lambda: contract.validate_request(RequestsOpenAPIRequest(answer.request)))


def breach(contract: OpenAPI, answer: requests.Response) -> str | None:
    """How status, content type or body of `answer` break the contract; None where they do not."""
    request, response = RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer)
    return _breach(lambda: contract.validate_response(request, response))


def _breach(validate: Callable[[], None]) -> str | None:
    try:
        validate()
    except OpenAPIError as error:
        wrong = getattr(error.__cause__, "schema_errors", [])
        return "; ".join(one.message for one in wrong) or f"{type(error).__name__}: {error}"
    return None


QUESTIONS: list[dict[str, Any]] = [
    {},
    {"granularity": "day", "start_date": "2026-01-01", "end_date": "2026-03-31"},
    {"granularity": "week", "start_date": "2026-01-07", "group_ids": [11, 52]},
    {"granularity": "month", "start_date": "2026-01-01", "api_key_ids": [API_KEY]},
    {"granularity": "year", "project_references": [PROJECT]},
    {"start_date": "2022-01-01", "end_date": "2022-01-31"},
]


@pytest.mark.parametrize(
    "option", ["--plan=business", "--empty-periods", "--awkward", "--plan=enterprise", "--people=60"]
)
def test_answers_about_usage_keep_the_contract(contract: OpenAPI, make_sandbox: MakeSandbox, option: str) -> None:
    sandbox = make_sandbox(option, "--today=2026-03-31")
    answers = [endpoint(sandbox.base_url, USAGE, sandbox.api_key, json=question) for question in QUESTIONS]
    assert [answer.status_code for answer in answers] == [200] * len(QUESTIONS)
    assert [breach_of_request(contract, answer) for answer in answers] == [None] * len(QUESTIONS)
    assert [breach(contract, answer) for answer in answers] == [None] * len(QUESTIONS)


def test_lists_keep_the_contract(contract: OpenAPI, sandbox: Sandbox) -> None:
    answers = [endpoint(sandbox.base_url, name, sandbox.api_key) for name in LISTS]
    assert all(answer.json()["data"] for answer in answers)
    assert [breach_of_request(contract, answer) for answer in answers] == [None] * 4
    assert [breach(contract, answer) for answer in answers] == [None] * 4


def test_awkward_lists_break_the_contract_by_an_unknown_role_alone(
    contract: OpenAPI, make_sandbox: MakeSandbox
) -> None:
    sandbox = make_sandbox("--awkward")
    breaches = [breach(contract, endpoint(sandbox.base_url, name, sandbox.api_key)) for name in LISTS]
    assert breaches == ["'billing' is not one of ['owner', 'admin', 'member']", None, None, None]


@pytest.mark.parametrize("option", ["--plan=business", "--flat-problems"], ids=["wrapped", "flat"])
def test_a_bad_request_is_answered_by_the_contract(contract: OpenAPI, make_sandbox: MakeSandbox, option: str) -> None:
    sandbox = make_sandbox(option)
    answer = endpoint(sandbox.base_url, USAGE, sandbox.api_key, json={"granularity": "hour", "group_ids": [0]})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert breach_of_request(contract, answer) is not None
    assert breach(contract, answer) is None


def test_refusals_keep_the_contract(contract: OpenAPI, make_sandbox: MakeSandbox) -> None:
    closed, limited = make_sandbox("--forbidden"), make_sandbox("--per-day=1")
    endpoint(limited.base_url, USAGE, limited.api_key)
    for name in (USAGE, *LISTS):
        refusals = [
            endpoint(closed.base_url, name, key="another"),
            endpoint(closed.base_url, name, closed.api_key),
            endpoint(limited.base_url, name, limited.api_key),
        ]
        assert [one.status_code for one in refusals] == [401, 403, 429]
        assert [breach(contract, one) for one in refusals] == [None, None, None]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "status", "status": 418, "body": {"message": "short and stout"}},
        {"kind": "body", "body": {"data": [{"date": "yesterday", "consumptions": []}]}},
        {"kind": "body", "body": {"data": [{"date": "2026-03-31T00:00:00Z", "consumptions": [{"tool": "Upscaler"}]}]}},
    ],
    ids=["html", "status", "date", "figures"],
)
def test_an_answer_that_breaks_the_contract_is_noticed(
    contract: OpenAPI, sandbox: Sandbox, fault: dict[str, Any]
) -> None:
    sandbox.spoil(fault)
    assert breach(contract, endpoint(sandbox.base_url, USAGE, sandbox.api_key)) is not None


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
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_sandbox_refuses_what_the_contract_does_and_answers_by_it(
    contract: OpenAPI, sandbox: Sandbox, question: dict[str, Any]
) -> None:
    answer = endpoint(sandbox.base_url, USAGE, sandbox.api_key, json=question)
    # That the start comes after the end, no schema can say; dates as text are ordered like the days.
    backwards = str(question.get("start_date", "")) > str(question.get("end_date", "2026-03-31"))
    is_allowed = breach_of_request(contract, answer) is None and not backwards
    assert answer.status_code == (200 if is_allowed else 400)
    assert breach(contract, answer) is None
