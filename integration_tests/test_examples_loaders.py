"""The examples of docs/deploy.md that load elsewhere: dlt, PostgreSQL by a Kubernetes CronJob, a loader of your own."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import yaml
from connector_process import read_here
from destinations import Postgres, postgres
from environments import DLT
from example_home import EXAMPLES, PERIOD, Home
from sandbox_process import ROOT, USAGE, Sandbox
from warehouse import KEYS, catalog

BESIDE_PYTHON = Path(sys.executable).parent
KUBERNETES = EXAMPLES / "kubernetes"
READ_AGAIN = "2026-03-24"


def first_days(sandbox: Sandbox) -> list[str]:
    """The first day that each request for usage asked for, since the last call."""
    return [one["body"]["start_date"] for one in sandbox.requests() if one["path"].endswith(USAGE)]


def by_dlt(home: Home) -> subprocess.CompletedProcess[str]:
    settings = {"DLT_DATA_DIR": str(home.folder / "dlt"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    path = f"{home.folder}/.venv/bin:{os.environ['PATH']}"
    return subprocess.run(
        [DLT.program("python"), EXAMPLES / "dlt_pipeline.py"],
        cwd=home.folder,
        env={**os.environ, **settings, "PATH": path},
        capture_output=True,
        text=True,
    )


def asked(home: Home, query: str) -> tuple[Any, ...] | None:
    """The one row of the answer."""
    with duckdb.connect(home.folder / "warehouse.duckdb", read_only=True) as connection:
        row: tuple[Any, ...] | None = connection.execute(query).fetchone()
        return row


def test_dlt_loads_nothing_of_a_failed_run_then_goes_on_from_its_state_and_deletes_what_magnific_has_not(
    home: Home,
) -> None:
    home.use_up_the_day()
    failed = by_dlt(home)
    assert failed.returncode != 0
    assert failed.stderr.startswith("The sync failed, and nothing was loaded: The day's 100 API requests")
    assert asked(home, "select count(*) from duckdb_tables()") == (0,)
    home.next_day()
    home.sandbox.requests()
    done = by_dlt(home)
    assert done.returncode == 0, done.stderr
    home.assert_complete()
    assert set(first_days(home.sandbox)) == {PERIOD["start_date"]}
    [used, *_] = [row for row in home.sandbox.rows(**PERIOD | {"start_date": READ_AGAIN}) if row["project_reference"]]
    project = used["project_reference"]
    home.sandbox.happen(
        {"kind": "refund", "day": used["date"], "tool": used["tool"]}, {"kind": "delete_project", "reference": project}
    )
    # What dlt keeps on the machine may be lost: the state is in the warehouse.
    shutil.rmtree(home.folder / "dlt")
    done = by_dlt(home)
    assert done.returncode == 0, done.stderr
    assert first_days(home.sandbox)[0] == READ_AGAIN
    home.assert_complete()
    assert asked(home, "select count(*) from magnific.credit_usage where _ab_cdc_deleted_at is not null") == (0,)
    assert asked(home, f"select count(*) from magnific.projects where project_reference = '{project}'") == (0,)


def test_dlt_does_nothing_while_another_sync_lasts(home: Home) -> None:
    with (home.folder / "warehouse.lock").open("w") as lock:
        flock(lock, LOCK_EX | LOCK_NB)
        refused = by_dlt(home)
    assert refused.returncode == 1
    assert "Another sync into this warehouse is still running, so this one did nothing." in refused.stderr
    assert home.sandbox.requests() == []


@pytest.fixture()
def cron_job() -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((KUBERNETES / "cronjob.yaml").read_text())
    return manifest


def test_the_cron_job_is_one_by_kubernetes_own_schema_and_its_image_is_well_built() -> None:
    for command in (
        ["kubernetes-validate", "--strict", "--quiet", KUBERNETES / "cronjob.yaml"],
        ["hadolint", KUBERNETES / "Dockerfile"],
    ):
        done = subprocess.run([BESIDE_PYTHON / command[0], *command[1:]], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    [airbyte] = re.findall(r" (airbyte==\S+)", (KUBERNETES / "Dockerfile").read_text())
    assert f"\n{airbyte} " in (ROOT / "locks" / "dev.txt").read_text(), "the version that the tests run on"


def test_the_cron_jobs_command_fills_postgresql_and_one_runs_at_a_time(home: Home, cron_job: dict[str, Any]) -> None:
    """As in the pod: its directory, its files and its variables. The image alone is not there."""
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert "COPY postgres.py /opt/magnific/\n" in (KUBERNETES / "Dockerfile").read_text()
    [python, script] = container["command"]
    assert script == "/opt/magnific/postgres.py"
    here = container["workingDir"]
    assert f"{here}/config.json" in {mount["mountPath"] for mount in container["volumeMounts"]}
    variables = {one["name"]: one["value"].replace(here, str(home.folder)) for one in container["env"]}
    path = f"{home.folder}/.venv/bin:{os.environ['PATH']}"
    with postgres() as port:
        # The server takes any password; in the URL of PyAirbyte not every one can stand as it is.
        secret = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "airbyte", "PGDATABASE": "postgres"}
        secret["PGPASSWORD"] = "p@ss/word:%1"

        def run() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [home.folder / ".venv" / "bin" / python, EXAMPLES / "postgres.py"],
                cwd=home.folder,
                env={"PATH": path, "TMPDIR": str(home.temporary), "DO_NOT_TRACK": "1", **variables, **secret},
                capture_output=True,
                text=True,
            )

        with psycopg.connect(host="127.0.0.1", port=port, user="airbyte", dbname="postgres") as other:
            other.execute("select pg_advisory_lock(hashtext('source-magnific-analytics'))")
            refused = run()
            assert refused.returncode == 1
            assert "Another sync into this database is still running, so this one did nothing." in refused.stderr
            assert home.sandbox.requests() == []
        done = run()
        assert done.returncode == 0, done.stderr
        query = "select tool, sum(user_credits)::bigint from magnific.credit_usage where tool is not null group by tool"
        stored = dict(Postgres(port).query(query))
    expected: Counter[str] = Counter()
    for row in home.sandbox.totals(**PERIOD):
        expected[row["tool"]] += row["user_credits"]
    assert stored == expected
    assert list(home.temporary.iterdir()) == []


def test_the_next_state_is_the_last_of_each_stream_and_keeps_those_that_were_not_read(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    config = {"api_key": sandbox.api_key, "base_url": sandbox.base_url, **PERIOD}
    state = tmp_path / "state.json"
    everything = catalog(*KEYS)

    def follow(messages: bytes) -> dict[str, Any]:
        command = [sys.executable, EXAMPLES / "next_state.py", state]
        subprocess.run(command, input=messages, check=True)
        return {one["stream"]["stream_descriptor"]["name"]: one for one in json.loads(state.read_text())}

    first = read_here(config, everything)
    states = first.of("STATE")
    last = {one["stream"]["stream_descriptor"]["name"]: one for one in states}
    assert len(states) > len(last) > 1
    assert follow(first.stdout) == last
    sandbox.requests()
    second = read_here(config, everything, json.loads(state.read_text()))
    assert second.code == 0
    assert set(first_days(sandbox)) == {READ_AGAIN}
    assert follow(b"") == last
