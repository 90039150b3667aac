"""The console script from end to end: what it reads, and what it says about a wrong configuration."""

import json
import subprocess
import sys
from typing import Any

from connector_process import Connector
from sandbox_process import ROOT, Sandbox
from warehouse import ALL, KEYS, USAGE_ALONE, Warehouse


def test_two_syncs_bring_five_streams_exactly_and_delete_what_is_gone(
    connector: Connector, sandbox: Sandbox, config: dict[str, Any], warehouse: Warehouse
) -> None:
    config |= {"granularity": "day", "start_date": "2026-03-01"}
    run = connector("read", config=config, catalog=ALL)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.stderr, run.errors) == (0, b"", [])
    statuses = [trace["stream_status"]["status"] for trace in run.of("TRACE") if trace["type"] == "STREAM_STATUS"]
    assert statuses.count("COMPLETE") == 5
    assert [len(warehouse.tables[name]) for name in list(KEYS)[:4]] == [14, 4, 4, 6]
    assert "used 5 of the day's 100 API requests" in run.log

    sandbox.happen({"kind": "refund", "day": "2026-03-26", "tool": "Upscaler"})
    sandbox.requests()
    run = connector("read", config=config, catalog=USAGE_ALONE, state=warehouse.state)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, config)
    assert (run.code, run.stderr) == (0, b"")
    assert warehouse.deleted
    assert [one["body"]["start_date"] for one in sandbox.requests()] == ["2026-03-24"]


def test_the_entry_point_of_the_image_is_the_same(connector: Connector, sandbox: Sandbox, config: Any) -> None:
    _, *arguments = connector.command("check", config=config)
    done = subprocess.run([sys.executable, "main.py", *arguments], cwd=ROOT, capture_output=True)
    assert json.loads(done.stdout.splitlines()[-1])["connectionStatus"]["status"] == "SUCCEEDED"
    assert sandbox.count() == 1


def test_a_configuration_that_is_no_json_is_the_answer_to_a_check(connector: Connector) -> None:
    run = connector("check", config="{start_date: today}")
    assert (run.code, run.stderr, run.connection[0]) == (0, b"", "FAILED")
    assert "The configuration file " in run.connection[1]
