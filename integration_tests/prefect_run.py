"""Runs the flow of a file where it would be served, in Prefect's environment: `python prefect_run.py FILE` prints JSON.

The server is a temporary one in PREFECT_HOME.
"""

import json
import runpy
import sys
from typing import Any

from prefect import Flow


def run_once(flow: Flow, *, limit: int, **deployment: Any) -> None:
    """In place of `serve`, which waits for the schedule."""
    [schedule] = flow.to_deployment(flow.name, **deployment).schedules
    state = flow(return_state=True)
    print(json.dumps({"state": state.type.value, "schedule": schedule.schedule.cron, "at_once": limit}))


Flow.serve = run_once
runpy.run_path(sys.argv[1], run_name="__main__")
