"""The examples of docs/deploy.md, run by what they are written for, over a day whose requests are used up."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO, Any

import duckdb
import pytest
from connector_process import SCRIPT
from environments import AIRFLOW, DAGSTER, PREFECT
from example_home import CONNECTOR, EXAMPLES, PERIOD, SMALL_STREAMS, Home
from patience import HUNG
from sandbox_process import ROOT, Sandbox

HERE = Path(__file__).parent


def last_line(printed: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return said


def test_airflow_tries_again_after_the_days_limit_and_completes(home: Home) -> None:
    python = AIRFLOW.program("python")
    dag = home.install("airflow_dag.py")
    settings = {
        "AIRFLOW_HOME": str(home.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dag.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    environment = {**os.environ, **settings}
    home.use_up_the_day()
    said = last_line(home.run([python, HERE / "airflow_run.py", dag.parent], environment))
    assert said == {"state": "success", "tasks": {"sync": ["success", 2]}, "schedule": "17 5 * * *"}
    home.assert_complete()


def test_dagster_tries_again_after_the_days_limit_and_completes(home: Home) -> None:
    python = DAGSTER.program("python")
    definitions = home.install("dagster_definitions.py")
    (home.folder / "dagster").mkdir()
    shutil.copy(EXAMPLES / "dagster.yaml", home.folder / "dagster")
    environment = {**os.environ, "DAGSTER_HOME": str(home.folder / "dagster"), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    home.use_up_the_day()
    said = last_line(home.run([python, HERE / "dagster_run.py", definitions], environment))
    assert said == {
        "success": True,
        "retries": 1,
        "schedule": "17 5 * * *",
        "asked_for": 1,
        "at_once": {"magnific": 1},
        "job_runs": ["magnific_credit_usage"],
    }
    home.assert_complete()


def test_prefect_tries_again_after_the_days_limit_and_completes(home: Home) -> None:
    python = PREFECT.program("python")
    flow = home.install("prefect_flow.py")
    settings = {
        "PREFECT_HOME": str(home.folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(HUNG),
    }
    home.use_up_the_day()
    said = last_line(home.run([python, HERE / "prefect_run.py", flow], {**os.environ, **settings}))
    assert said == {"state": "COMPLETED", "schedule": "17 5 * * *", "at_once": 1}
    home.assert_complete()


def cron(home: Home) -> subprocess.Popen[bytes]:
    """The crontab's command, started by the shell and with the environment that cron gives it."""
    command = home.install("crontab").read_text().split(maxsplit=5)[5].rstrip("\n")
    assert "%" not in command, "cron would end the line there"
    given = {"HOME": str(home.folder), "LOGNAME": "root", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    # A machine may say where temporary files are; here it is where a test looks for them.
    return subprocess.Popen(["/bin/sh", "-c", command], env={**given, "TMPDIR": str(home.temporary)}, cwd=home.folder)


def gate_inside_read(home: Home) -> Path:
    """A pipe in the place of the catalog, which the connector opens when it has written all its files."""
    gate, program = home.folder / "gate", home.folder / ".venv" / "bin" / CONNECTOR
    os.mkfifo(gate)
    program.unlink()
    program.write_text(
        f"""#!/bin/sh
        for one; do
            shift
            [ "$last" != --catalog ] || {{ cp "$one" "{gate}.json"; one="{gate}"; }}
            set -- "$@" "$one"
            last=$one
        done
        exec "{SCRIPT}" "$@"
        """
    )
    program.chmod(0o755)
    return gate


def opened(gate: Path, process: subprocess.Popen[bytes]) -> IO[bytes]:
    """The gate, at which what the process started waits now."""
    for _ in range(10 * HUNG):
        assert process.poll() is None, "it ended before it read anything"
        with suppress(OSError):
            return os.fdopen(os.open(gate, os.O_WRONLY | os.O_NONBLOCK), "wb")
        time.sleep(0.1)
    raise AssertionError(f"it read nothing in {HUNG} seconds")


def test_crons_run_on_the_next_day_completes_and_shows_nobody_the_key(home: Home) -> None:
    """Every file that holds the key while the connector reads is below a directory that only its user may enter."""
    home.use_up_the_day()
    assert cron(home).wait() != 0
    assert "100 API requests" in (home.folder / "sync.log").read_text()
    home.next_day()
    gate = gate_inside_read(home)
    with cron(home) as process, opened(gate, process) as catalog:
        files = [file for file in home.temporary.rglob("*") if file.is_file()]
        holders = [file for file in files if home.sandbox.api_key in file.read_text()]
        entrances = {home.temporary / file.relative_to(home.temporary).parts[0] for file in holders}
        modes = {entrance.stat().st_mode & 0o777 for entrance in entrances}
        catalog.write(gate.with_suffix(".json").read_bytes())
    assert process.returncode == 0
    home.assert_complete()
    # PyAirbyte's configuration and the connector's; those of the connector's last run may not be gone yet.
    assert len(holders) >= 2
    assert modes == {0o700}
    assert list(home.temporary.iterdir()) == []


@pytest.mark.parametrize("example", ["sync.py", "several_teams/sync.py"])
def test_an_example_does_nothing_while_another_sync_lasts(home: Home, example: str) -> None:
    shutil.copy(EXAMPLES / example, home.folder / "sync.py")
    with (home.folder / "warehouse.lock").open("w") as lock:
        flock(lock, LOCK_EX | LOCK_NB)
        with cron(home) as process:
            assert process.wait(timeout=HUNG) != 0
    assert (home.folder / "sync.log").read_text() == (
        "Another sync into this warehouse is still running, so this one did nothing. The next one will catch up.\n"
    )
    assert home.sandbox.requests() == []
    assert not (home.folder / "warehouse.duckdb").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_example_that_a_signal_ends_leaves_no_file_with_the_key(home: Home, number: signal.Signals) -> None:
    """The signal comes while the connector waits for an answer, with every file written."""
    home.sandbox.spoil({"kind": "silence", "path": "usage"})
    environment = {**os.environ, "TMPDIR": str(home.temporary), "AIRBYTE_OFFLINE_MODE": "1"}
    environment["PATH"] = f"{Path(SCRIPT).parent}:{environment['PATH']}"
    command = [sys.executable, "sync.py"]
    # Where tests run under nohup, the signal would be ignored.
    heard = {"preexec_fn": lambda: signal.signal(number, signal.SIG_DFL)}
    with subprocess.Popen(command, cwd=home.folder, env=environment, **heard) as process:
        home.sandbox.wait_for_requests(SMALL_STREAMS + 1)
        holders = [file for file in home.temporary.rglob("*.json") if home.sandbox.api_key in file.read_text()]
        process.send_signal(number)
        assert process.wait(timeout=HUNG) != 0
    assert holders
    assert not [file for file in home.temporary.rglob("*") if file.is_file()]


def test_several_teams_lie_side_by_side_and_one_that_is_refused_stops_no_other(
    tmp_path: Path, make_sandbox: Callable[..., Sandbox]
) -> None:
    shutil.copy(EXAMPLES / "several_teams" / "sync.py", tmp_path)
    (tmp_path / "teams").mkdir()
    path = f"{Path(SCRIPT).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1"}
    expected = {}
    # Names that SQL does not take as they are; the refused one is in the middle.
    for seed, (team, key) in enumerate([("North", "key-1"), ("north-east", "refused"), ("order", "key-3")], start=1):
        sandbox = make_sandbox(f"--seed={seed}", f"--key=key-{seed}", "--today=2026-03-31")
        config = {"api_key": key, "base_url": sandbox.base_url, **PERIOD}
        (tmp_path / "teams" / f"{team}.json").write_text(json.dumps(config))
        if key != "refused":
            expected[team] = sum(row["user_credits"] for row in sandbox.totals(**PERIOD))

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "sync.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    done = run()
    assert done.returncode == 1
    assert (tmp_path / "warehouse.duckdb").stat().st_mode & 0o777 == 0o600
    assert "\nnorth-east was not synced: " in done.stderr
    assert done.stderr.strip().splitlines()[-1] == "Not synced: north-east. All others are up to date."
    with duckdb.connect(tmp_path / "warehouse.duckdb", read_only=True) as connection:
        stored = connection.execute("select team, sum(user_credits)::bigint from all_teams_credit_usage group by team")
        assert dict(stored.fetchall()) == expected
    assert len(set(expected.values())) == len(expected)
    (tmp_path / "teams" / "north_east.json").write_text("{}")
    done = run()
    assert done.returncode == 1
    assert "both mean the schema team_north_east: give one of them another name" in done.stderr


def test_the_page_says_of_a_thousand_teams_what_the_simulation_says() -> None:
    table = runpy.run_path(str(EXAMPLES / "several_teams" / "simulate.py"))["table"](1000)
    assert table in (ROOT / "docs" / "deploy.md").read_text()
