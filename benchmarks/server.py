"""A stand-in for the API that costs the client nothing to wait for, in a process of its own: `with api(...)`.

Each day has a set number of usage rows: seven tools with a breakdown by user, of whose entries three in five have a
project, and one without a breakdown. The same bytes in every run, ready before the first request; `streamed` makes them
while they are sent, so that no memory limits an answer.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

TOOLS = (
    "AI Image Models", "Image Editor", "Upscaler", "Video Generator", "Background Remover", "Sound Effects",
    "Icon Generator",
)  # fmt: skip
MEMBERS = [f"member.{number}@harbour-studio.example" for number in range(120)]
PROJECTS = {f"a1b2c3d4-{n:04x}-4000-8000-{n * 2654435761 % 2**48:012x}": f"Campaign {n:02d}" for n in range(40)}
GROUPS = ("Brand Studio", "Campaigns", "Product Engineering", "Motion")
# Coprime to the counts above, so that a tool's rows meet every member and project before two repeat together.
MEMBER_STEP, PROJECT_STEP = 7, 13
# Where a period is longer than a day, what counts is the request.
ROWS_OF_A_LONG_PERIOD = 12


def _usage(seed: int, number: int) -> dict[str, Any]:
    """Entry `number` of a tool's breakdown; member and project together are in it once."""
    lap, member = number // len(MEMBERS), (number * MEMBER_STEP + seed) % len(MEMBERS)
    figures = {"user_uses": 1 + (number * 31 + seed * 17) % 40, "user_credits": 5 * (1 + (number * 101 + seed) % 400)}
    usage = {"user_email": MEMBERS[member], **figures, "group_name": GROUPS[member % len(GROUPS)]}
    if lap or number % 5 < 3:
        reference = list(PROJECTS)[(number * PROJECT_STEP + lap) % len(PROJECTS)]
        usage |= {"project_reference": reference, "project_name": PROJECTS[reference]}
    return usage


def _period(day: date, rows: int) -> bytes:
    consumptions: list[dict[str, Any]] = [{"tool": "Asset Download", "user_uses": 10, "user_credits": 900}]
    for place, tool in enumerate(TOOLS):
        usages = [_usage(day.toordinal() + place, number) for number in range(len(range(place, rows, len(TOOLS))))]
        totals = {name: sum(usage[name] for usage in usages) for name in ("user_uses", "user_credits")}
        consumptions.append({"tool": tool, **totals, "user_usages": usages})
    return _encoded({"date": f"{day}T00:00:00.000Z", "consumptions": consumptions})


def _lists(keys: int) -> dict[str, list[dict[str, Any]]]:
    active = {"status": "active"}
    created = {"created_at": "2015-01-15T10:30:00.000Z"}
    return {
        "team-members": [{"email": email, "role": "member", **active} for email in MEMBERS],
        "team-api-keys": [{"api_key_id": f"k-{n}", "display_name": f"Key {n}", **active, **created} for n in range(keys)],
        "team-groups": [{"group_id": n, "name": name, "member_count": 30} for n, name in enumerate(GROUPS)],
        "team-projects": [{"project_reference": reference, "name": name} for reference, name in PROJECTS.items()],
    }


def _encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class _Api(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, first: date, last: date, rows: int, streamed: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests, self.longest_answer, self.keys = 0, 0, 6
        self.streamed = streamed
        days = (last - first).days + 1
        self._rows = {first + timedelta(number): len(range(number, rows, days)) for number in range(days if rows else 0)}
        self._period = lru_cache(maxsize=0 if streamed else None)(_period)
        for day, count in () if streamed else self._rows.items():
            self._period(day, count)
        self.whole = lru_cache(maxsize=4)(lambda *asked: b"".join(self.pieces(*asked)))

    def pieces(self, granularity: str, first: str, last: str) -> Iterator[bytes]:
        """The answer for the days from `first` to `last`, both inclusive, a period at a time."""
        wanted = [(day, count) for day, count in self._rows.items() if first <= day.isoformat() <= last]
        if granularity != "day":
            wanted = [(date.fromisoformat(first), ROWS_OF_A_LONG_PERIOD)] * bool(wanted)
        yield b'{"data":['
        for number, (day, count) in enumerate(wanted):
            yield b"," * bool(number) + self._period(day, count)
        yield b"]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave as two writes; without this the second waits for the client's delayed ACK.
    disable_nagle_algorithm = True
    server: _Api

    def do_GET(self) -> None:
        address, api = urlsplit(self.path), self.server
        if address.path != "/benchmark":
            api.requests += 1
            self._send(_encoded({"data": _lists(api.keys)[address.path.rpartition("/")[2]]}))
            return
        manner = {name: int(value) for name, (value,) in parse_qs(address.query).items()}
        api.longest_answer, api.keys = manner["longest_answer"], manner["keys"]
        self._send(str(api.requests).encode())
        api.requests = 0

    def do_POST(self) -> None:
        api = self.server
        api.requests += 1
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wanted = asked["granularity"], asked["start_date"], asked["end_date"]
        first, last = map(date.fromisoformat, wanted[1:])
        if 0 < api.longest_answer <= (last - first).days:
            self._send(b"", 504)
        elif not api.streamed:
            self._send(api.whole(*wanted))
        else:
            self._head(200, "Transfer-Encoding", "chunked")
            for piece in api.pieces(*wanted):
                self._write(b"%x\r\n%b\r\n" % (len(piece), piece))
                if self.close_connection:
                    return
            self._write(b"0\r\n\r\n")

    def _head(self, status: int, name: str, value: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header(name, value)
        self.end_headers()

    def _send(self, body: bytes, status: int = 200) -> None:
        self._head(status, "Content-Length", str(len(body)))
        self._write(body)

    def _write(self, sent: bytes) -> None:
        try:
            self.wfile.write(sent)
        except ConnectionError:
            # The client hangs up on what is too large for it.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line for each request would be work that the real API does not cause here."""


def _serve(port: Connection, first: date, last: date, rows: int, streamed: bool) -> None:
    server = _Api(first, last, rows, streamed)
    Thread(target=server.serve_forever, daemon=True).start()
    port.send(server.server_port)
    with suppress(EOFError):
        port.recv()


@contextmanager
def api(first: date, last: date, rows: int, *, streamed: bool = False) -> Iterator[str]:
    """The base URL of a running server with `rows` usage rows from `first` to `last`, both inclusive."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(there, first, last, rows, streamed), daemon=True)
    process.start()
    there.close()
    with here:
        yield f"http://127.0.0.1:{here.recv()}"
    process.join()


def asked(base_url: str, *, longest_answer: int = 0, keys: int = 6) -> int:
    """How many requests the server has seen since the last call, which do not count.

    From now on the team has so many API keys, and a range of more than `longest_answer` days is too much: 504. 0 is no
    limit.
    """
    with urlopen(f"{base_url}/benchmark?longest_answer={longest_answer}&keys={keys}") as answer:
        return int(answer.read())
