"""Programs whose requirements do not fit the connector's, each in an environment of its own."""

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
    """`.venv-<name>`, which make fills on first use with the group of that name of pyproject.toml.

    `python` is the one that it needs, where it does not take the tests' own.
    """

    name: str
    python: str = ""

    @property
    def folder(self) -> Path:
        return ROOT / f".venv-{self.name}"

    def program(self, name: str) -> Path:
        """An installed program."""
        # Tests of several files use it, side by side: one makes it, the others wait.
        with Path(sys.prefix, f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made = subprocess.run(
                ["make", "--silent", f"{self.folder.name}/ready"], cwd=ROOT, capture_output=True, text=True
            )
        find = [Path(sys.executable).with_name("uv"), "python", "find", "--no-python-downloads", self.python]
        if made.returncode != 0 and self.python and subprocess.run(find).returncode != 0:
            pytest.skip(f"They need Python {self.python} beside this one: install it, and run make test again.")
        assert made.returncode == 0, f"{made.stdout}{made.stderr}"
        return self.folder / "bin" / name


def run(command: list[Any], **options: Any) -> str:
    """Run a command that has to succeed, in the project's folder unless told otherwise; return its standard output."""
    done = subprocess.run(command, capture_output=True, text=True, **{"cwd": ROOT, **options})
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


DBT, MODELS, AIRFLOW, DAGSTER, DLT, PREFECT, SCHEMATHESIS = map(
    Environment, ("dbt", "models", "airflow", "dagster", "dlt", "prefect", "schemathesis")
)
# focus-validator needs Python 3.12 and ready-made packages, which the newer ones lack; the destination has old pins.
FOCUS, DESTINATION = Environment("focus", "3.12"), Environment("destination", "3.11")
