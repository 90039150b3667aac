"""Runs the one DAG of a folder, in Airflow's environment: `python airflow_run.py FOLDER` prints its end as JSON."""

import json
import sys

from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb

initdb()
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
[dag] = bag.dags.values()
run = dag.test()
tasks = {task.task_id: [task.state, task.try_number] for task in run.get_task_instances()}
print(json.dumps({"state": run.state, "tasks": tasks, "schedule": dag.schedule}))
