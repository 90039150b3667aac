"""A stand-in for the API that costs nothing: bodies are made before the first request and sent from memory.

`python -m benchmarks.server --first DAY --last DAY --rows N` prints its port and serves until standard input closes.
With `--day-by-day` an answer is made while it is sent, so that no memory limits its size. `api(...)` starts it as a
process of its own, so that its work is in nobody's figures.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from benchmarks import answers

# Where a granularity other than day is asked for, what counts is the request: the answer is one small period.
COARSE_ROWS = 12


class Api(ThreadingHTTPServer):
    """Serves usage for any range of days from `first` to `last`, and the four lists; counts what it was asked."""

    daemon_threads = True

    def __init__(self, first: date, last: date, rows: int, *, day_by_day: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = 0
        self.longest_answer = 0
        self.lists = answers.lists()
        self.day_by_day = day_by_day
        self._rows = answers.rows_by_day(first, last, rows)
        self._period = lru_cache(maxsize=0 if day_by_day else None)(answers.period)
        for day, count in () if day_by_day else self._rows.items():
            self._period(day, count)
        self.whole = lru_cache(maxsize=4)(lambda *asked: b"".join(self.pieces(*asked)))

    def pieces(self, granularity: str, first: str, last: str) -> Iterator[bytes]:
        """The answer for the days from `first` to `last`, both inclusive, a period at a time."""
        wanted = [(day, count) for day, count in self._rows.items() if first <= day.isoformat() <= last]
        if granularity != "day":
            wanted = [(date.fromisoformat(first), COARSE_ROWS)] * bool(wanted)
        yield b'{"data":['
        for number, (day, count) in enumerate(wanted):
            yield (b"," if number else b"") + self._period(day, count)
        yield b"]}"


class Handler(BaseHTTPRequestHandler):
    """The API, and GET /requests, which tells how many requests came since it was last asked.

    After GET /longest-answer/N a range of more than N days is too much: 504. N is 0 for no limit. After GET /keys/N
    the team has N API keys.
    """

    protocol_version = "HTTP/1.1"
    # Headers and body leave as two writes; without this the second waits for the client's delayed ACK.
    disable_nagle_algorithm = True
    server: Api

    def do_GET(self) -> None:
        *_, before, name = self.path.split("/")
        if name == "requests":
            self._send(str(self.server.requests).encode())
            self.server.requests = 0
        elif before == "longest-answer":
            self.server.longest_answer = int(name)
            self._send(b"")
        elif before == "keys":
            self.server.lists = answers.lists(int(name))
            self._send(b"")
        else:
            self.server.requests += 1
            self._send(self.server.lists[name])

    def do_POST(self) -> None:
        self.server.requests += 1
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        range_ = asked["start_date"], asked["end_date"]
        first, last = map(date.fromisoformat, range_)
        if 0 < self.server.longest_answer < (last - first).days + 1:
            self._send(b"", 504)
        elif self.server.day_by_day:
            self._stream(self.server.pieces(asked["granularity"], *range_))
        else:
            self._send(self.server.whole(asked["granularity"], *range_))

    def _send(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._write(body)

    def _stream(self, pieces: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            if not self._write(b"%x\r\n%b\r\n" % (len(piece), piece)):
                return
        self._write(b"0\r\n\r\n")

    def _write(self, sent: bytes) -> bool:
        """Whether the client was still there: it hangs up on what is too large for it."""
        with suppress(ConnectionError):
            self.wfile.write(sent)
            return True
        self.close_connection = True
        return False

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line for each request would be work that the real API does not cause here."""


@contextmanager
def api(first: date, last: date, rows: int, *, day_by_day: bool = False) -> Iterator[str]:
    """The base URL of a running server with `rows` usage rows from `first` to `last`, both inclusive."""
    command = [sys.executable, "-m", "benchmarks.server"]
    command += ["--first", first.isoformat(), "--last", last.isoformat(), "--rows", str(rows)]
    command += ["--day-by-day"] * day_by_day
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=date.fromisoformat, required=True)
    parser.add_argument("--last", type=date.fromisoformat, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--day-by-day", action="store_true")
    options = parser.parse_args()
    server = Api(options.first, options.last, options.rows, day_by_day=options.day_by_day)
    Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
