"""Programs whose requirements do not fit the connector's, each in an environment of its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox_process import ROOT
from uv import find_uv_bin

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Environment:
    """Made by uv on first use, as a file of requirements says, and kept in `.venv-<name>` until that changes."""

    requirements: Path
    python: str = sys.executable

    @property
    def folder(self) -> Path:
        return ROOT / f".venv-{self.requirements.stem.removeprefix('requirements-')}"

    def program(self, name: str) -> Path:
        """An installed program."""
        ready, wanted = self.folder / "ready", self.requirements.read_text()
        # Tests of several files use it, side by side: one makes it, the others wait.
        with Path(sys.prefix, f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists() or ready.read_text() != wanted:
                # Pyenv's versions are found although none of them is the current one.
                pyenv = [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.1*/bin"))]
                search = {**os.environ, "PATH": os.pathsep.join([*pyenv, os.environ["PATH"]])}
                run([find_uv_bin(), "venv", "--quiet", "--clear", "--python", self.python, self.folder], env=search)
                run([find_uv_bin(), "pip", "install", "--quiet", "--python", self.folder, "-r", self.requirements])
                ready.write_text(wanted)
        return self.folder / "bin" / name


def run(command: list[Any], **options: Any) -> None:
    """Run a command that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"


DBT = Environment(HERE / "dbt.txt")
FOCUS = Environment(HERE / "focus.txt", ">=3.12,<3.14")
DESTINATIONS = Environment(HERE / "destinations.txt")
AIRFLOW, DAGSTER = (Environment(ROOT / "examples" / f"requirements-{name}.txt") for name in ("airflow", "dagster"))
