"""Test that memory use stays below 256 MiB. The largest allowed bodies are read, and larger ones cause errors."""

import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable

import pytest
from connector_process import Connector, Json, Run
from raw_server import RawServer, raw_server
from warehouse import catalog

from source_magnific_analytics.policy import POLICY


def compressed(pieces: Iterable[bytes]) -> bytes:
    compressor = zlib.compressobj(1, wbits=31)
    body = b"".join(compressor.compress(piece) for piece in pieces) + compressor.flush()
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def measured(command: list[str]) -> tuple[Run, int]:
    """Run a program, and return its output and its peak memory in KiB."""
    with tempfile.NamedTemporaryFile() as stdout:
        # A process inherits its parent's peak memory, so a small process starts the program.
        told = subprocess.run([sys.executable, "-c", MEASURE, stdout.name, *command], capture_output=True, check=True)
        code, peak = map(int, told.stdout.split())
        return Run(code, stdout.read()), peak


def sync(connector: Connector, config: Json, stream: str, server: RawServer) -> tuple[Run, int]:
    config["base_url"] = f"http://127.0.0.1:{server.port}"
    return measured(connector.command("read", config=config, catalog=catalog(stream)))


# A program that adds up two parts of a period. They have no person in common and together reach the row limit.
PARTS = """
from source_magnific_analytics import run
from source_magnific_analytics.policy import POLICY
from source_magnific_analytics.usage import added_up, decode
half = POLICY.most_rows_in_parts // 2
def part(first):
    entry = (
        b'{"user_uses":1,"user_credits":%d,"user_email":"person.%d@harbour-studio.example","project_reference":'
        b'"6f1cde11-2c4e-4b7a-9a9e-%012d","project_name":"Project","group_name":"Group"}'
    )
    entries = b",".join(entry % (n, n, n) for n in range(first, first + half))
    head = b'{"data":[{"date":"2026-01-01","consumptions":[{"tool":"Mystic","user_uses":0,"user_credits":0,'
    return [*decode(bytearray(head + b'"user_usages":[' + entries + b"]}]}]}")).values()]
row_count = added_up(part(0) + part(half), POLICY.most_rows_in_parts).row_count
print(row_count)
"""

MEASURE = """
import resource, subprocess, sys
with open(sys.argv[1], "wb") as stdout:
    code = subprocess.call(sys.argv[2:], stdout=stdout)
# macOS reports bytes, and Linux reports KiB.
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // (1024 if sys.platform == "darwin" else 1))
"""


@pytest.mark.parametrize(
    ("stream", "filling", "words"),
    [
        ("members", bytes(2**20), "more than 4 MiB"),
        ("credit_usage", bytes(2**20), "more than 24 MiB"),
        ("members", b"{}," * 2**18, "more than 200,000 entries"),
        ("credit_usage", b"[]," * 2**18, "more than 200,000 entries"),
    ],
)
def test_no_body_fills_the_memory(connector: Connector, config: Json, stream: str, filling: bytes, words: str) -> None:
    """The body grows from 300 kB to 300 MiB when decompressed, or has too many objects or lists."""
    times = 300 if filling[0] == 0 else {"members": 5, "credit_usage": 30}[stream]
    answer = compressed([b'{"data":[', *[filling] * times, b"{}]}"])
    with raw_server(answer) as server:
        run, peak = sync(connector, config, stream, server)
        name, failure, message = run.errors[0]
        assert (run.code, name, failure) == (1, stream, "system_error")
        assert words in message
        # A list is always requested whole, but ranges of credit usage are halved down to one day.
        assert server.connections == {"members": 1, "credit_usage": 8}[stream]
    assert peak < 256 * 1024


@pytest.mark.parametrize(
    ("entry", "count"),
    [
        # Short entries, almost as many as allowed, with figures such as 1.0, which the connector decodes as 1.
        (b'{"user_uses":1.0,"user_credits":%d.0}', 199_990),
        # Long entries, in which one wide character makes each string take four times as much memory.
        (
            '{"user_uses":1.0,"user_credits":%d,"user_email":"🎨 person.%d@harbour-studio.example","project_reference":'
            '"🎨6f1cde11-2c4e-4b7a-9a9e-%012d","project_name":"🎨 \\ud83d %d","group_name":"🎨 %d"}'.encode(),
            110_000,
        ),
        # Many servers escape slashes and all non-ASCII characters like this.
        (
            b'{"user_uses":1,"user_credits":%d,"user_email":"person.%d@harbour-studio.example","project_reference":'
            b'"6f1cde11-%012d","project_name":"\\u3042\\u3044\\u3046\\/\\/\\ud83d\\ude00 %d",'
            b'"group_name":"\\u6620\\u753b\\/ %d \\ud83d"}',
            95_000,
        ),
    ],
    ids=["figures with a fraction", "strings with wide characters", "escapes"],
)
def test_the_largest_day_fits_into_the_memory(connector: Connector, config: Json, entry: bytes, count: int) -> None:
    day = "2026-03-16"
    config.update(start_date=day, end_date=day, granularity="day")
    head = b'{"data":[{"date":"%b","consumptions":[{"tool":"Mystic","user_uses":0,"user_credits":0,"user_usages":['
    entries = b",".join(entry % ((n,) * entry.count(b"%")) for n in range(count))
    answer = compressed([head % day.encode(), entries, b"]}]}]}"])
    with raw_server(answer) as server:
        run, peak = sync(connector, config, "credit_usage", server)
    assert (run.code, run.stdout.count(b'"type":"RECORD"')) == (0, count)
    assert peak < 256 * 1024


def test_the_largest_period_in_parts_fits_into_the_memory() -> None:
    run, peak = measured([sys.executable, "-c", PARTS])
    assert int(run.stdout) == POLICY.most_rows_in_parts
    assert peak < 256 * 1024
