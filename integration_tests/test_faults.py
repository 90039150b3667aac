"""Every fault at every place: one is survived, one that stays ends the sync, and nothing is lost either way."""

from __future__ import annotations

from typing import Any

import pytest
from connector_process import Connector, FastConnector, Run
from raw_server import raw_server
from sandbox_process import LISTS, USAGE, Sandbox
from warehouse import ALL, USAGE_ALONE, Warehouse, catalog

# Two lists and three windows.
STREAMS = catalog("members", "projects", "credit_usage")
PLACES = range(1, 6)
FIRST_WINDOW = 3
SAVED = {3: None, 4: "2025-07-31", 5: "2025-12-31"}
"""The last finished window where the request of this number fails."""

MEMBERS = LISTS[0]
REFUSED = {"kind": "refused"}

# What comes back, and how the log and the error must call it.
Fault = tuple[dict[str, Any], str]
# These say nothing about the range: the same request is tried again.
FAULTS: dict[str, Fault] = {
    "a byte that is not UTF-8": ({"kind": "bad_utf8"}, "what the API promises"),
    "204": ({"kind": "status", "status": 204}, "HTTP 204"),
    "425": ({"kind": "status", "status": 425}, "HTTP 425"),
}
# These may be a bad moment or a range that is too much: the same request once more, then half of it.
PERHAPS_TOO_MUCH: dict[str, Fault] = {
    "500": ({"kind": "status", "status": 500, "body": {"message": "Oops"}}, "HTTP 500"),
    "502": ({"kind": "status", "status": 502, "body": "<html>Bad gateway</html>"}, "HTTP 502"),
    "503": ({"kind": "status", "status": 503}, "HTTP 503"),
    "503 with Retry-After": ({"kind": "status", "status": 503, "headers": {"Retry-After": "40"}}, "HTTP 503"),
    "599": ({"kind": "status", "status": 599}, "HTTP 599"),
    "connection refused": (REFUSED, "no connection"),
    "reset before the answer": ({"kind": "reset_before"}, "a connection that broke"),
    "reset inside the body": ({"kind": "reset_inside"}, "broke"),
    "body cut short": ({"kind": "cut"}, "broke off"),
    "chunked body cut short": ({"kind": "cut_chunked"}, "broke off"),
    "empty body": ({"kind": "empty"}, "not complete JSON"),
    "HTML": ({"kind": "html"}, "not complete JSON"),
    "gzip that is none": ({"kind": "bad_gzip"}, "decompress"),
}
# These are a range that is too much: half of it at once.
TOO_MUCH: dict[str, Fault] = {
    "408": ({"kind": "status", "status": 408}, "HTTP 408"),
    "413": ({"kind": "status", "status": 413}, "HTTP 413"),
    "504": ({"kind": "status", "status": 504}, "HTTP 504"),
    "no answer": ({"kind": "silence"}, "no complete answer in time"),
}
# A list has no smaller half: there all of them are tried again.
ALL_FAULTS = FAULTS | PERHAPS_TOO_MUCH | TOO_MUCH
# Before the tries of one request.
WAITS = [5.0, 10.0, 20.0]
MOST_TRIES = 10
"""Of all requests of a sync together."""


def sync(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], fault: dict[str, Any], place: int, times: int
) -> Run:
    """A first sync whose requests from number `place` on meet the fault, `times` of them."""
    how: dict[str, Any] = {}
    if fault is REFUSED:
        how["refused"] = (place, place + times - 1)
    else:
        sandbox.spoil({**fault, "at": place, "times": times})
    return fast("read", config=config, catalog=STREAMS, how=how)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ALL_FAULTS)
def test_a_single_fault_is_survived(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse, name: str, place: int
) -> None:
    fault, words = ALL_FAULTS[name]
    run = sync(fast, sandbox, config, fault, place, times=1)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.errors, len(warehouse.tables["members"])) == (0, [], 14)
    assert words in run.log
    asked = len(sandbox.requests()) + (fault is REFUSED)
    assert f"used {asked} of the day's 100 API requests" in run.log
    if name in TOO_MUCH and place >= FIRST_WINDOW:
        assert run.waits == [0.0]
        assert "asking for" in run.log
        # The failed one and, in the worst case, both halves and a rest.
        assert asked <= 5 + 3
    else:
        assert run.waits == [40.0 if "Retry-After" in name else 5.0]
        assert asked == 6


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ALL_FAULTS)
def test_a_fault_that_stays_ends_its_stream_and_loses_nothing(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse, name: str, place: int
) -> None:
    fault, words = ALL_FAULTS[name]
    halved = place >= FIRST_WINDOW and name not in FAULTS
    run = sync(fast, sandbox, config, fault, place, times=1 + (MOST_TRIES if halved else len(WAITS)))
    warehouse.load(run.stdout)
    failed = {1: "members", 2: "projects"}.get(place, "credit_usage")
    stream, failure, message = run.errors[0]
    assert (run.code, stream, failure) == (1, failed, "transient_error")
    assert words in message
    assert f"tried {1 + len(run.waits)} times in a row" in message
    if halved:
        # Down to a single day, which is tried four times like anything that has no half.
        assert len(WAITS) < len(run.waits) <= MOST_TRIES
    else:
        assert run.waits == ([40.0] * 3 if "Retry-After" in name else WAITS)
    assert {name for name, status in run.statuses.items() if status == "INCOMPLETE"} == {failed}

    if failed == "credit_usage":
        saved = SAVED[place]
        assert (warehouse.usage_state["date"] if "credit_usage" in warehouse.states else None) == saved
        if saved:
            assert f"saved through {saved}" in message
            warehouse.check(sandbox, config | {"end_date": saved})
    else:
        warehouse.check(sandbox, config)
    sandbox.heal()
    sandbox.requests()
    healed = fast("read", config=config, catalog=STREAMS, state=warehouse.state)
    warehouse.load(healed.stdout)
    warehouse.check(sandbox, config)
    assert (healed.code, len(warehouse.tables["members"]), len(warehouse.tables["projects"])) == (0, 14, 6)
    # What was an outage teaches no length: the next sync begins with whole windows.
    assert len(sandbox.requests()) <= 5


@pytest.mark.parametrize("fault", [FAULTS["204"], PERHAPS_TOO_MUCH["503"], TOO_MUCH["504"]], ids=["204", "503", "504"])
@pytest.mark.parametrize("place", PLACES)
def test_an_outage_from_some_request_on_ends_in_bounded_time(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse, place: int, fault: Fault
) -> None:
    """At most 10 tries more than an undisturbed sync: some minutes of waiting and 15 read time-outs, 33 minutes."""
    sandbox.spoil({**fault[0], "at": place, "times": 1000})
    run = fast("read", config=config, catalog=ALL)
    asked = sandbox.requests()
    assert run.code == 1
    assert {failure for stream, failure, _ in run.errors if stream} == {"transient_error"}
    assert len(run.waits) <= MOST_TRIES
    assert sum(run.waits) <= 180
    assert len(asked) <= 7 + MOST_TRIES
    assert f"used {len(asked)} of the day's 100" in run.log
    sandbox.heal()
    warehouse.load(run.stdout)
    warehouse.load(fast("read", config=config, catalog=ALL, state=warehouse.state).stdout)
    warehouse.check(sandbox, config)


def test_faults_scattered_over_a_long_sync_are_bounded_too(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse
) -> None:
    config |= {"start_date": "2023-01-01", "lookback_window_days": 0}
    sandbox.spoil(*({"kind": "html", "at": place} for place in range(1, 100, 2)))
    run = fast("read", config=config, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    assert (run.code, len(run.waits)) == (0, 8)
    warehouse.check(sandbox, config)


@pytest.mark.parametrize("location", ["{base_url}/elsewhere", "/v1/analytics/team-members", ""])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_key_goes_nowhere(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse, status: int, location: str
) -> None:
    target = location.replace("{base_url}", sandbox.base_url)
    sandbox.spoil(kind="redirect", status=status, location=target, at=4)
    run = fast("read", config=config, catalog=STREAMS)
    warehouse.load(run.stdout)
    stream, failure, message = run.errors[0]
    assert (run.code, stream, failure) == (1, "credit_usage", "system_error")
    assert "redirect" in message
    assert f"HTTP {status}" in message
    assert len(sandbox.requests()) == 4
    sandbox.heal()
    warehouse.load(fast("read", config=config, catalog=STREAMS, state=warehouse.state).stdout)
    warehouse.check(sandbox, config)


@pytest.mark.parametrize(
    "location", [b"http://[", b"http://127.0.0.1:99999/", b"//", b"\xff\xfe", b"file:///etc/passwd"]
)
def test_a_redirect_to_nonsense_is_refused_too(fast: FastConnector, config: dict[str, Any], location: bytes) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with raw_server(answer) as server:
        config["base_url"] = f"http://127.0.0.1:{server.port}"
        run = fast("read", config=config, catalog=catalog("members"))
        stream, failure, message = run.errors[0]
        assert (run.code, stream, failure, server.connections) == (1, "members", "system_error", 1)
        assert "redirect" in message


NOT_HTTP = {
    "nothing": b"",
    "another protocol": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000,
    "a thousand headers": b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 1_000 + b"\r\n",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: long\r\n\r\n",
    "a chunk that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "an unknown encoding": b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 2\r\n\r\n{}",
    "a status that is no number": b"HTTP/1.1 OK\r\n\r\n",
    "bytes that are no text": bytes(range(256)) * 4,
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_is_a_transient_error(fast: FastConnector, config: dict[str, Any], name: str) -> None:
    with raw_server(NOT_HTTP[name]) as server:
        config["base_url"] = f"http://127.0.0.1:{server.port}"
        run = fast("read", config=config, catalog=catalog("members", "groups"))
        assert (run.code, run.waits) == (1, [*WAITS, *WAITS])
        assert [error[:2] for error in run.errors[:2]] == [
            ("members", "transient_error"),
            ("groups", "transient_error"),
        ]
        assert server.connections == 8
        assert run.records("members") == []


def test_a_body_that_drips_is_given_up(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse
) -> None:
    """A byte now and then keeps a connection from timing out; the whole body has a time-out of its own."""
    sandbox.spoil(kind="trickle", seconds=0.2, path=MEMBERS, times=1)
    run = fast("read", config=config, catalog=STREAMS, how={"longest_body": 5.0})
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.waits) == (0, [5.0])


def test_check_during_an_outage_is_a_transient_error_and_not_a_wrong_setting(
    fast: FastConnector, sandbox: Sandbox, config: dict[str, Any]
) -> None:
    run = fast("check", config=config, how={"refused": (1, 99)})
    assert run.code == 1
    assert run.of("CONNECTION_STATUS") == []
    assert run.errors[0][1] == "transient_error"
    assert "no connection" in run.errors[0][2]
    assert sandbox.count() == 0


def test_the_console_script_survives_a_fault_in_a_window(
    connector: Connector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse
) -> None:
    sandbox.spoil({"kind": "cut", "at": 2, "path": USAGE})
    run = connector("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.stderr) == (0, b"")
    assert len(sandbox.requests()) == 8
