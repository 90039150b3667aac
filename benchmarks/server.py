"""A stand-in for the API that costs nothing: bodies are made before the first request and sent from memory.

`python -m benchmarks.server --first DAY --last DAY --rows N` prints its port and serves until standard input closes.
`api(...)` starts it as a process of its own, so that its work is in nobody's figures.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from benchmarks import answers

# Where a granularity other than day is asked for, what counts is the request: the answer is one small bucket.
COARSE_ROWS = 12


class Api(ThreadingHTTPServer):
    """Serves usage for any range of days that was prepared, and the four lists; counts what it was asked."""

    daemon_threads = True

    def __init__(self, usage: Mapping[date, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = 0
        self.lists = answers.lists()
        self._usage = usage
        self.usage_body = lru_cache(maxsize=4)(self._usage_body)

    def _usage_body(self, granularity: str, first: str, last: str) -> bytes:
        """The answer for the buckets from `first` to `last`, both inclusive."""
        wanted = [body for day, body in self._usage.items() if first <= day.isoformat() <= last]
        if granularity != "day" and wanted:
            wanted = [answers.bucket(date.fromisoformat(first), COARSE_ROWS)]
        return b'{"data":[' + b",".join(wanted) + b"]}"


class Handler(BaseHTTPRequestHandler):
    """GET /requests tells how many requests came since it was last asked; the rest is the API."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave as two writes; without this the second waits for the client's delayed ACK.
    disable_nagle_algorithm = True
    server: Api

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        if name == "requests":
            self._send(str(self.server.requests).encode())
            self.server.requests = 0
        else:
            self.server.requests += 1
            self._send(self.server.lists[name])

    def do_POST(self) -> None:
        self.server.requests += 1
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send(self.server.usage_body(asked.get("granularity", "day"), asked["start_date"], asked["end_date"]))

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line for each request would be work that the real API does not cause here."""


@contextmanager
def api(first: date, last: date, rows: int) -> Iterator[str]:
    """The base URL of a running server with `rows` usage rows from `first` to `last`, both inclusive."""
    command = [sys.executable, "-m", "benchmarks.server"]
    command += ["--first", first.isoformat(), "--last", last.isoformat(), "--rows", str(rows)]
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
    options = parser.parse_args()
    server = Api(answers.buckets(options.first, options.last, options.rows))
    Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
