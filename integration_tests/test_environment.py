"""Run the console script with unusual encodings, proxies and time zones, and read its output while it runs."""

import json
import subprocess

import pytest
from connector_process import Connector, Json
from raw_server import raw_server
from sandbox_process import Sandbox
from warehouse import USAGE_ALONE

CONFIG = {"api_key": "fpk-environment", "start_date": "2026-03-01", "end_date": "2026-03-31"}
DEAD_PROXY = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_output_is_utf_8_in_any_locale_and_loopback_needs_no_proxy(encoding: str, connector: Connector) -> None:
    used = {"tool": "✓ 大", "user_uses": 1, "user_credits": 5}
    body = json.dumps({"data": [{"date": "2026-03-02T00:00:00Z", "consumptions": [used]}]}, ensure_ascii=False).encode()
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with raw_server(head % len(body) + body) as server:
        config = CONFIG | {"base_url": f"http://127.0.0.1:{server.port}"}
        env = {"PYTHONIOENCODING": encoding, "LC_ALL": "C", **DEAD_PROXY}
        run = connector("read", config=config, catalog=USAGE_ALONE, env=env)
        assert b"x-magnific-api-key: fpk-environment" in server.requests[0]
    assert (run.code, [row["tool"] for row in run.records("credit_usage")]) == (0, [used["tool"]])


def test_an_invalid_proxy_address_fails_the_check(connector: Connector) -> None:
    status, message = connector("check", config=CONFIG, env={"HTTPS_PROXY": "garbage://:x"}).connection
    assert status == "FAILED"
    assert "No request can be sent with this machine's proxy setting" in message


def test_a_time_zone_that_does_not_exist_changes_nothing(connector: Connector, config: Json) -> None:
    assert connector("check", config=config, env={"TZ": "Not/A/Zone"}).connection[0] == "SUCCEEDED"


def test_a_window_can_be_read_while_the_next_is_awaited(sandbox: Sandbox, connector: Connector, config: Json) -> None:
    sandbox.spoil(kind="silence", at=2)
    command = connector.command("read", config=config, catalog=USAGE_ALONE)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        saved = None
        # The second response never arrives, so the first window's output cannot have waited for it.
        while saved is None:
            message = json.loads(process.stdout.readline())
            if message["type"] == "STATE":
                saved = message["state"]["stream"]["stream_state"]["date"]
        assert saved == "2025-07-31"
        assert process.poll() is None
        process.kill()
