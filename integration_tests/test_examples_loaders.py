"""Run the other loaders from docs/deploy.md: dlt, a Kubernetes CronJob with PostgreSQL, and your own loader."""

import json
import os
import re
import shutil
import subprocess
import sys
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import psycopg
import yaml
from connector_process import Json, read_here
from destinations import Postgres, postgres
from example_home import EXAMPLES, PERIOD, Home
from sandbox_process import ROOT, USAGE, Sandbox
from venvs import DLT, run
from warehouse import KEYS, catalog

BESIDE_PYTHON = Path(sys.executable).parent
KUBERNETES = EXAMPLES / "kubernetes"
READ_AGAIN = "2026-03-24"


def first_days(sandbox: Sandbox) -> list[str]:
    """Return the first day of each usage request since the last call."""
    return [one["body"]["start_date"] for one in sandbox.requests() if one["path"].endswith(USAGE)]


def by_dlt(home: Home, folder: str = ".") -> subprocess.CompletedProcess[str]:
    settings = {"DLT_DATA_DIR": str(home.folder / "dlt"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    path = f"{home.folder}/.venv/bin:{os.environ['PATH']}"
    return subprocess.run(
        [DLT.program("python"), EXAMPLES / "dlt_pipeline.py"],
        cwd=home.folder / folder,
        env={**os.environ, **settings, "PATH": path},
        capture_output=True,
        text=True,
    )


def test_dlt_loads_nothing_of_a_failed_run_then_goes_on_and_deletes_what_magnific_has_not(home: Home) -> None:
    home.use_up_the_day()
    failed = by_dlt(home)
    assert failed.returncode != 0
    assert "Nothing was loaded, and the next run reads the same days again. The sync failed: This" in failed.stderr
    assert home.query("from duckdb_tables()") == []
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
    # Delete dlt's local files, to check that it restores its state from the warehouse.
    shutil.rmtree(home.folder / "pipelines")
    done = by_dlt(home)
    assert done.returncode == 0, done.stderr
    assert first_days(home.sandbox)[0] == READ_AGAIN
    home.assert_complete()
    assert home.query("from magnific.credit_usage where _ab_cdc_deleted_at is not null") == []
    assert home.query(f"from magnific.projects where project_reference = '{project}'") == []
    (home.folder / "other").mkdir()
    shutil.copy(home.folder / "config.json", home.folder / "other")
    assert by_dlt(home, "other").returncode == 0
    assert (home.folder / "other" / "warehouse.duckdb").exists()


def test_dlt_does_nothing_while_another_sync_lasts(home: Home) -> None:
    with (home.folder / "warehouse.lock").open("w") as lock:
        flock(lock, LOCK_EX | LOCK_NB)
        refused = by_dlt(home)
    assert refused.returncode == 1
    assert "Another sync into this warehouse is still running, so this one did nothing." in refused.stderr
    assert home.sandbox.requests() == []


def test_the_cron_job_is_one_by_kubernetes_own_schema_and_its_image_has_the_version_that_the_tests_run_on() -> None:
    run([BESIDE_PYTHON / "kubernetes-validate", "--strict", "--quiet", KUBERNETES / "cronjob.yaml"])
    [airbyte] = re.findall(r" (airbyte==\S+)", (KUBERNETES / "Dockerfile").read_text())
    assert f"\n{airbyte} " in (ROOT / "locks" / "dev.txt").read_text()


def test_the_cron_jobs_command_fills_postgresql_and_one_runs_at_a_time(home: Home) -> None:
    """Run the command as the pod would, with its directory, files and variables, but without its image."""
    cron_job = yaml.safe_load((KUBERNETES / "cronjob.yaml").read_text())
    [container] = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert "COPY postgres.py /opt/magnific/\n" in (KUBERNETES / "Dockerfile").read_text()
    [python, script] = container["command"]
    assert script == "/opt/magnific/postgres.py"
    here = container["workingDir"]
    assert f"{here}/config.json" in {mount["mountPath"] for mount in container["volumeMounts"]}
    variables = {one["name"]: one["value"].replace(here, str(home.folder)) for one in container["env"]}
    path = f"{home.folder}/.venv/bin:{os.environ['PATH']}"
    with postgres() as port:
        # The server accepts any password. This one has characters that PyAirbyte must escape in the connection URL.
        secret = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "airbyte", "PGDATABASE": "postgres"}
        secret["PGPASSWORD"] = "p@ss/word:%1"

        env = {"PATH": path, "TMPDIR": str(home.temporary), "DO_NOT_TRACK": "1", **variables, **secret}
        command = [home.folder / ".venv" / "bin" / python, EXAMPLES / "postgres.py"]
        with psycopg.connect(host="127.0.0.1", port=port, user="airbyte", dbname="postgres") as other:
            other.execute("select pg_advisory_lock(hashtext('source-magnific-analytics'))")
            refused = subprocess.run(command, cwd=home.folder, env=env, capture_output=True, text=True)
            assert refused.returncode == 1
            assert "Another sync into this database is still running, so this one did nothing." in refused.stderr
            assert home.sandbox.requests() == []
        run(command, cwd=home.folder, env=env)
        home.assert_complete(Postgres(port))
    assert list(home.temporary.iterdir()) == []


def test_the_next_state_has_the_last_of_each_stream_and_those_not_read(sandbox: Sandbox, tmp_path: Path) -> None:
    config = {"api_key": sandbox.api_key, "base_url": sandbox.base_url, **PERIOD}
    state = tmp_path / "state.json"
    everything = catalog(*KEYS)

    def follow(messages: bytes) -> Json:
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
    assert (set(first_days(sandbox)), follow(b"")) == ({READ_AGAIN}, last)
