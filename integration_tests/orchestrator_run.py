"""Run an example once in its orchestrator, and print the result as JSON: `orchestrator_run.py airflow FILE`.

The orchestrator keeps its files in AIRFLOW_HOME, DAGSTER_HOME or PREFECT_HOME.
"""

import json
import runpy
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def airflow(file: str) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    initdb()
    bag = DagBag(str(Path(file).parent))
    assert not bag.import_errors, bag.import_errors
    [dag] = bag.dags.values()
    run = dag.test()
    tasks = {task.task_id: [task.state, task.try_number] for task in run.get_task_instances()}
    return {"state": run.state, "tasks": tasks, "schedule": dag.schedule}


def dagster(file: str) -> dict[str, Any]:
    from dagster import DagsterInstance, build_schedule_context, materialize

    defs = runpy.run_path(file)["defs"]
    with DagsterInstance.get() as instance:
        [schedule] = defs.schedules
        context = build_schedule_context(instance, datetime(2026, 11, 26, 5, 17, tzinfo=UTC), repository_def=None)
        tick = schedule.evaluate_tick(context)
        job = defs.resolve_job_def(schedule.job_name)
        result = materialize(list(defs.assets), instance=instance)
        pools = {pool for one in defs.assets for pool in one.op.pools}
        return {
            "success": result.success,
            "retries": sum(event.is_step_up_for_retry for event in result.all_events),
            "schedule": schedule.cron_schedule,
            "asked_for": len(tick.run_requests),
            "at_once": {pool: instance.event_log_storage.get_concurrency_info(pool).slot_count for pool in pools},
            "job_runs": sorted(node.name for node in job.graph.nodes),
        }


def prefect(file: str) -> dict[str, Any]:
    from prefect import Flow

    said: dict[str, Any] = {}

    def run_once(flow: Any, *, limit: int, **deployment: Any) -> None:
        """Run the flow once. This function replaces `serve`, which would wait for the schedule."""
        [schedule] = flow.to_deployment(flow.name, **deployment).schedules
        state = flow(return_state=True)
        said.update({"state": state.type.value, "schedule": schedule.schedule.cron, "at_once": limit})

    Flow.serve = run_once
    runpy.run_path(file, run_name="__main__")
    return said


if __name__ == "__main__":
    print(json.dumps({"airflow": airflow, "dagster": dagster, "prefect": prefect}[sys.argv[1]](sys.argv[2])))
