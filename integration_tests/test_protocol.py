"""Run two syncs with the console script, and a check with an invalid configuration."""

from connector_process import Connector, Json
from sandbox_process import Sandbox
from warehouse import ALL, KEYS, USAGE_ALONE, Warehouse


def test_two_syncs_bring_five_streams_exactly_and_delete_what_is_gone(
    connector: Connector, sandbox: Sandbox, config: Json, warehouse: Warehouse
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


def test_a_configuration_that_is_not_json_fails_the_check(connector: Connector) -> None:
    run = connector("check", config="{start_date: today}")
    assert (run.code, run.stderr, run.connection[0]) == (0, b"", "FAILED")
    assert "The configuration file " in run.connection[1]
