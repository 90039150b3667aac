"""What a process costs, from its start to its exit, and how two processes of one round compare."""

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
    """One competitor: its name in the tables and its arguments."""

    name: str
    arguments: Sequence[str]


@dataclass(frozen=True)
class Cost:
    """One whole process: user and system CPU in seconds, elapsed seconds, highest resident memory in MiB."""

    cpu: float
    wall: float
    peak: float


def run(command: Command, stdout: int = subprocess.DEVNULL) -> Cost:
    """Run `command` to its end; raise RuntimeError with the end of its output if it fails.

    A child's peak memory starts at that of its parent, so this process has to stay small: it imports no connector and
    builds no answer.
    """
    # Low-code runs custom classes only if this is set.
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
            raise RuntimeError(f"{command.name} ended with exit code {process.returncode}: {said}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def output(command: Command) -> Sequence[bytes]:
    """What `command` writes to standard output, line by line."""
    with tempfile.TemporaryFile() as stdout:
        run(command, stdout.fileno())
        stdout.seek(0)
        return stdout.readlines()


def count_records(command: Command) -> int:
    """Count the records that `command` writes, in Airbyte's or Singer's protocol, without keeping them."""
    ours, theirs = os.pipe()
    with ThreadPoolExecutor(1) as counting, os.fdopen(ours, "rb") as lines:
        count = counting.submit(lambda: sum(RECORD_MARK in line for line in lines))
        try:
            run(command, theirs)
        finally:
            # The reader sees the end only once this end is closed.
            os.close(theirs)
        return count.result()


class Rounds:
    """Commands run in turns, A B A B, so that a disturbance affects all of them."""

    def __init__(self, commands: Sequence[Command], runs: int) -> None:
        """Run each command once to warm up and count its records, then `runs` times for the figures."""
        self.records = {command.name: count_records(command) for command in commands}
        self._costs: Mapping[str, list[Cost]] = {command.name: [] for command in commands}
        for _ in range(runs):
            for command in commands:
                self._costs[command.name].append(run(command))

    def median(self, name: str, figure: Figure) -> float:
        """The median of one figure over the rounds."""
        return float(median(getattr(cost, figure) for cost in self._costs[name]))

    def ratio(self, name: str, base: str, figure: Figure) -> str:
        """The median of the ratios of `name` to `base`, each within one round, with the lowest and the highest."""
        pairs = zip(self._costs[name], self._costs[base], strict=True)
        ratios = [getattr(cost, figure) / getattr(other, figure) for cost, other in pairs]
        return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
