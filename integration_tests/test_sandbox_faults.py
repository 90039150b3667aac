"""The sandbox's mistakes, on demand and as a matter of course."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from patience import HUNG
from sandbox_in_process import KEY, MEMBERS, TODAY, USAGE, sandbox
from sandbox_process import Sandbox

from sandbox import Options, running
from sandbox.faults import TOO_LONG


@pytest.fixture()
def served() -> Iterator[str]:
    with running(Options(today=TODAY)) as base_url:
        yield base_url


def spoil(base_url: str, **fault: Any) -> None:
    requests.post(f"{base_url}/_sandbox/faults", json=[{"at": 1, **fault}], timeout=HUNG).raise_for_status()


def members(base_url: str, **options: Any) -> requests.Response:
    return requests.get(base_url + MEMBERS, headers=KEY, timeout=HUNG, **options)


@pytest.mark.parametrize("kind", ["reset_before", "reset_inside", "cut", "cut_chunked", "bad_gzip"])
def test_a_broken_answer_cannot_be_read_and_the_next_one_can(served: str, kind: str) -> None:
    spoil(served, kind=kind)
    with pytest.raises(requests.RequestException):
        members(served)
    assert len(members(served).json()["data"]) == 14


def test_other_faults_answer_what_they_were_told(served: str) -> None:
    spoil(served, kind="status", status=503, body={"message": "later"}, headers={"Retry-After": "7"})
    told = members(served)
    assert (told.status_code, told.headers["Retry-After"], told.json()) == (503, "7", {"message": "later"})
    spoil(served, kind="empty")
    assert members(served).content == b""
    spoil(served, kind="html")
    assert "text/html" in members(served).headers["Content-Type"]
    spoil(served, kind="bad_utf8")
    with pytest.raises(UnicodeDecodeError):
        members(served).content.decode()
    spoil(served, kind="redirect", location="http://127.0.0.1:9/elsewhere")
    assert members(served, allow_redirects=False).headers["Location"] == "http://127.0.0.1:9/elsewhere"
    spoil(served, kind="body", body={"data": [{"email": None}]})
    assert members(served).json() == {"data": [{"email": None}]}
    spoil(served, kind="late", seconds=0.2)
    assert members(served).elapsed.total_seconds() >= 0.2
    spoil(served, kind="trickle", seconds=0.0001)
    assert len(members(served).json()["data"]) == 14
    assert (
        requests.post(f"{served}/_sandbox/faults", json=[{"at": 1, "kind": "cut", "x": 1}], timeout=HUNG).status_code
        == 400
    )


def test_a_fault_strikes_the_request_it_names(served: str) -> None:
    spoil(served, kind="status", status=500, at=2, times=2, path="team-members")
    requests.get(f"{served}/v1/analytics/team-groups", headers=KEY, timeout=HUNG)
    assert [members(served).status_code for _ in range(4)] == [200, 500, 500, 200]
    spoil(served, kind="status", status=500, at="every")
    assert [members(served).status_code for _ in range(3)] == [500, 500, 500]
    requests.delete(f"{served}/_sandbox/faults", timeout=HUNG)
    assert members(served).status_code == 200


THIRTY = {"start_date": "2026-03-02", "end_date": "2026-03-31"}
THIRTY_ONE = {"start_date": "2026-03-01", "end_date": "2026-03-31"}


def usage(base_url: str, question: dict[str, Any], timeout: float = HUNG) -> requests.Response:
    return requests.post(base_url + USAGE, headers=KEY, json=question, timeout=(HUNG, timeout))


@pytest.mark.parametrize("kind", [kind for kind in TOO_LONG if kind.isdecimal()])
def test_a_range_that_is_too_much_for_the_server_gets_its_status_always(kind: str) -> None:
    client = sandbox(longest_answer=30, too_long=kind)
    client.delete("/_sandbox/faults")
    statuses = [
        client.post(USAGE, headers=KEY, json=question).status_code for question in (THIRTY_ONE, THIRTY, THIRTY_ONE, {})
    ]
    assert statuses == [int(kind), 200, int(kind), 200]
    assert client.get(MEMBERS, headers=KEY).status_code == 200


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("drop", requests.ConnectionError),
        ("cut", requests.exceptions.ChunkedEncodingError),
        ("silence", requests.ReadTimeout),
    ],
)
def test_or_no_answer_that_can_be_read(kind: str, error: type[Exception]) -> None:
    with running(Options(today=TODAY, longest_answer=30, too_long=kind)) as base_url:
        for _ in range(2):
            with pytest.raises(error):
                usage(base_url, THIRTY_ONE, timeout=0.2 if kind == "silence" else HUNG)
            assert usage(base_url, THIRTY).status_code == 200


def test_what_the_server_refuses_anyway_it_refuses_at_once() -> None:
    client = sandbox(longest_answer=30, per_day=1)
    assert client.post(USAGE, headers={"x-magnific-api-key": "another"}, json=THIRTY_ONE).status_code == 401
    assert client.post(USAGE, headers=KEY, json={"start_date": "2025-01-01"}).status_code == 400
    assert client.post(USAGE, headers=KEY, json=THIRTY_ONE).status_code == 429


def test_a_fault_of_long_ranges_counts_the_long_ranges_alone() -> None:
    client = sandbox()
    fault = {"kind": "status", "status": 504, "at": 2, "longer_than": 30}
    assert client.post("/_sandbox/faults", json=[fault]).status_code == 200
    asked = (THIRTY_ONE, THIRTY, {"granularity": "year"}, THIRTY_ONE, THIRTY_ONE)
    statuses = [client.post(USAGE, headers=KEY, json=question).status_code for question in asked]
    assert statuses == [200, 200, 200, 504, 200]
    assert client.post("/_sandbox/faults", json=[{**fault, "longer_than": 0}]).status_code == 400


def test_the_command_ends_although_somebody_waits_for_an_answer() -> None:
    silent = Sandbox("--longest-answer=30", "--too-long=silence", f"--today={TODAY}")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(usage, silent.base_url, THIRTY_ONE, timeout=HUNG)
        silent.wait_for_requests(1)
        silent.stop()
        assert isinstance(waiting.exception(), requests.ConnectionError)
