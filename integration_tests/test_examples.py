"""Run the examples from docs/deploy.md with the tools they are written for, on a day when the quota runs out."""

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

import pytest
from connector_process import SCRIPT
from destinations import DuckDb
from example_home import EXAMPLES, PERIOD, SMALL_STREAMS, Home
from sandbox_process import HUNG, ROOT, Sandbox
from venvs import AIRFLOW, DAGSTER, DLT, PREFECT, Environment

ENDS: dict[Environment, dict[str, Any]] = {
    AIRFLOW: {"state": "success", "tasks": {"sync": ["success", 2]}, "schedule": "17 5 * * *"},
    DAGSTER: {
        **{"success": True, "retries": 1, "schedule": "17 5 * * *", "asked_for": 1},
        **{"at_once": {"magnific": 1}, "job_runs": ["magnific_credit_usage"]},
    },
    PREFECT: {"state": "COMPLETED", "schedule": "17 5 * * *", "at_once": 1},
}
FILES = {AIRFLOW: "airflow_dag.py", DAGSTER: "dagster_definitions.py", PREFECT: "prefect_flow.py"}


@pytest.mark.parametrize("orchestrator", ENDS, ids=lambda one: one.name)
def test_an_orchestrator_tries_again_after_the_days_limit_and_completes(home: Home, orchestrator: Environment) -> None:
    python, own = orchestrator.program("python"), home.folder / orchestrator.name
    example = home.install(FILES[orchestrator])
    own.mkdir()
    shutil.copy(EXAMPLES / "dagster.yaml", own)
    settings = {
        f"{orchestrator.name.upper()}_HOME": str(own),
        "AIRFLOW__CORE__DAGS_FOLDER": str(example.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(HUNG),
    }
    home.use_up_the_day()
    command = [python, Path(__file__).with_name("orchestrator_run.py"), orchestrator.name, example]
    printed = home.run(command, {**os.environ, **settings})
    assert json.loads(printed.splitlines()[-1]) == ENDS[orchestrator]
    home.assert_complete()


def cron(home: Home) -> subprocess.Popen[bytes]:
    """Start the crontab's command with cron's shell and environment."""
    command = home.install("crontab").read_text().split(maxsplit=5)[5].rstrip("\n")
    assert "%" not in command, "cron ends a command at a percent sign"
    given = {"HOME": str(home.folder), "LOGNAME": "root", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    # Put temporary files into the directory in which the tests look for them.
    return subprocess.Popen(["/bin/sh", "-c", command], env={**given, "TMPDIR": str(home.temporary)}, cwd=home.folder)


def test_crons_run_on_the_next_day_completes(home: Home) -> None:
    home.use_up_the_day()
    assert cron(home).wait() != 0
    said = (home.folder / "sync.log").read_text()
    assert "same days again. The sync failed: This Magnific team has used up" in said
    home.next_day()
    assert cron(home).wait() == 0
    home.assert_complete()
    assert list(home.temporary.iterdir()) == []


@pytest.mark.parametrize("example", ["sync.py", "several_teams/sync.py"])
def test_an_example_does_nothing_while_another_sync_lasts(home: Home, example: str) -> None:
    shutil.copy(EXAMPLES / example, home.folder / "sync.py")
    with (home.folder / "warehouse.lock").open("w") as lock:
        flock(lock, LOCK_EX | LOCK_NB)
        with cron(home) as process:
            assert process.wait(timeout=HUNG) != 0
    assert (home.folder / "sync.log").read_text() == (
        "Another sync into this warehouse is still running, so this one did nothing. The next sync will catch up.\n"
    )
    assert home.sandbox.requests() == []
    assert not (home.folder / "warehouse.duckdb").exists()


@pytest.mark.parametrize(
    ("example", "number"),
    [*[("sync.py", number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)], ("dlt", signal.SIGTERM)],
)
def test_an_example_that_a_signal_ends_leaves_no_file_with_the_key(
    home: Home, example: str, number: signal.Signals
) -> None:
    """The signal arrives while the connector waits for a response, after all files have been written.

    Until then, each file with the key must be in a directory that only its owner can enter.
    """
    home.sandbox.spoil({"kind": "silence", "path": "usage"})
    environment = {**os.environ, "TMPDIR": str(home.temporary), "AIRBYTE_OFFLINE_MODE": "1"}
    environment["PATH"] = f"{Path(SCRIPT).parent}:{environment['PATH']}"
    # Restore the signal's default action. If this process ignores the signal (as under nohup), the example would too.
    heard = {"preexec_fn": lambda: signal.signal(number, signal.SIG_DFL)}
    command = [DLT.program("python"), EXAMPLES / "dlt_pipeline.py"] if example == "dlt" else [sys.executable, example]
    with subprocess.Popen(command, cwd=home.folder, env=environment, **heard) as process:
        home.sandbox.wait_for_requests(SMALL_STREAMS + 1)
        files = [file for file in home.temporary.rglob("*") if file.is_file()]
        holders = [file for file in files if home.sandbox.api_key.encode() in file.read_bytes()]
        entrances = {home.temporary / file.relative_to(home.temporary).parts[0] for file in holders}
        modes = {entrance.stat().st_mode & 0o777 for entrance in entrances}
        process.send_signal(number)
        assert process.wait(timeout=HUNG) != 0
    # The connector, and PyAirbyte too, write a configuration file that contains the key.
    assert len(holders) >= (1 if example == "dlt" else 2)
    assert modes == {0o700}
    assert not [file for file in home.temporary.rglob("*") if file.is_file()]


def test_of_several_teams_a_refused_one_stops_no_other(tmp_path: Path, make_sandbox: Callable[..., Sandbox]) -> None:
    shutil.copy(EXAMPLES / "several_teams" / "sync.py", tmp_path)
    (tmp_path / "teams").mkdir()
    path = f"{Path(SCRIPT).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1"}
    expected = {}
    # These names must be quoted in SQL. The second team's key is refused; the third team must still sync.
    for seed, (team, key) in enumerate([("North", "key-1"), ("north-east", "refused"), ("order", "key-3")], start=1):
        sandbox = make_sandbox(f"--seed={seed}", f"--key=key-{seed}", "--today=2026-03-31")
        config = {"api_key": key, "base_url": sandbox.base_url, **PERIOD}
        (tmp_path / "teams" / f"{team}.json").write_text(json.dumps(config))
        if key != "refused":
            expected[team] = sum(row["user_credits"] for row in sandbox.totals(**PERIOD))

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "sync.py"], cwd=tmp_path, env=env, capture_output=True, text=True)

    done = run()
    assert done.returncode == 1
    assert (tmp_path / "warehouse.duckdb").stat().st_mode & 0o777 == 0o600
    assert "\nnorth-east was not synced: " in done.stderr
    assert done.stderr.strip().splitlines()[-1] == "Not synced: north-east. All other teams are up to date."
    sums = "select team, sum(user_credits)::bigint from all_teams_credit_usage group by team"
    assert dict(DuckDb(str(tmp_path / "warehouse.duckdb")).query(sums)) == expected
    assert len(set(expected.values())) == len(expected)
    (tmp_path / "teams" / "north_east.json").write_text("{}")
    done = run()
    assert done.returncode == 1
    assert "both map to the schema team_north_east. Rename one of the files." in done.stderr


def test_the_page_says_of_a_thousand_teams_what_the_simulation_says() -> None:
    table = runpy.run_path(str(EXAMPLES / "several_teams" / "simulate.py"))["table"](1000)
    assert table in (ROOT / "docs" / "deploy.md").read_text()
