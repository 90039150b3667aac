"""A Python program that is imported once and forked for every run, which saves its start-up.

The program calls `serve`; a test starts it as `Forked`. Each run is a connection to its socket: a command comes over
it, a JSON object of `env`, `cwd` and whatever else the program takes, with the file descriptors of its standard output
and error beside it. Two lines go back: the process id at once and, at the end, the exit code (negative: the signal).
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Seconds after which whatever is awaited is stuck, and not slow, on whatever machine.
HUNG = 3600


class Forked:
    """The program in its process, and at most one run of it at a time."""

    def __init__(self, python: Path, program: str) -> None:
        """`program` is a file beside this one that calls `serve`."""
        self._folder = tempfile.TemporaryDirectory(prefix="magnific-forked-")
        self._address = str(Path(self._folder.name, "socket"))
        self._run: socket.socket | None = None
        # When this process ends, however it does, the program notices.
        self._lifeline, theirs = socket.socketpair()
        with theirs, socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self._address)
            listening.listen()
            descriptors = [listening.fileno(), theirs.fileno()]
            command = [python, str(HERE / program), *map(str, descriptors)]
            self._process = subprocess.Popen(command, pass_fds=descriptors, cwd=HERE.parent)

    def stop(self) -> None:
        self._lifeline.close()
        self._process.wait(timeout=HUNG)
        self._folder.cleanup()

    def make_executable(self, file: Path) -> None:
        """Write a program that does what a run with its `arguments` does, for others to start."""
        file.write_text(_EXECUTABLE.format(python=sys.executable, address=self._address))
        file.chmod(0o755)

    def start(self, stdout: int, stderr: int, **command: Any) -> int:
        """Start a run that writes to these file descriptors; its process id."""
        if self._run is not None:
            # A test that failed left its run behind.
            self.kill(signal.SIGKILL)
            self.wait()
        self._run = socket.socket(socket.AF_UNIX)
        self._run.connect(self._address)
        # Without a buffer, so that select() tells of every line.
        self._answers = self._run.makefile("rb", buffering=0)
        socket.send_fds(self._run, [json.dumps(command).encode()], [stdout, stderr])
        self._child = int(self._answers.readline())
        return self._child

    def kill(self, number: signal.Signals) -> None:
        """Send the started run a signal; one that has just ended by itself does not mind."""
        assert self._run is not None
        os.kill(self._child, number)

    def wait(self) -> int:
        """The exit code of the started run once it has ended, negative for a signal."""
        assert self._run is not None
        ended, _, _ = select.select([self._run], [], [], HUNG)
        if not ended:
            self.kill(signal.SIGKILL)
        code = int(self._answers.readline())
        self._answers.close()
        self._run.close()
        self._run = None
        assert ended, f"the program did not end within {HUNG} seconds"
        return code

    def run(self, **command: Any) -> tuple[int, bytes, bytes]:
        """Exit code, standard output and standard error of a whole run."""
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            self.start(stdout.fileno(), stderr.fileno(), **command)
            code = self.wait()
            stdout.seek(0)
            stderr.seek(0)
            return code, stdout.read(), stderr.read()


_EXECUTABLE = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as run:
    run.connect("{address}")
    command = {{"arguments": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}}
    socket.send_fds(run, [json.dumps(command).encode()], [1, 2])
    answers = run.makefile("rb")
    _, code = answers.readline(), answers.readline()
sys.exit(max(int(code), -1))
"""


def serve(run: Callable[[Mapping[str, Any]], object]) -> None:
    """Run the commands that come, one at a time, each in a child, until nobody can send one any more."""
    listening, lifeline = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    while True:
        called, _, _ = select.select([listening, lifeline], [], [])
        if lifeline in called:
            return
        connection, _ = listening.accept()
        with connection:
            text, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 2)
            child = os.fork()
            if child == 0:
                for inherited in (connection, listening, lifeline):
                    inherited.close()
                _be_a_program_of_its_own(run, json.loads(text), descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            with suppress(ConnectionError):
                connection.sendall(b"%d\n" % child)
                _wait(child, connection)
                ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
                assert ended is not None
                code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
                connection.sendall(b"%d\n" % code)
                # Its number is free for others once it is no longer of interest: a late signal meets no stranger.
                connection.recv(1)
            os.waitpid(child, 0)


def _wait(child: int, connection: socket.socket) -> None:
    """Return when the child has ended; nobody is left to want it where the other side has hung up."""
    end = os.pidfd_open(child)
    ready, _, _ = select.select([end, connection], [], [])
    if end not in ready:
        os.kill(child, signal.SIGKILL)
    os.close(end)


def _be_a_program_of_its_own(
    run: Callable[[Mapping[str, Any]], object], command: dict[str, Any], descriptors: list[int]
) -> None:
    """Run one command in this process and end it as the interpreter would."""
    for target, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, target)
    # The old ones remember whether their descriptors could seek.
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    os.environ.update(command.pop("env", {}))
    os.chdir(command.pop("cwd", "."))
    time.tzset()
    try:
        run(command)
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    else:
        code = 0
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)
