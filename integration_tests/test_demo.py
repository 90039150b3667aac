"""`python -m demo` as a person runs it: what it prints, what it leaves behind, and what Ctrl-C leaves running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import psutil
import pytest
from connector_process import SCRIPT, FastConnector
from forked import Forked
from patience import HUNG
from sandbox_process import LISTS, ROOT, USAGE, Sandbox

from demo import __main__ as command
from demo.interrupts import held_back
from demo.origin import default_start
from demo.pipeline import CONNECTOR

# Loaded by every Python below the demo, the connector's too where it starts: notes each connection that leaves this
# machine.
_WATCHMAN = """
import os, socket
connect = socket.socket.connect
def watched(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        with open(os.environ["CONNECTIONS"], "a") as notes:
            notes.write(f"{address}\\n")
        raise OSError("no network in this test")
    return connect(self, address)
socket.socket.connect = watched
"""


@dataclass(frozen=True)
class Demo:
    """Runs the demo in a session of its own, with its files, its home and its temporary files in one folder."""

    folder: Path
    python: str = sys.executable

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def start(self, **environment: str) -> subprocess.Popen[str]:
        for name in ("home", "tmp", "site"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "site" / "sitecustomize.py").write_text(_WATCHMAN)
        usual = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAGNIFIC", "AIRBYTE", "DO_"))
        }
        return subprocess.Popen(
            [self.python, "-m", "demo", str(self.output)],
            cwd=ROOT,
            env=usual
            | {
                "HOME": str(self.folder / "home"),
                "TMPDIR": str(self.folder / "tmp"),
                "PYTHONPATH": f"{self.folder / 'site'}:{ROOT}",
                "PYTHONUNBUFFERED": "1",
                "CONNECTIONS": str(self.folder / "connections"),
                "COLUMNS": "120",
            }
            | environment,
            # A shell starts what runs in its background with Ctrl-C ignored, and its children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, **environment: str) -> tuple[int, str]:
        """Exit code, and all that it printed."""
        process = self.start(**environment)
        printed, _ = process.communicate(timeout=HUNG)
        return process.returncode, printed

    def connections(self) -> str:
        """Every address off this machine that was tried."""
        file = self.folder / "connections"
        return file.read_text() if file.exists() else ""

    def leftovers(self) -> list[str]:
        return [path.name for path in (self.folder / "tmp").iterdir()]


@pytest.fixture()
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


@pytest.fixture()
def fast_demo(tmp_path: Path, fast: FastConnector, forked_python: Forked) -> Demo:
    """The same in an environment whose connector and whose Python need no start-up."""
    programs = tmp_path / "bin"
    programs.mkdir()
    python = programs / "python"
    forked_python.make_executable(python, str(python))
    fast.forked.make_executable(programs / CONNECTOR)
    return Demo(tmp_path, str(python))


def processes_of(demo: Demo) -> list[str]:
    """The command lines of the living processes that were started below it, which have its environment.

    A forked connector has not, but it lives no longer than who called it.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("HOME") == str(demo.folder / "home"):
                found.append(" ".join(process.cmdline()))
    return found


def test_the_demo_syncs_twice_and_the_sums_equal_the_ledger(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        code, printed = demo.run(HTTP_PROXY=address, http_proxy=address, ALL_PROXY=address, NO_PROXY="", no_proxy="")
        proxy.setblocking(False)
        # What is on this machine is asked for through no proxy.
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert code == 0, printed
    assert "7 API requests" in printed.partition("second sync")[0]
    assert "17 API requests" in printed.partition("second sync")[2], "5, and 3 for each of the 4 API keys"
    for words in (
        "members, api_keys, groups, projects, credit_usage, credit_usage_by_api_key",
        "Meanwhile the past changes at the API",
        "12 late uses",
        "credits are now 0",
        "Credits by tool and month",
        "AI Image Models",
        "equal for every tool to the sandbox's ledger",
        "report.html",
        "magnific.duckdb",
    ):
        assert words in printed
    with duckdb.connect(demo.output / "magnific.duckdb", read_only=True) as connection:
        [(stored, repeated)] = connection.execute(
            "select sum(user_credits), count(*) - count(distinct usage_id) from credit_usage"
        ).fetchall()
        [(expected,)] = connection.execute("select sum(user_credits) from demo_expected").fetchall()
        [(withdrawn,)] = connection.execute("select count(*) from credit_usage where tool is null").fetchall()
        [(names,)] = connection.execute("select count(*) from projects where name like '% II'").fetchall()
    assert (stored, repeated, names) == (expected, 0, 1)
    assert withdrawn > 0
    assert f"{stored:,} credits" in printed
    page = (demo.output / "report.html").read_text()
    assert "<strong>Yes.</strong>" in page and '<select id="in">' in page
    assert demo.connections() == ""
    assert demo.leftovers() == []
    assert not (demo.folder / "home" / ".airbyte").exists()


def test_with_a_key_it_reads_that_api_by_that_plan_and_from_that_day(
    fast_demo: Demo, make_sandbox: Callable[..., Sandbox]
) -> None:
    key = "a-key-that-nobody-may-see"
    api = make_sandbox(f"--key={key}", "--plan=enterprise")
    today = datetime.now(UTC).date()
    start = today - timedelta(days=364)
    code, printed = fast_demo.run(
        MAGNIFIC_API_KEY=key,
        MAGNIFIC_BASE_URL=api.base_url,
        MAGNIFIC_PLAN="enterprise",
        MAGNIFIC_START_DATE=start.isoformat(),
    )
    assert code == 0, printed
    assert "equal for every tool to Magnific, asked once more by month" in printed
    assert "Meanwhile" not in printed
    requests = api.requests()
    asked = [request["path"].rpartition("/")[2] for request in requests]
    # The check, a sync of each, the second with the four API keys, and the sums by month.
    assert asked == [USAGE, *LISTS, USAGE, *LISTS, USAGE, *[USAGE] * 4, USAGE]
    first_sync = requests[5]["body"]
    assert first_sync == {"granularity": "day", "start_date": start.isoformat(), "end_date": today.isoformat()}
    written = [file for file in fast_demo.output.rglob("*") if file.is_file()]
    assert key not in printed
    assert not [file for file in written if key.encode() in file.read_bytes()]
    assert fast_demo.connections() == ""
    assert fast_demo.leftovers() == []


def test_a_mistake_is_one_plain_sentence_and_the_last_result_stays(
    fast_demo: Demo, make_sandbox: Callable[..., Sandbox]
) -> None:
    api = make_sandbox()
    fast_demo.output.mkdir()
    (fast_demo.output / "magnific.duckdb").write_text("the last result")
    code, printed = fast_demo.run(MAGNIFIC_API_KEY="wrong", MAGNIFIC_BASE_URL=api.base_url)
    assert code == 1
    assert "The demo stopped: Magnific refuses the API key" in printed
    code, printed = fast_demo.run(
        MAGNIFIC_API_KEY=api.api_key, MAGNIFIC_BASE_URL=api.base_url, MAGNIFIC_START_DATE="2026-02-30"
    )
    assert code == 1
    assert "The demo stopped: start_date is '2026-02-30': enter the first day" in printed
    api.set_limits(per_day=api.count() + 3, limit_header="retry-after")
    code, printed = fast_demo.run(MAGNIFIC_API_KEY=api.api_key, MAGNIFIC_BASE_URL=api.base_url)
    assert code == 1
    assert "The demo stopped: The day's 100 API requests" in printed
    assert "Traceback" not in printed
    assert (fast_demo.output / "magnific.duckdb").read_text() == "the last result"


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        *((one, signal.SIGINT) for one in ("checking", "reading members", "drawing the report")),
        ("checking", signal.SIGTERM),
    ],
)
def test_an_interrupt_leaves_nothing_running(fast_demo: Demo, moment: str, number: signal.Signals) -> None:
    _interrupt(fast_demo, moment, number)


@pytest.mark.parametrize("moment", ["loading PyAirbyte", "first sync"])
def test_an_interrupt_during_the_import_or_with_all_threads_there_leaves_nothing_running(
    demo: Demo, moment: str
) -> None:
    _interrupt(demo, moment, signal.SIGINT)


def test_many_interrupts_are_one(fast_demo: Demo) -> None:
    process = fast_demo.start()
    assert process.stdout is not None
    for line in process.stdout:
        if "reading members" in line:
            break
    for number in [signal.SIGINT, signal.SIGTERM] * 10:
        process.send_signal(number)
        time.sleep(0.05)
    interrupted(process, fast_demo)


def test_what_still_runs_at_the_end_is_ended() -> None:
    program = """
import subprocess
from demo.interrupts import end_children

child = subprocess.Popen(["sleep", "1000"])
end_children()
print(child.pid)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not psutil.pid_exists(int(done.stdout))


def test_an_interrupt_is_held_back_whatever_thread_could_take_it() -> None:
    other = Thread(target=Event().wait, daemon=True)
    other.start()
    reached = []
    # In the background it is ignored.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), held_back():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            reached.append("the end")
    finally:
        signal.signal(signal.SIGINT, usual)
    assert reached == ["the end"]


def _interrupt(demo: Demo, moment: str, number: signal.Signals) -> None:
    process = demo.start()
    assert process.stdout is not None
    for line in process.stdout:
        if moment in line:
            break
    interrupted(process, demo, number)


def test_ctrl_c_is_told_as_that_whatever_a_library_makes_of_it(
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


def test_ctrl_c_while_magnific_is_silent_in_the_second_sync(
    fast_demo: Demo, make_sandbox: Callable[..., Sandbox]
) -> None:
    patient = Path(fast_demo.python).with_name(CONNECTOR)
    patient.unlink()
    patient.symlink_to(SCRIPT)
    api = make_sandbox("--plan=enterprise")
    # After the check's and the first sync's.
    api.spoil(kind="silence", path=USAGE, at=3)
    start = str(datetime.now(UTC).date() - timedelta(days=30))
    settings = {"MAGNIFIC_API_KEY": api.api_key, "MAGNIFIC_PLAN": "enterprise", "MAGNIFIC_START_DATE": start}
    process = fast_demo.start(MAGNIFIC_BASE_URL=api.base_url, **settings)
    assert process.stdout is not None
    for line in process.stdout:
        if "first sync" in line:
            break
    # The check, the lists and usage, the lists again, and the one that is not answered.
    api.wait_for_requests(1 + 5 + 4 + 1)
    assert any("source-magnific-analytics read" in command for command in processes_of(fast_demo))
    interrupted(process, fast_demo)


def interrupted(process: subprocess.Popen[str], demo: Demo, number: signal.Signals = signal.SIGINT) -> None:
    """Send Ctrl-C to the demo alone, or what a supervisor sends, and see that everything ends."""
    process.send_signal(number)
    printed, _ = process.communicate(timeout=HUNG)
    assert process.returncode == 130, printed
    assert "Interrupted." in printed
    assert "Traceback" not in printed
    assert processes_of(demo) == []
    assert demo.leftovers() == []
    assert [path.name for path in demo.output.iterdir()] == ["logs"]


def test_the_default_start_is_three_requests_on_business() -> None:
    for day in ("2026-11-22", "2024-02-29", "2025-03-01", "2026-12-31"):
        today = datetime.fromisoformat(day).date()
        assert 360 < (today - default_start(today)).days + 1 <= 540
