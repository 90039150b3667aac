"""Check that no output or file contains the key, that only records contain emails, and that TLS is always verified.

In unit_tests, test_privacy.py and test_config.py cover other responses and settings.
"""

import ssl
import subprocess
import time
from pathlib import Path

import pytest
from connector_process import Connector, Json, read_here
from raw_server import raw_server
from sandbox_process import LISTS, USAGE, Sandbox
from warehouse import ALL, catalog

DOMAIN = "@harbour-studio.example"
EMAIL = f"aiko.tanaka{DOMAIN}"


@pytest.mark.parametrize(
    ("command", "loud"), [("check", "--debug"), ("discover", "--debug"), ("read", "--debug"), ("read", "LOG_LEVEL")]
)
def test_the_key_is_in_no_output_at_any_level_and_in_no_file(
    connector: Connector, sandbox: Sandbox, config: Json, tmp_path: Path, command: str, loud: str
) -> None:
    """An error's body and a header contain the key and an email. A `read` gets the error only after one window."""
    spoken = f"the key {sandbox.api_key} of {EMAIL} is wrong"
    body = {"problem": {"message": spoken, "invalid_params": [{"name": EMAIL, "reason": spoken}]}}
    refusal = {"kind": "status", "status": 400, "body": body, "path": USAGE, "at": 1 + (command == "read")}
    echo = {"kind": "status", "status": 200, "body": {"data": []}, "headers": {"X-Echo": spoken}, "path": LISTS[0]}
    sandbox.spoil(refusal, echo)
    (home := tmp_path / "home").mkdir()
    env = {"HOME": str(home), "TMPDIR": str(home), "LOG_LEVEL": "debug" if loud == "LOG_LEVEL" else "info"}
    files = {"config": config} | ({"catalog": ALL} if command == "read" else {})
    run = connector(command, *([loud] if loud == "--debug" else []), env=env, **files)
    output = run.stdout + run.stderr
    assert (run.code, b"CONNECTION_STATUS" in output) == (command == "read", command == "check")
    assert sandbox.api_key.encode() not in output
    # The lines of a debug log are not Airbyte messages, so check every line as plain text.
    are_records = {'"type":"RECORD"' in line for line in output.decode().splitlines() if DOMAIN in line}
    assert are_records == ({True} if command == "read" else set())
    assert command == "discover" or "[email]" in output.decode()
    assert [file for file in home.rglob("*") if file.is_file()] == []


def certificate(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS context with a self-signed certificate for 127.0.0.1."""
    key, file = folder / "key.pem", folder / "server.pem"
    options = ["-x509", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", file]
    subprocess.run(["openssl", "req", "-newkey", "rsa:2048", *options], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return context


@pytest.mark.parametrize("setting", [{}, dict.fromkeys(("verify", "verify_ssl", "ssl_verify"), False)])
def test_no_setting_switches_the_verification_of_tls_off(
    config: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: Json
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data":[]}'
    with raw_server(answer, tls=certificate(tmp_path)) as server:
        run = read_here(config | {"base_url": f"https://127.0.0.1:{server.port}"} | setting, catalog("members"))
        assert (server.connections, server.requests) == (4, [])
    assert run.errors[0][1] == "transient_error"
    assert "TLS certificate" in run.errors[0][2]
