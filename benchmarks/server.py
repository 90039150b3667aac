"""A stand-in for the API that runs in its own process and responds without delay. Use it as `with api(...)`.

Each day has a fixed number of usage rows. Seven tools have a breakdown by user, in which three in five entries have a
project; one tool has no breakdown. Every run sends the same bytes. By default, responses are prepared before the
first request; if `streamed` is set, each is generated while it is sent, so that it can be larger than memory.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any
from urllib.request import urlopen

TOOLS = [f"Tool {number}" for number in range(7)]
MEMBERS = [f"member.{number}@harbour-studio.example" for number in range(120)]
PROJECTS = {f"a1b2c3d4-{n:04x}-4000-8000-{n * 2654435761 % 2**48:012x}": f"Campaign {n:02d}" for n in range(40)}
GROUPS = ("Brand Studio", "Campaigns", "Product Engineering", "Motion")
LISTS: dict[str, list[dict[str, Any]]] = {
    "team-members": [{"email": email, "role": "member", "status": "active"} for email in MEMBERS],
    "team-api-keys": [{"api_key_id": "k-1", "created_at": "2015-01-15T10:30:00.000Z"}],
    "team-groups": [{"group_id": number, "name": name} for number, name in enumerate(GROUPS)],
    "team-projects": [{"project_reference": reference, "name": name} for reference, name in PROJECTS.items()],
}
# These steps are coprime to the counts above, so no pair of member and project repeats before all pairs are used.
MEMBER_STEP, PROJECT_STEP = 7, 13
# Benchmarks by week, month or year only count requests, so a few rows are enough.
ROWS_OF_A_LONG_PERIOD = 12


def _usage(seed: int, number: int) -> dict[str, Any]:
    """Return entry `number` of a tool's breakdown, with a unique pair of member and project."""
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


def _encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class _Api(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, first: date, last: date, rows: int, streamed: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests = 0
        self.streamed = streamed
        days = [first + timedelta(number) for number in range((last - first).days + 1)]
        self._rows = {day: len(range(number, rows, len(days))) for number, day in enumerate(days) if rows}
        self._period = lru_cache(maxsize=0 if streamed else None)(_period)
        self.whole = lru_cache(maxsize=4)(lambda *asked: b"".join(self.pieces(*asked)))
        if not streamed:
            self.whole("day", str(first), str(last))

    def pieces(self, granularity: str, first: str, last: str) -> Iterator[bytes]:
        """Yield the response for the days from `first` to `last`, both inclusive, one period at a time."""
        wanted = [(day, count) for day, count in self._rows.items() if first <= day.isoformat() <= last]
        if granularity != "day":
            wanted = [(date.fromisoformat(first), ROWS_OF_A_LONG_PERIOD)] * bool(wanted)
        yield b'{"data":['
        for number, (day, count) in enumerate(wanted):
            yield b"," * bool(number) + self._period(day, count)
        yield b"]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are written separately; without this setting, the body would wait for the client's delayed ACK.
    disable_nagle_algorithm = True
    server: _Api

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if name == "requests":
            self._send([str(self.server.requests).encode()])
            self.server.requests = 0
        else:
            self.server.requests += 1
            self._send([_encoded({"data": LISTS[name]})])

    def do_POST(self) -> None:
        self.server.requests += 1
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wanted = asked["granularity"], asked["start_date"], asked["end_date"]
        self._send(self.server.pieces(*wanted) if self.server.streamed else [self.server.whole(*wanted)])

    def _send(self, pieces: Iterable[bytes]) -> None:
        """Send a response. A streamed response ends when the connection closes; the client might close it early."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if isinstance(pieces, list):
            self.send_header("Content-Length", str(len(pieces[0])))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.writelines(pieces)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: unlike the real API's log, this one would take CPU time on this machine."""


def _serve(port: Connection, first: date, last: date, rows: int, streamed: bool) -> None:
    server = _Api(first, last, rows, streamed)
    Thread(target=server.serve_forever, daemon=True).start()
    port.send(server.server_port)
    with suppress(EOFError):
        port.recv()


@contextmanager
def api(first: date, last: date, rows: int, *, streamed: bool = False) -> Iterator[str]:
    """Serve a total of `rows` usage rows from `first` to `last` (inclusive), and yield the server's base URL."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(there, first, last, rows, streamed), daemon=True)
    process.start()
    there.close()
    with here:
        yield f"http://127.0.0.1:{here.recv()}"  # ignore-https-check
    process.join()


def asked(base_url: str) -> int:
    """Return the number of data requests that the server has received since the previous call."""
    with urlopen(f"{base_url}/requests") as answer:
        return int(answer.read())
