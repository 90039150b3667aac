"""Ended at any moment: whatever was written before, the next run makes the table whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from connector_process import SCRIPT, Connector, FastConnector
from patience import HUNG
from sandbox_process import Sandbox
from warehouse import ALL, USAGE_ALONE, Warehouse

Json = dict[str, Any]
SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
NOWHERE, FULL = Path(os.devnull), Path("/dev/full")


@pytest.fixture()
def backfill(config: Json) -> Json:
    """Two years by week: five windows, each many times larger than the pipe between the two processes."""
    return config | {"granularity": "week", "start_date": "2024-04-01"}


def read_until(fast: FastConnector, config: Json, state: Any, end: Callable[[int], bool]) -> tuple[int, bytes]:
    """Exit code and output of a run; `end(bytes so far)` is called as the output comes, until it returns True."""
    ours, theirs = os.pipe()
    with NOWHERE.open("wb") as nowhere, os.fdopen(ours, "rb", buffering=0) as output:
        fast.start(theirs, nowhere.fileno(), fast.arguments("read", config=config, catalog=ALL, state=state))
        os.close(theirs)
        written = b""
        ended = False
        while piece := output.read(4096):
            written += piece
            ended = ended or end(len(written))
    return fast.forked.wait(), written


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("seed", range(6))
def test_killed_again_and_again_while_it_writes(
    fast: FastConnector, sandbox: Sandbox, backfill: Json, warehouse: Warehouse, seed: int, number: signal.Signals
) -> None:
    dice = random.Random(seed)
    whole = len(fast("read", config=backfill, catalog=ALL).stdout)
    code, kills = -1, 0
    while code:
        # Far enough on average to finish a window, so that the test comes to an end.
        last = dice.randrange(whole // 2) if kills < 8 else 10 * whole

        def kill(written: int, last: int = last) -> bool:
            if written >= last:
                fast.forked.kill(number)
            return written >= last

        code, output = read_until(fast, backfill, warehouse.state, kill)
        assert code in (0, -number)
        kills += code != 0
        warehouse.load(output)
    assert kills
    warehouse.check(sandbox, backfill)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_while_it_waits_for_each_answer(
    fast: FastConnector, sandbox: Sandbox, backfill: Json, warehouse: Warehouse, number: signal.Signals
) -> None:
    # The sixth request is the second window: each of these runs gets one window further.
    for request in (1, 2, 3, 4, 5, 6, 6, 6, 5):
        sandbox.heal()
        sandbox.requests()
        sandbox.spoil({"kind": "silence", "at": request})
        with NOWHERE.open("wb") as nowhere, tempfile.TemporaryFile() as output:
            arguments = fast.arguments("read", config=backfill, catalog=ALL, state=warehouse.state)
            fast.start(output.fileno(), nowhere.fileno(), arguments, patient=True)
            sandbox.wait_for_requests(request)
            fast.forked.kill(number)
            assert fast.forked.wait() == -number
            output.seek(0)
            warehouse.load(output.read())
    sandbox.heal()
    warehouse.load(fast("read", config=backfill, catalog=ALL, state=warehouse.state).stdout)
    warehouse.check(sandbox, backfill)


def test_a_killed_console_script_goes_on_where_its_last_state_says(
    connector: Connector, sandbox: Sandbox, backfill: Json, warehouse: Warehouse
) -> None:
    command = [SCRIPT, *connector.arguments("read", config=backfill, catalog=USAGE_ALONE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        written = b""
        # Two for each window.
        for line in running.stdout:
            written += line
            if written.count(b'"type":"STATE"') == 6:
                break
        running.kill()
        written += running.stdout.read()
    warehouse.load(written)
    next_day = date.fromisoformat(warehouse.usage_state["date"]) + timedelta(days=1)
    asked = len(sandbox.requests())
    run = connector("read", config=backfill, catalog=USAGE_ALONE, state=warehouse.state)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, backfill)
    first = min(one["body"]["start_date"] for one in sandbox.requests())
    assert asked <= 5
    assert backfill["start_date"] < first <= str(next_day)


def started(connector: Connector, number: signal.Signals, command: str, **files: Any) -> subprocess.Popen[bytes]:
    """The console script, which has its own temporary folder and does not ignore the signal, as under nohup."""
    temporary = connector.folder / "temporary"
    temporary.mkdir()
    return subprocess.Popen(
        [SCRIPT, *connector.arguments(command, **files)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )


def with_the_key(connector: Connector, sandbox: Sandbox) -> list[Path]:
    """The connector's temporary files that hold the key."""
    files = [file for file in (connector.folder / "temporary").rglob("*") if file.is_file()]
    return [file for file in files if sandbox.api_key in file.read_text()]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("command", ["check", "read"])
def test_a_signal_during_a_request_leaves_no_file_with_the_key_and_no_stack_trace(
    connector: Connector, sandbox: Sandbox, config: Json, command: str, number: signal.Signals
) -> None:
    sandbox.requests()
    sandbox.spoil({"kind": "silence"})
    files = {"config": config} | ({"catalog": ALL} if command == "read" else {})
    running = started(connector, number, command, **files)
    sandbox.wait_for_requests(1)
    assert with_the_key(connector, sandbox)
    running.send_signal(number)
    output, words = running.communicate(timeout=HUNG)
    assert running.returncode == -number
    assert list((connector.folder / "temporary").iterdir()) == []
    assert b"Traceback" not in output + words
    assert words == b""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_process_although_nobody_reads_what_it_writes(
    connector: Connector, sandbox: Sandbox, backfill: Json, number: signal.Signals
) -> None:
    running = started(connector, number, "read", config=backfill, catalog=USAGE_ALONE)
    assert running.stdout is not None and running.stderr is not None
    # The first window is many times larger than the pipe, so the process waits until the next line is read.
    while b'"type":"RECORD"' not in running.stdout.readline():
        pass
    assert with_the_key(connector, sandbox)
    running.send_signal(number)
    assert ended(running) == -number
    assert list((connector.folder / "temporary").iterdir()) == []
    assert running.stderr.read() == b""
    running.stdout.close()
    running.stderr.close()


def ended(running: subprocess.Popen[bytes]) -> int:
    """The exit code of a process that has to end by itself."""
    return running.wait(timeout=HUNG)


@pytest.mark.skipif(not FULL.exists(), reason="This system has no /dev/full, as Linux has.")
@pytest.mark.parametrize("command", ["spec", "check", "discover", "read"])
def test_a_full_disk_ends_the_process(connector: Connector, backfill: Json, command: str) -> None:
    files = {"spec": {}, "read": {"config": backfill, "catalog": ALL}}.get(command, {"config": backfill})
    with FULL.open("wb") as full:
        running = subprocess.Popen(
            [SCRIPT, *connector.arguments(command, **files)], stdout=full, stderr=subprocess.PIPE
        )
        _, words = running.communicate(timeout=HUNG)
    assert running.returncode != 0
    assert b"No space left on device" in words
    assert b"Logging error" not in words


@pytest.mark.parametrize("lines", [0, 1, 40, 300])
def test_a_closed_pipe_ends_the_process(connector: Connector, sandbox: Sandbox, config: Json, lines: int) -> None:
    backfill = config | {"granularity": "day", "start_date": "2023-01-01"}
    command = [SCRIPT, *connector.arguments("read", config=backfill, catalog=ALL)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None and running.stderr is not None
    for _ in range(lines):
        running.stdout.readline()
    running.stdout.close()
    assert ended(running) != 0
    # It does not go on to read windows that nobody takes.
    assert sandbox.count() < 4 + 7
    words = running.stderr.read()
    assert sandbox.api_key.encode() not in words
    assert b"Logging error" not in words
    running.stderr.close()


@pytest.mark.parametrize("place", ["member", "window"])
def test_a_reader_that_goes_away_during_a_wait_is_noticed(
    fast: FastConnector, sandbox: Sandbox, backfill: Json, place: str
) -> None:
    sandbox.spoil({"kind": "status", "status": 503, "path": {"member": "members", "window": "usage"}[place]})
    ours, theirs = os.pipe()
    with NOWHERE.open("wb") as nowhere:
        fast.start(theirs, nowhere.fileno(), fast.arguments("read", config=backfill, catalog=ALL))
        os.close(theirs)
        os.close(ours)
        assert fast.forked.wait() != 0
