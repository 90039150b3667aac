from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

# Each run reads all missing days, so catchup is off. Retries wait six hours, so that the daily quota can reset.
with DAG(
    "magnific_credit_usage",
    schedule="17 5 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(hours=6)},
):
    BashOperator(
        task_id="sync",
        bash_command="cd /srv/magnific && PATH=.venv/bin:$PATH AIRBYTE_OFFLINE_MODE=1 python sync.py",
    )
