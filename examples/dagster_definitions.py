import os
import subprocess
from datetime import timedelta

from dagster import Definitions, RetryPolicy, ScheduleDefinition, asset, define_asset_job

HOME = "/srv/magnific"


# dagster.yaml limits the pool to one run at a time. Retries wait six hours, so that the daily quota can reset.
@asset(pool="magnific", retry_policy=RetryPolicy(max_retries=2, delay=timedelta(hours=6).total_seconds()))
def magnific_credit_usage() -> None:
    path = f"{HOME}/.venv/bin:{os.environ['PATH']}"
    subprocess.run(
        ["python", "sync.py"], cwd=HOME, env={**os.environ, "PATH": path, "AIRBYTE_OFFLINE_MODE": "1"}, check=True
    )


sync = define_asset_job("sync_magnific", selection=[magnific_credit_usage])
defs = Definitions(
    assets=[magnific_credit_usage],
    jobs=[sync],
    schedules=[ScheduleDefinition(job=sync, cron_schedule="17 5 * * *")],
)
