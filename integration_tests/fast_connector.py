"""The connector's console script without its start-up and its waits: `python fast_connector.py FD`.

The process imports the connector once and then forks a child for every command that comes over the socket FD, so a
sync costs a tenth of a second instead of one and more. In the child time is virtual: a wait between two tries returns
at once, moves the clock on and is reported on standard error as `waited SECONDS`. Everything else is the connector.

A command is a JSON object of `arguments`, `env` and what else `Circumstances` says, with the file descriptors of its
standard output and error beside it. Two lines come back: the process id at once and, at the end, the exit code
(negative: the signal).
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pendulum
import urllib3.util.connection
from airbyte_cdk.sources.streams.http import rate_limiting

from source_magnific_analytics import credit_usage, usage_stream
from source_magnific_analytics.policy import POLICY
from source_magnific_analytics.run import run


@dataclass(frozen=True)
class Circumstances:
    """What is other than usual in one run."""

    clock: str | None = None
    """A file with the date-time that it is (ISO 8601); without one, the machine's clock is right."""
    read_timeout: float = POLICY.read_timeout
    longest_body: float = POLICY.longest_body
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

    def now(self) -> datetime:
        told = datetime.fromisoformat(Path(self._file).read_text()) if self._file else datetime.now(UTC)
        return told + self._waited


def _arrange(circumstances: Circumstances) -> None:
    clock = _Clock(circumstances.clock)

    class Time:
        sleep = staticmethod(clock.sleep)

    vars(pendulum)["now"] = lambda zone=None: pendulum.instance(clock.now()).in_timezone(zone or "local")
    for module in (rate_limiting, credit_usage, usage_stream):
        vars(module)["time"] = Time
    for name in ("read_timeout", "longest_body"):
        object.__setattr__(POLICY, name, getattr(circumstances, name))
    _refuse(*circumstances.refused)


def _refuse(first: int, last: int) -> None:
    """Send these connections to a port where nobody listens."""
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))
    connect = urllib3.util.connection.create_connection
    count = 0

    def counted(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        nonlocal count
        count += 1
        return connect(nobody.getsockname() if first <= count <= last else address, *args, **kwargs)

    vars(urllib3.util.connection)["create_connection"] = counted


def _child(command: dict[str, Any], descriptors: list[int]) -> None:
    """Run one command in this process and end it as the interpreter would."""
    for target, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, target)
    # The old ones remember whether their descriptors could seek.
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    os.environ.update(command.pop("env", {}))
    time.tzset()
    sys.argv[1:] = command.pop("arguments")
    _arrange(Circumstances(**command))
    try:
        run()
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    else:
        code = 0
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)


def serve(connection: socket.socket) -> None:
    """Run the commands that come over `connection`, one at a time, until it is closed."""
    child = 0
    while True:
        text, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 2)
        if child:
            # Only now is its number free for others, so that a late signal meets no stranger.
            os.waitpid(child, 0)
        if not text:
            return
        child = os.fork()
        if child == 0:
            connection.close()
            _child(json.loads(text), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(b"%d\n" % child)
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        connection.sendall(b"%d\n" % (ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
