"""Programs whose requirements do not fit the connector's, each in an environment of its own."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox_process import ROOT


@dataclass(frozen=True)
class Environment:
    """`.venv-<name>`, which make fills on first use with the group of that name of pyproject.toml."""

    name: str

    @property
    def folder(self) -> Path:
        return ROOT / f".venv-{self.name}"

    def program(self, name: str) -> Path:
        """An installed program."""
        # Tests of several files use it, side by side: one makes it, the others wait.
        with Path(sys.prefix, f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            run(["make", "--silent", f"{self.folder.name}/ready"], cwd=ROOT)
        return self.folder / "bin" / name


def run(command: list[Any], **options: Any) -> None:
    """Run a command that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"


DBT, FOCUS, DESTINATION, AIRFLOW, DAGSTER = map(Environment, ("dbt", "focus", "destination", "airflow", "dagster"))
