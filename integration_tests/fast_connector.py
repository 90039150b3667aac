"""The connector's console script without its start-up and its waits: `Forked` runs it.

A sync costs a tenth of a second instead of one and more. Time is virtual: a wait between two tries returns at once,
moves the clock on and is reported on standard error as `waited SECONDS`, and a sandbox that says beside its answer that
it will stay silent is timed out at once. Everything else is the connector.

A command has `arguments` and what else `Circumstances` says.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import backoff._sync
import pendulum
import urllib3.util.connection
from forked import serve

from source_magnific_analytics.policy import POLICY
from source_magnific_analytics.run import run

_monotonic = time.monotonic


@dataclass(frozen=True)
class Circumstances:
    """What is other than usual in one run."""

    clock: str | None = None
    """A file with the date-time that it is (ISO 8601); without one, the machine's clock is right."""
    longest_body: float = POLICY.longest_body
    patient: bool = False
    """Whether a silence is waited out."""
    refused: tuple[int, int] = (0, 0)
    """The first and the last of the connections, counted from 1, that are refused."""


class _Clock:
    def __init__(self, file: str | None) -> None:
        self._file = file
        self._waited = timedelta()

    def sleep(self, seconds: float) -> None:
        # sys.stderr is the CDK's, which makes one stream of both.
        print(f"waited {seconds:.2f}", file=sys.__stderr__, flush=True)
        self._waited += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return _monotonic() + self._waited.total_seconds()

    def now(self) -> datetime:
        told = datetime.fromisoformat(Path(self._file).read_text()) if self._file else datetime.now(UTC)
        return told + self._waited


def _arrange(circumstances: Circumstances) -> None:
    clock = _Clock(circumstances.clock)

    vars(pendulum)["now"] = lambda zone=None: pendulum.instance(clock.now()).in_timezone(zone or "local")
    vars(time)["sleep"] = clock.sleep
    vars(time)["monotonic"] = clock.monotonic
    # It sleeps 0 seconds after each wait, which is none.
    vars(backoff._sync)["time"] = SimpleNamespace(sleep=lambda _: None)
    object.__setattr__(POLICY, "longest_body", circumstances.longest_body)
    _arrange_connections(socket.socket if circumstances.patient else _Hurried, *circumstances.refused)


class _Hurried(socket.socket):
    """Times out as soon as it is said beside the stream that nothing will come."""

    def recv_into(self, *args: Any) -> int:
        poll = select.poll()
        poll.register(self, select.POLLIN | select.POLLPRI)
        timeout = self.gettimeout()
        events = poll.poll(timeout and 1000 * timeout)
        if not events or events[0][1] & select.POLLPRI:
            raise TimeoutError("timed out")
        return super().recv_into(*args)


def _arrange_connections(kind: type[socket.socket], first_refused: int, last_refused: int) -> None:
    """Make them sockets of that kind, and send some to a port where nobody listens."""
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))
    connect = urllib3.util.connection.create_connection
    count = 0

    def counted(address: tuple[str, int], timeout: Any, *args: Any, **kwargs: Any) -> socket.socket:
        nonlocal count
        count += 1
        address = nobody.getsockname() if first_refused <= count <= last_refused else address
        made = connect(address, timeout, *args, **kwargs)
        arranged = kind(made.family, made.type, made.proto, made.detach())
        arranged.settimeout(timeout)
        return arranged

    vars(urllib3.util.connection)["create_connection"] = counted


def _run(arguments: list[str], **how: Any) -> None:
    sys.argv[1:] = arguments
    _arrange(Circumstances(**how))
    run()


if __name__ == "__main__":
    serve(_run)
