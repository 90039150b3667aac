"""Days are UTC days, whatever the machine's zone and clock say, and a midnight in the middle loses nothing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from connector_process import SCRIPT, Connector, FastConnector, Run
from patience import HUNG
from sandbox_process import Sandbox
from warehouse import USAGE_ALONE, Warehouse

Json = dict[str, Any]
# The first two are always a day off from UTC, so that a date in local time is wrong at any hour.
FAR_ZONES = ["AAA-24", "ZZZ+24", "Not/A/Zone"]
ZONES = [
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "America/St_Johns",
    "",
    ":",
    "../etc/passwd",
]
# A program under a clock that is some days off.
TRAVEL = """
import datetime, runpy, sys, time_machine
del sys.argv[0]
time_machine.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=int(sys.argv.pop(0)))).start()
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def utc_day(offset: int = 0) -> str:
    return str((datetime.now(UTC) + timedelta(days=offset)).date())


def asked(sandbox: Sandbox) -> list[tuple[str, str]]:
    """First and last day of each request."""
    return [(one["body"]["start_date"], one["body"]["end_date"]) for one in sandbox.requests()]


@pytest.mark.parametrize("zone", FAR_ZONES)
def test_the_console_scripts_windows_end_on_the_utc_day(
    connector: Connector, sandbox: Sandbox, config: Json, zone: str
) -> None:
    check_that_windows_end_on_the_utc_day(connector, sandbox, config, zone)


@pytest.mark.parametrize("zone", ZONES)
def test_windows_end_on_the_utc_day_in_any_zone(fast: FastConnector, sandbox: Sandbox, config: Json, zone: str) -> None:
    check_that_windows_end_on_the_utc_day(fast, sandbox, config, zone)


def check_that_windows_end_on_the_utc_day(connector: Connector, sandbox: Sandbox, config: Json, zone: str) -> None:
    del config["end_date"]
    config |= {"start_date": utc_day(-3), "granularity": "day"}
    before = utc_day()
    run = connector("read", config=config, catalog=USAGE_ALONE, env={"TZ": zone})
    assert (run.code, run.stderr) == (0, b"")
    assert run.messages
    assert asked(sandbox) in [[(config["start_date"], day)] for day in (before, utc_day())]


class Day:
    """The day on which connector and sandbox both are, and the connector's clock."""

    def __init__(self, fast: FastConnector, sandbox: Sandbox, file: Path) -> None:
        self._fast = fast
        self._sandbox = sandbox
        self._file = file

    def is_(self, moment: str, *, ahead: timedelta = timedelta()) -> None:
        """It is `moment` (UTC); the machine's clock is `ahead` of that."""
        self._file.write_text(f"{datetime.fromisoformat(moment) + ahead}+00:00")
        self._sandbox.set_today(moment[:10])

    def read(self, config: Json, warehouse: Warehouse) -> Run:
        how = {"clock": str(self._file)}
        run = self._fast("read", config=config, catalog=USAGE_ALONE, state=warehouse.state, how=how)
        warehouse.load(run.stdout)
        return run


@pytest.fixture()
def day(fast: FastConnector, sandbox: Sandbox, tmp_path: Path) -> Day:
    return Day(fast, sandbox, tmp_path / "clock")


@pytest.fixture()
def endless(config: Json) -> Json:
    """A sync of every day up to today, for a year."""
    del config["end_date"]
    return config | {"granularity": "day", "start_date": "2025-04-01"}


def test_midnight_during_a_sync_loses_nothing(
    fast: FastConnector, sandbox: Sandbox, day: Day, endless: Json, warehouse: Warehouse, tmp_path: Path
) -> None:
    """The sync ends on the day on which it began; the rest of that day comes with the next one."""
    day.is_("2026-03-30T23:59:59")
    sandbox.spoil({"kind": "late", "seconds": 3, "at": 2})
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as nothing:
        arguments = fast.arguments("read", config=endless, catalog=USAGE_ALONE)
        fast.start(output.fileno(), nothing.fileno(), arguments, clock=str(tmp_path / "clock"))
        sandbox.wait_for_requests(2)
        day.is_("2026-03-31T00:00:01")
        assert fast.forked.wait() == 0
        output.seek(0)
        warehouse.load(output.read())
    assert asked(sandbox)[-1][1] == "2026-03-30"
    assert warehouse.usage_state["date"] == "2026-03-30"
    day.read(endless, warehouse)
    assert asked(sandbox) == [("2026-03-23", "2026-03-31")]
    warehouse.check(sandbox, endless | {"end_date": "2026-03-31"})


@pytest.mark.parametrize("lookback", [0, 7])
@pytest.mark.parametrize("ahead", [-1, 1])
def test_a_clock_that_is_a_day_off_loses_nothing(
    sandbox: Sandbox, day: Day, endless: Json, warehouse: Warehouse, ahead: int, lookback: int
) -> None:
    """A sync in the middle of a day under a wrong clock; the clock is set right, and two days later comes the next.

    It begins today, because the sandbox's answers state the true date in their headers.
    """
    endless |= {"lookback_window_days": lookback, "start_date": utc_day(-200)}
    first, next_one = utc_day(), utc_day(2)
    day.is_(f"{first}T12:00:00", ahead=timedelta(days=ahead))
    assert day.read(endless, warehouse).code == 0
    day.is_(f"{next_one}T12:00:00")
    assert day.read(endless, warehouse).code == 0
    warehouse.check(sandbox, endless | {"end_date": next_one})


@pytest.mark.parametrize("ahead", [-1, 1])
def test_a_clock_that_stays_a_day_off_never_skips_a_day(
    sandbox: Sandbox, day: Day, endless: Json, warehouse: Warehouse, ahead: int
) -> None:
    for date in ("2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30"):
        day.is_(f"{date}T08:30:00", ahead=timedelta(days=ahead))
        assert day.read(endless, warehouse).code == 0
    known = {"end_date": "2026-03-29" if ahead < 0 else "2026-03-30"}
    warehouse.check(sandbox, endless | known)


@pytest.mark.parametrize("ahead", [-1, 1])
def test_a_stated_moment_is_waited_for_by_the_servers_clock(
    sandbox: Sandbox, day: Day, endless: Json, warehouse: Warehouse, ahead: int
) -> None:
    endless["start_date"] = utc_day(-10)
    begun = datetime.now(UTC)
    until = begun + timedelta(seconds=30)
    headers = {"X-RateLimit-Reset": str(int(until.timestamp()))}
    sandbox.spoil({"kind": "status", "status": 429, "headers": headers, "at": 1})
    day.is_(f"{utc_day()}T12:00:00", ahead=timedelta(days=ahead))
    run = day.read(endless, warehouse)
    passed = (datetime.now(UTC) - begun).total_seconds()
    [waited] = run.waits
    assert run.code == 0
    assert 28 - passed <= waited <= 32


@pytest.mark.parametrize("days", [-1, 1])
def test_the_console_script_under_a_clock_that_is_a_day_off(
    connector: Connector, sandbox: Sandbox, config: Json, warehouse: Warehouse, days: int
) -> None:
    """Every clock of the process is off."""
    del config["end_date"]
    config |= {"granularity": "day", "start_date": utc_day(-20)}
    sandbox.set_today(utc_day())
    arguments = connector.arguments("read", config=config, catalog=USAGE_ALONE)
    command = [sys.executable, "-c", TRAVEL, str(days), SCRIPT, *arguments]
    done = subprocess.run(command, capture_output=True, timeout=HUNG)
    run = Run(done.returncode, done.stdout, done.stderr)
    warehouse.load(run.stdout)
    assert run.code == 0
    assert asked(sandbox)[0][1] == utc_day(days)
    warehouse.load(connector("read", config=config, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    warehouse.check(sandbox, config | {"end_date": utc_day()})
