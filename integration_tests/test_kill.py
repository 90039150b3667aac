"""Stop the connector at various moments. No file with the key may remain, and the next run must complete the table."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from connector_process import Connector, Json
from sandbox_process import HUNG, Sandbox
from warehouse import ALL, USAGE_ALONE, Warehouse

SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
FULL = Path("/dev/full")


@pytest.fixture()
def backfill(config: Json) -> Json:
    """A configuration for two years of usage by week: five windows, each with far more output than a pipe holds."""
    return config | {"granularity": "week", "start_date": "2024-04-01"}


@pytest.fixture()
def temporary(tmp_path: Path) -> Path:
    """The directory for the console script's temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@contextmanager
def started(command: list[str], temporary: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the console script with no signal ignored, even under nohup. Afterwards, wait until the script exits."""

    def hear() -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    env = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, preexec_fn=hear) as running:
        yield running
        running.wait(timeout=HUNG)


def with_the_key(temporary: Path, sandbox: Sandbox) -> list[Path]:
    """Return the temporary files that contain the API key."""
    return [file for file in temporary.rglob("*") if file.is_file() and sandbox.api_key in file.read_text()]


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_while_it_writes(
    connector: Connector, sandbox: Sandbox, backfill: Json, warehouse: Warehouse, temporary: Path, seed: int
) -> None:
    dice = random.Random(seed)
    for _ in range(4):
        saved = warehouse.usage_state["date"] if "credit_usage" in warehouse.states else None
        sandbox.requests()
        command = connector.command("read", config=backfill, catalog=USAGE_ALONE, state=warehouse.state)
        with started(command, temporary) as running:
            assert running.stdout
            output = running.stdout.read(dice.randrange(1_000_000))
            running.kill()
            output += running.stdout.read()
        warehouse.load(output)
        first = sandbox.requests()[0]["body"]["start_date"]
        assert first == (str(date.fromisoformat(saved) + timedelta(days=1)) if saved else backfill["start_date"])
    assert warehouse.usage_state["date"] < backfill["end_date"]
    run = connector("read", config=backfill, catalog=ALL, state=warehouse.state)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, backfill)
    assert run.code == 0


@pytest.mark.parametrize(("command", "number"), [("check", signal.SIGTERM), *(("read", one) for one in SIGNALS)])
def test_a_signal_during_a_request_leaves_no_file_with_the_key_and_no_stack_trace(
    connector: Connector, sandbox: Sandbox, config: Json, temporary: Path, command: str, number: signal.Signals
) -> None:
    sandbox.spoil({"kind": "silence"})
    files = {"config": config} | ({"catalog": ALL} if command == "read" else {})
    with started(connector.command(command, **files), temporary) as running:
        sandbox.wait_for_requests(1)
        assert with_the_key(temporary, sandbox)
        running.send_signal(number)
        output, words = running.communicate(timeout=HUNG)
    assert (running.returncode, list(temporary.iterdir())) == (-number, [])
    assert b"Traceback" not in output
    assert words == b""


def test_a_signal_while_python_shuts_down_ends_it_without_a_stack_trace(temporary: Path) -> None:
    hook = f"import atexit, os; atexit.register(os.kill, os.getpid(), {signal.SIGTERM:d})"
    command = [sys.executable, "-c", f"{hook}; from source_magnific_analytics.run import run; run()", "spec"]
    with started(command, temporary) as running:
        _, words = running.communicate(timeout=HUNG)
    assert (running.returncode, words) == (-signal.SIGTERM, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_although_nobody_reads_what_it_writes(
    connector: Connector, sandbox: Sandbox, backfill: Json, temporary: Path, number: signal.Signals
) -> None:
    with started(connector.command("read", config=backfill, catalog=USAGE_ALONE), temporary) as running:
        assert running.stdout and running.stderr
        # The first window's output does not fit into the pipe, so the process waits until the test reads more lines.
        while b'"type":"RECORD"' not in running.stdout.readline():
            pass
        assert with_the_key(temporary, sandbox)
        running.send_signal(number)
        assert (running.wait(timeout=HUNG), list(temporary.iterdir())) == (-number, [])
        assert running.stderr.read() == b""


@pytest.mark.skipif(not FULL.exists(), reason="This test needs /dev/full, which only Linux has.")
@pytest.mark.parametrize("command", ["spec", "read"])
def test_a_full_disk_ends_the_process(connector: Connector, backfill: Json, command: str) -> None:
    files = {"config": backfill, "catalog": ALL} if command == "read" else {}
    with FULL.open("wb") as full:
        done = subprocess.run(connector.command(command, **files), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode != 0
    assert b"No space left on device" in done.stderr
    assert b"Logging error" not in done.stderr


@pytest.mark.parametrize("lines", [0, 40])
def test_a_closed_pipe_ends_the_process(
    connector: Connector, sandbox: Sandbox, config: Json, temporary: Path, lines: int
) -> None:
    backfill = config | {"granularity": "day", "start_date": "2023-01-01"}
    with started(connector.command("read", config=backfill, catalog=ALL), temporary) as running:
        assert running.stdout and running.stderr
        for _ in range(lines):
            running.stdout.readline()
        running.stdout.close()
        words = running.stderr.read()
    assert running.returncode != 0
    # Once its output is closed, the connector must stop requesting windows.
    assert sandbox.count() < 4 + 7
    assert sandbox.api_key.encode() not in words
    assert b"Logging error" not in words
