"""A Python program that is imported once and forked for every run, which saves its start-up.

The program calls `serve`; a test starts it as `Forked`. Each run is a connection to its socket. Over it go the file
descriptors of the run's standard output and error, beside a byte, and then the command as a line of JSON: `env`, all of
its environment, `cwd`, and whatever else the program takes. A byte comes back when that is read, and a line at the end:
the exit code (negative: the signal). Each byte sent in between is a signal for the run; hanging up kills it.
"""

from __future__ import annotations

import gc
import json
import os
import select
import shlex
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

from patience import HUNG

HERE = Path(__file__).parent


class Run:
    """A run as its caller sees it."""

    def __init__(self, address: str, stdout: int, stderr: int, command: Mapping[str, Any]) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)
        socket.send_fds(self._socket, [b" "], [stdout, stderr])
        self._socket.sendall(json.dumps({"cwd": str(Path.cwd()), **command}).encode() + b"\n")
        self._socket.recv(1)

    def kill(self, number: signal.Signals) -> None:
        """Send it a signal; one that has just ended by itself does not mind."""
        with suppress(BrokenPipeError):
            self._socket.sendall(bytes([number]))

    def wait(self) -> int:
        """Its exit code once it has ended, negative for a signal."""
        ended, _, _ = select.select([self._socket], [], [], HUNG)
        assert ended, f"the program did not end within {HUNG} seconds"
        with self._socket.makefile("rb") as answer:
            code = int(answer.readline())
        self.close()
        return code

    def close(self) -> None:
        self._socket.close()


class Forked:
    """The program in its process; what a caller starts itself is at most one run at a time."""

    def __init__(self, python: Path, program: str) -> None:
        """`program` is a file beside this one that calls `serve`."""
        self._folder = tempfile.TemporaryDirectory(prefix="magnific-forked-")
        self._address = str(Path(self._folder.name, "socket"))
        self._run: Run | None = None
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

    def make_executable(self, file: Path, *first: str) -> None:
        """Write a program for others to start: a run with the `first` arguments and its own."""
        call = shlex.join([sys.executable, "-sE", __file__, self._address, *first])
        file.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
        file.chmod(0o755)

    def start(self, stdout: int, stderr: int, **command: Any) -> None:
        """Start a run that writes to these file descriptors; one that a failed test left behind ends."""
        if self._run is not None:
            self._run.close()
        self._run = Run(self._address, stdout, stderr, command)

    def kill(self, number: signal.Signals) -> None:
        """Send the started run a signal."""
        assert self._run is not None
        self._run.kill(number)

    def wait(self) -> int:
        """The exit code of the started run once it has ended, negative for a signal."""
        assert self._run is not None
        return self._run.wait()

    def run(self, **command: Any) -> tuple[int, bytes, bytes]:
        """Exit code, standard output and standard error of a whole run."""
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            self.start(stdout.fileno(), stderr.fileno(), **command)
            code = self.wait()
            stdout.seek(0)
            stderr.seek(0)
            return code, stdout.read(), stderr.read()


def serve(run: Callable[..., object]) -> None:
    """Run the commands that come, side by side, each in a child, until nobody can send one any more."""
    listening, lifeline = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    # What is imported is never garbage: a search among it would have every run copy all of its memory.
    gc.collect()
    gc.freeze()
    # Nobody waits for a run's attendant.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        called, _, _ = select.select([listening, lifeline], [], [])
        if lifeline in called:
            return
        connection, _ = listening.accept()
        with connection:
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                lifeline.close()
                with suppress(ConnectionError):
                    _attend(connection, run)
                os._exit(0)


def _attend(connection: socket.socket, run: Callable[..., object]) -> None:
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 2)
    command = json.loads(connection.makefile("rb").readline())
    connection.sendall(b" ")
    # Of this pipe the child alone keeps the other end, so it closes when the child ends.
    end, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        connection.close()
        os.close(end)
        _be_a_program_of_its_own(run, command, descriptors)
    for descriptor in (theirs, *descriptors):
        os.close(descriptor)
    while end not in select.select([end, connection], [], [])[0]:
        [number] = connection.recv(1) or [signal.SIGKILL]
        os.kill(child, number)
    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _be_a_program_of_its_own(run: Callable[..., object], command: dict[str, Any], descriptors: list[int]) -> None:
    """Run one command in this process and end it as the interpreter would.

    It waits for no thread, though, and nothing that is registered with `atexit` is called.
    """
    # Tests may run in the background, where Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for target, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, target)
    # The old ones remember whether their descriptors could seek.
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    os.chdir(command.pop("cwd"))
    os.environ.clear()
    os.environ.update(command.pop("env"))
    time.tzset()
    code: object = 1
    # Where nobody takes the last words, it failed.
    with suppress(OSError):
        try:
            run(**command)
            ended: object = 0
        except SystemExit as end:
            ended = end.code or 0
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
            ended = 1
        sys.stdout.flush()
        code = ended
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    os._exit(code)


def _call(address: str, *arguments: str) -> int:
    passed_on = (signal.SIGINT, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
    run = Run(address, 1, 2, {"arguments": arguments, "env": dict(os.environ)})
    for one in passed_on:
        signal.signal(one, lambda number, _: run.kill(signal.Signals(number)))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
    code = run.wait()
    for one in passed_on:
        signal.signal(one, signal.SIG_IGN)
    # As a shell says of a signal.
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(_call(*sys.argv[1:]))
