"""Interrupt the demo at various moments, with Ctrl-C or SIGTERM. It must report this and leave nothing running."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from demo_process import Demo
from sandbox_process import HUNG, USAGE, Sandbox

from demo import command
from demo.interrupts import INTERRUPTED, held_back


@pytest.mark.parametrize(
    ("moment", "number"),
    [("loading PyAirbyte", signal.SIGINT), ("checking", signal.SIGTERM), ("building the dbt package", signal.SIGINT)],
)
def test_an_interrupt_leaves_nothing_running(demo: Demo, moment: str, number: signal.Signals) -> None:
    interrupted(demo.start_until(moment), demo, number)


def test_an_interrupt_while_python_still_imports_is_one_line(demo: Demo) -> None:
    # Make the first import wait, as on a slow disk.
    (demo.folder / "site" / "rich").mkdir(parents=True)
    (demo.folder / "site" / "rich" / "__init__.py").write_text(
        "print('importing', flush=True)\nimport time\ntime.sleep(3600)"
    )
    process = demo.start_until("importing")
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=HUNG)
    assert (process.returncode, printed) == (130, "Interrupted. Nothing has been read yet.\n")


def test_an_interrupt_is_held_back_whatever_thread_could_take_it() -> None:
    other = Thread(target=Event().wait, daemon=True)
    other.start()
    reached = []
    # Without this handler, SIGINT would be ignored if the tests ran as a shell's background job.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), held_back():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            reached.append("the end")
    finally:
        signal.signal(signal.SIGINT, usual)
    assert reached == ["the end"]


def test_new_files_replace_the_last_ones_together_or_not_at_all(tmp_path: Path) -> None:
    names = ("magnific.duckdb", "report.html")
    for name in names:
        (tmp_path / name).write_text("last")
    with pytest.raises(KeyboardInterrupt), command.replacing(tmp_path) as new:
        (new / names[0]).write_text("new")
        raise KeyboardInterrupt
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(names, "last")
    with command.replacing(tmp_path) as new:
        for name in names:
            (new / name).write_text("new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(names, "new")


def test_ctrl_c_is_reported_whatever_error_a_library_raises(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def query(*_: Any) -> bool:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            raise RuntimeError("Query interrupted") from interrupt

    monkeypatch.setattr(command, "run", query)
    assert command.main([str(tmp_path)]) == 130
    assert "Interrupted." in capsys.readouterr().err


def test_ctrl_c_while_magnific_is_silent_in_the_second_sync(demo: Demo, make_sandbox: Callable[..., Sandbox]) -> None:
    api = make_sandbox("--plan=enterprise")
    # The check and the first sync each send a usage request. The third usage request gets no response.
    api.spoil(kind="silence", path=USAGE, at=3)
    start = str(datetime.now(UTC).date() - timedelta(days=30))
    settings = {"MAGNIFIC_API_KEY": api.api_key, "MAGNIFIC_PLAN": "enterprise", "MAGNIFIC_START_DATE": start}
    process = demo.start_until("first sync", MAGNIFIC_BASE_URL=api.base_url, **settings)
    # Requests for the check, the first sync and the second sync's lists, plus the one that gets no response.
    api.wait_for_requests(1 + 5 + 4 + 1)
    assert any("source-magnific-analytics read" in command for command in demo.processes())
    interrupted(process, demo)


def interrupted(process: subprocess.Popen[str], demo: Demo, number: signal.Signals = signal.SIGINT) -> None:
    """Send a signal to the demo's main process repeatedly, and check that all of the demo's processes end."""
    for _ in range(10):
        process.send_signal(number)
        time.sleep(0.05)
    printed, _ = process.communicate(timeout=HUNG)
    assert process.returncode == 130, printed
    # Skip empty lines, and lines that show progress, which start with one of these characters.
    assert [line for line in printed.splitlines() if line[:1] not in ("…", "✓", " ", "")][-1:] == [INTERRUPTED]
    assert "Traceback" not in printed
    assert (demo.processes(), demo.leftovers()) == ([], [])
    assert {path.name for path in demo.output.iterdir()} <= {"logs", "dbt"}
