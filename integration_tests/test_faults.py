"""Test faults on a real connection: the log names each fault, and the sync survives it or ends with a clear error.

How the connector handles each fault is tested in unit_tests/test_failures.py and test_long_ranges.py.
"""

import socket
from dataclasses import replace

import pytest
from connector_process import Json, Run, read_here
from raw_server import raw_server
from sandbox_process import USAGE, Sandbox
from warehouse import USAGE_ALONE, Warehouse, catalog

from source_magnific_analytics.policy import POLICY

MEMBERS = catalog("members")
# Maps quirks of the sandbox to words that the log must contain.
FAULTS: dict[str, str] = {
    "bad-utf8": "an invalid response",
    "reset-before": "a dropped connection",
    "reset-inside": "an incomplete response",
    "cut": "an incomplete response",
    "cut-chunked": "an incomplete response",
    "empty": "not complete JSON",
    "html": "not complete JSON",
    "bad-gzip": "a response that cannot be decompressed",
    "silence": "no complete response in time",
}
# Some responses include `Connection: close`, because the next try could otherwise reuse the connection and fail.
NOT_HTTP = {
    "nothing": b"",
    "another protocol": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "a header that never ends": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000,
    "a thousand headers": b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 1_000 + b"\r\n",
    "a length that is not a number": b"HTTP/1.1 200 OK\r\nContent-Length: long\r\n\r\n",
    "an invalid chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "an unknown encoding": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: zstd\r\n\r\n{}",
    "a status that is not a number": b"HTTP/1.1 OK\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "bytes that are not text": bytes(range(256)) * 4,
}
NOWHERE = [b"http://[", b"http://127.0.0.1:99999/", b"//", b"\xff\xfe", b"file:///etc/passwd", b"/v1/elsewhere"]


def read_from(port: int, config: Json) -> Run:
    return read_here({**config, "base_url": f"http://127.0.0.1:{port}"}, MEMBERS)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_survived_and_the_table_is_exact(
    sandbox: Sandbox, config: Json, warehouse: Warehouse, waits: list[float], kind: str
) -> None:
    sandbox.spoil({"kind": kind, "at": 2})
    run = read_here(config, USAGE_ALONE, policy=replace(POLICY, read_timeout=1))
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.errors) == (0, [])
    assert FAULTS[kind] in run.log
    assert len(waits) == (kind != "silence"), "after a time-out, the range is halved without a wait"


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_is_a_transient_error(config: Json, waits: list[float], name: str) -> None:
    with raw_server(NOT_HTTP[name]) as server:
        run = read_from(server.port, config)
        assert (waits, server.connections) == ([5, 10, 20], 4)
    assert run.errors[0][:2] == ("members", "transient_error")
    assert run.records("members") == []


@pytest.mark.parametrize("location", NOWHERE)
def test_a_redirect_is_refused_wherever_it_leads(config: Json, location: bytes) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with raw_server(answer) as server:
        stream, failure, message = read_from(server.port, config).errors[0]
        assert (stream, failure, server.connections) == ("members", "system_error", 1)
    assert "redirect" in message


def test_a_body_that_drips_is_given_up(sandbox: Sandbox, config: Json, warehouse: Warehouse) -> None:
    """Occasional bytes keep the connection from timing out, but the whole body has its own time-out."""
    sandbox.spoil(kind="trickle", seconds=0.2, path=USAGE, times=1)
    run = read_here(config, USAGE_ALONE, policy=replace(POLICY, body_timeout=2.0))
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert "no complete response in time" in run.log


def test_where_nobody_listens_it_is_a_transient_error(config: Json, waits: list[float]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        run = read_from(nobody.getsockname()[1], config)
    assert run.errors[0][:2] == ("members", "transient_error")
    assert "does not accept connections" in run.errors[0][2]
    assert len(waits) == 3
