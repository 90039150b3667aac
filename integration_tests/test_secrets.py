"""The key is in no output, emails are in records alone, and a hostile setting is refused before any connection."""

from __future__ import annotations

import datetime
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from connector_process import Connector, FastConnector, Run
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from raw_server import raw_server
from sandbox_process import USAGE, Sandbox
from warehouse import ALL, catalog

Json = dict[str, Any]
DOMAIN = "@harbour-studio.example"
EMAIL = f"aiko.tanaka{DOMAIN}"
SPOKEN = "the key sandbox-key-that-opens-nothing-else of {email} is wrong"


def status(number: int, body: Any = "", **headers: str) -> Json:
    return {"kind": "status", "status": number, "body": body, "headers": headers}


# Answers that repeat the key or an email, as an echo or as part of the data, next to every kind of failure.
FAILURES: dict[str, Json] = {
    "none": status(200, {"data": []}),
    "400": status(400, {"message": SPOKEN}),
    "400 problem": status(400, {"problem": {"message": SPOKEN, "invalid_params": [{"name": EMAIL, "reason": SPOKEN}]}}),
    "401": status(401, {"message": SPOKEN}),
    "403": status(403, {"message": SPOKEN}),
    "403 HTML": status(403, SPOKEN),
    "404": status(404, {"message": SPOKEN}),
    "429": status(429, {"message": SPOKEN}),
    "429 for long": status(429, {"message": SPOKEN}, **{"Retry-After": "7200"}),
    "429 with an echo": status(429, {"message": SPOKEN}, **{"Retry-After": SPOKEN}),
    "500": status(500, {"message": SPOKEN}),
    "503": status(503, SPOKEN),
    "redirect": {"kind": "redirect", "location": "http://127.0.0.1:1/?k=sandbox-key-that-opens-nothing-else&u={email}"},
    "reset before": {"kind": "reset-before"},
    "reset inside": {"kind": "reset-inside"},
    "cut": {"kind": "cut"},
    "chunked and cut": {"kind": "cut-chunked"},
    "not gzip": {"kind": "bad-gzip"},
    "not UTF-8": {"kind": "bad-utf8"},
    "HTML": {"kind": "html"},
    "a message with 200": {"kind": "body", "body": {"message": SPOKEN}},
    "an email for a figure": {
        "kind": "body",
        "body": {"data": [{"date": EMAIL, "email": [EMAIL], "consumptions": [{"tool": "a", "user_uses": EMAIL}]}]},
    },
    "an email for a key": {"kind": "body", "body": {"data": {EMAIL: EMAIL}}},
}


def check_output(run: Run, key: str) -> None:
    """Fail if the key is anywhere, or an email outside a record."""
    assert key.encode() not in run.stdout + run.stderr
    # A line of a debug log is no Airbyte message, so lines are looked at as text.
    others = [line for line in (run.stdout + run.stderr).decode().splitlines() if '"type":"RECORD"' not in line]
    assert [line for line in others if DOMAIN in line] == []


@pytest.mark.parametrize("loud", ["quiet", "--debug", "LOG_LEVEL"])
@pytest.mark.parametrize("command", ["read", "check"])
@pytest.mark.parametrize("name", FAILURES)
def test_neither_key_nor_email_is_in_any_output(
    fast: FastConnector, sandbox: Sandbox, config: Json, name: str, command: str, loud: str
) -> None:
    sandbox.spoil(json.loads(json.dumps(FAILURES[name]).replace("{email}", EMAIL)))
    options = ["--debug"] if loud == "--debug" else []
    env = {"LOG_LEVEL": "debug" if loud == "LOG_LEVEL" else "info"}
    files = {"config": config} | ({"catalog": ALL} if command == "read" else {})
    run = fast(command, *options, env=env, **files)
    check_output(run, config["api_key"])
    assert sandbox.requests()


@pytest.mark.parametrize(
    ("command", "loud"),
    [("check", "--debug"), ("discover", "--debug"), ("read", "quiet"), ("read", "--debug"), ("read", "LOG_LEVEL")],
)
def test_the_console_script_keeps_the_key_at_any_level_and_out_of_files(
    connector: Connector, sandbox: Sandbox, config: Json, tmp_path: Path, command: str, loud: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "TMPDIR": str(home), "LOG_LEVEL": "debug" if loud == "LOG_LEVEL" else "info"}
    options = ["--debug"] if loud == "--debug" else []
    files = {"config": config} | ({"catalog": ALL} if command == "read" else {})
    sandbox.spoil({"kind": "redirect", "location": sandbox.base_url, "path": USAGE})
    run = connector(command, *options, env=env, **files)
    check_output(run, config["api_key"])
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file.parent != tmp_path]
    assert [file for file in written if config["api_key"].encode() in file.read_bytes()] == []


def test_a_refused_key_is_in_no_output_either(fast: FastConnector, sandbox: Sandbox, config: Json) -> None:
    config["api_key"] = "KEY-of-somebody-else-0123456789"
    for command, files in (("check", {}), ("read", {"catalog": ALL})):
        run = fast(command, "--debug", config=config, **files)
        check_output(run, config["api_key"])
        assert "KEY-of" not in run.stdout.decode()


KEYS = {
    "empty": "",
    "blank": " ",
    "a line break": "key\nX-Evil: 1",
    "a carriage return": "key\r\nHost: evil",
    "a line break at the end": "a-good-key\n",
    "a space at the end": "a-good-key ",
    "a tab": "a\tkey",
    "a null byte": "a\0key",
    "not ASCII": "schlüssel-of-mine",
    "another script": "ключ",
    "a surrogate": "key\ud800",
    "a zero-width space": "a-good-key\u200b",
}
ADDRESSES = [
    "",
    " ",
    "api.magnific.com",
    "http://api.magnific.com",
    "http://169.254.169.254",
    "http://169.254.169.254/latest/meta-data",
    "http://[::ffff:169.254.169.254]",
    "http://0.0.0.0:{port}",
    "http://10.0.0.1",
    "http://[fe80::1]",
    "http://localhost.example.com:{port}",
    "http://127.0.0.1.example.com:{port}",
    "http://user@127.0.0.1:{port}",
    "http://user:secret@127.0.0.1:{port}",
    "http://@127.0.0.1:{port}",
    "https://user:secret@api.magnific.com",
    "https://api.magnific.com@127.0.0.1:{port}",
    "http://127.0.0.1:{port}/v2",
    "http://127.0.0.1:{port}/..",
    "http://127.0.0.1:{port}//",
    "http://127.0.0.1:{port}?a=b",
    "http://127.0.0.1:{port}#a",
    "http://127.0.0.1:{port};a",
    "http://127.0.0.1:{port}\\@evil.example",
    "http://evil.example\\@127.0.0.1:{port}",
    "http://127.0.0.1%00.evil.example:{port}",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:port",
    "http://",
    "http:127.0.0.1:{port}",
    "http:///127.0.0.1:{port}",
    "HTTP://169.254.169.254",
    "file:///etc/passwd",
    "file:",
    "ftp://127.0.0.1:{port}",
    "gopher://127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "javascript:alert(1)",
    "https://",
    "https://api magnific.com",
    "https://äpi.magnific.com",
    # Whoever may edit a source must not be able to send its key elsewhere.
    "https://evil.example",
    "https://magnific.com.evil.example",
    "https://evilmagnific.com",
    "https://api.magnific.com.",
    "https://10.0.0.1",
]
OTHERS: dict[str, Json] = {
    "a start in the future": {"start_date": "2999-01-01"},
    "a start that does not exist": {"start_date": "2026-02-30"},
    "a start after the end": {"start_date": "2026-03-02", "end_date": "2026-03-01"},
    "a start in the year 1": {"start_date": "0001-01-01"},
    "a start with a line break": {"start_date": "2026-01-01\n"},
    "a start in other digits": {"start_date": "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661"},
    "no start": {"start_date": ""},
    "an end that does not exist": {"end_date": "2026-13-01"},
    "an unknown plan": {"plan": "free"},
    "an unknown granularity": {"granularity": "hour"},
    "a negative lookback": {"lookback_window_days": -1},
    "a lookback of a year": {"lookback_window_days": 365},
    "a text for a lookback": {"lookback_window_days": "seven"},
    "a group that is a text": {"group_ids": ["Motion"]},
    "a group of 0": {"group_ids": [0]},
    "a project that is no UUID": {"project_references": ["../../etc"]},
    "an empty key id": {"api_key_ids": [""]},
    "a key that is a number": {"api_key": 9876543210},
    "a key that is a list": {"api_key": ["key"]},
    "an address that is a list": {"base_url": ["https://api.magnific.com"]},
}
HOSTILE = (
    {f"key: {name}": {"api_key": key} for name, key in KEYS.items()}
    | {f"base_url: {address!r}": {"base_url": address} for address in ADDRESSES}
    | OTHERS
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_setting_is_a_config_error_before_any_connection(
    fast: FastConnector, sandbox: Sandbox, config: Json, name: str
) -> None:
    setting = json.dumps(HOSTILE[name]).replace("{port}", sandbox.base_url.rpartition(":")[2])
    given = config | json.loads(setting)
    check = fast("check", config=given)
    read = fast("read", config=given, catalog=ALL)
    assert (check.code, check.connection[0]) == (0, "FAILED")
    assert read.code == 1
    assert read.errors[0][1] == "config_error"
    assert read.of("RECORD") == []
    assert sandbox.count() == 0
    assert read.waits == check.waits == []
    # One sentence, not the dump of an object, and never the key that was given.
    words = check.connection[1]
    assert words
    assert "Traceback" not in words
    key = given["api_key"]
    if isinstance(key, str) and len(key) > 4:
        assert key not in words
        assert key.encode("utf-8", "replace") not in check.stdout + read.stdout


def test_the_console_script_refuses_a_hostile_setting(connector: Connector, sandbox: Sandbox, config: Json) -> None:
    for setting in ({"api_key": "a\r\nb"}, {"base_url": "http://169.254.169.254"}):
        run = connector("check", config=config | setting)
        assert (run.code, run.connection[0], run.stderr) == (0, "FAILED", b"")
    assert sandbox.count() == 0


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.datetime(2020, 1, 1)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), start)
        .not_valid_after(datetime.datetime(2120, 1, 1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"verify": False},
        {"verify_ssl": False},
        {"ssl_verify": False},
        {"insecure": True},
        {"tls": {"verify": False}},
    ],
    ids=str,
)
def test_no_setting_switches_the_verification_of_tls_off(
    fast: FastConnector, config: Json, tmp_path: Path, setting: Json
) -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data":[]}'
    with raw_server(answer, tls=certificate(tmp_path)) as server:
        given = config | {"base_url": f"https://127.0.0.1:{server.port}"} | setting
        run = fast("read", config=given, catalog=catalog("members"))
        assert (run.code, run.errors[0][1]) == (1, "transient_error")
        assert "TLS certificate" in run.errors[0][2]
        assert (server.connections, server.requests) == (4, [])
