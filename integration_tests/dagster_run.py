"""Runs the definitions of a file, in Dagster's environment: `python dagster_run.py FILE` prints its end as JSON.

The instance is that of DAGSTER_HOME.
"""

import json
import runpy
import sys
from datetime import UTC, datetime

from dagster import DagsterInstance, build_schedule_context, materialize

defs = runpy.run_path(sys.argv[1])["defs"]
with DagsterInstance.get() as instance:
    [schedule] = defs.schedules
    context = build_schedule_context(instance, datetime(2026, 11, 26, 5, 17, tzinfo=UTC), repository_def=None)
    tick = schedule.evaluate_tick(context)
    job = defs.resolve_job_def(schedule.job_name)
    result = materialize(list(defs.assets), instance=instance)
    pools = {pool for one in defs.assets for pool in one.op.pools}
    said = {
        "success": result.success,
        "retries": sum(event.is_step_up_for_retry for event in result.all_events),
        "schedule": schedule.cron_schedule,
        "asked_for": len(tick.run_requests),
        "at_once": {pool: instance.event_log_storage.get_concurrency_info(pool).slot_count for pool in pools},
        "job_runs": sorted(node.name for node in job.graph.nodes),
    }
print(json.dumps(said))
