import os
import subprocess
from datetime import timedelta

from prefect import flow, task

HOME = "/srv/magnific"


# Retries wait six hours, so that the daily quota can reset.
@task(retries=2, retry_delay_seconds=timedelta(hours=6).total_seconds())
def sync() -> None:
    path = f"{HOME}/.venv/bin:{os.environ['PATH']}"
    subprocess.run(
        ["python", "sync.py"], cwd=HOME, env={**os.environ, "PATH": path, "AIRBYTE_OFFLINE_MODE": "1"}, check=True
    )


@flow
def magnific_credit_usage() -> None:
    sync()


if __name__ == "__main__":
    magnific_credit_usage.serve(cron="17 5 * * *", limit=1)
