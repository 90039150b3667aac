"""Measure the CPU time, elapsed time and memory of whole processes, and compare processes within each round."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Literal

RECORD_MARK = b'"type":"RECORD"'
Figure = Literal["cpu", "wall", "peak"]


@dataclass(frozen=True)
class Command:
    """A command line and its name in the tables."""

    name: str
    arguments: Sequence[str]


@dataclass(frozen=True)
class Cost:
    """The cost of one process: user plus system CPU in seconds, elapsed seconds, and peak resident memory in MiB."""

    cpu: float
    wall: float
    peak: float


def run(command: Command, stdout: int = subprocess.DEVNULL) -> Cost:
    """Run `command` and return its cost. If it fails, raise RuntimeError with the end of its error output.

    A child process inherits its parent's peak memory, so this process must stay small. It must not import
    the connector or build responses.
    """
    # The low-code connector runs custom classes only if this variable is set.
    environment = {**os.environ, "AIRBYTE_ENABLE_UNSAFE_CODE": "true"}
    with tempfile.TemporaryFile() as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.arguments, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            stderr.seek(0)
            said = stderr.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{command.name} exited with code {process.returncode}: {said}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def output(command: Command) -> Sequence[bytes]:
    """Return the lines that `command` writes to standard output."""
    with tempfile.TemporaryFile() as stdout:
        run(command, stdout.fileno())
        stdout.seek(0)
        return stdout.readlines()


def count_records(command: Command) -> int:
    """Count the records that `command` writes in the Airbyte or Singer protocol, without storing them."""
    ours, theirs = os.pipe()
    with ThreadPoolExecutor(1) as counting, os.fdopen(ours, "rb") as lines:
        count = counting.submit(lambda: sum(RECORD_MARK in line for line in lines))
        try:
            run(command, theirs)
        finally:
            # The counting thread reads until this end of the pipe is closed.
            os.close(theirs)
        return count.result()


class Rounds:
    """Runs several commands alternately (A B A B), so that any disturbance affects all of them."""

    def __init__(self, commands: Sequence[Command], runs: int) -> None:
        """Run each command once to warm up and to count its records, then `runs` times to measure it."""
        self.records = {command.name: count_records(command) for command in commands}
        self._costs: Mapping[str, list[Cost]] = {command.name: [] for command in commands}
        for _ in range(runs):
            for command in commands:
                self._costs[command.name].append(run(command))

    def median(self, name: str, figure: Figure) -> float:
        """Return the median of one figure over all rounds."""
        return float(median(getattr(cost, figure) for cost in self._costs[name]))

    def ratio(self, name: str, base: str, figure: Figure) -> str:
        """Return the median ratio of `name` to `base` over all rounds, with the lowest and highest, as a string."""
        pairs = zip(self._costs[name], self._costs[base], strict=True)
        ratios = [getattr(cost, figure) / getattr(other, figure) for cost, other in pairs]
        return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
