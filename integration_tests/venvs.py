"""Install programs whose requirements conflict with the connector's, each into its own environment."""

import fcntl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sandbox_process import ROOT


@dataclass(frozen=True)
class Environment:
    """The environment `.venv-<name>`. On first use, `make` installs the dependency group `<name>` into it.

    `python` is the required Python version, if it differs from the one that runs the tests.
    """

    name: str
    python: str = ""

    @property
    def folder(self) -> Path:
        return ROOT / f".venv-{self.name}"

    def program(self, name: str) -> Path:
        """Create the environment if necessary, and return the path of a program in it."""
        # If parallel tests need the same environment, one test creates it and the others wait.
        with Path(sys.prefix, f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made = subprocess.run(
                ["make", "--silent", f"{self.folder.name}/ready"], cwd=ROOT, capture_output=True, text=True
            )
        find = [Path(sys.executable).with_name("uv"), "python", "find", "--no-python-downloads", self.python]
        if made.returncode != 0 and self.python and subprocess.run(find).returncode != 0:
            pytest.skip(f"These tests also need Python {self.python}: install it, then run make test again.")
        assert made.returncode == 0, f"{made.stdout}{made.stderr}"
        return self.folder / "bin" / name


def run(command: list[Any], **options: Any) -> str:
    """Run a command that must succeed, by default in the project's folder, and return its standard output."""
    done = subprocess.run(command, capture_output=True, text=True, **{"cwd": ROOT, **options})
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


DBT, MODELS, AIRFLOW, DAGSTER, DLT, PREFECT, SCHEMATHESIS = map(
    Environment, ("dbt", "models", "airflow", "dagster", "dlt", "prefect", "schemathesis")
)
# focus-validator needs packages that have no wheels for Python 3.13. The destination requires a Python before 3.12.
FOCUS, DESTINATION = Environment("focus", "3.12"), Environment("destination", "3.11")
