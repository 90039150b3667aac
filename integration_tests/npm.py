"""What npm has for the tests, judges of our output most of all: installed on first use, each in a folder, and kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sandbox_process import ROOT


def modules(name: str, *packages: str) -> Path:
    """The `node_modules` with these releases, such as `axe-core@4.14.1`, in `.venv-npm/<name>`."""
    folder = ROOT / ".venv-npm" / name
    ready = folder / "ready"
    if not ready.exists() or ready.read_text() != str(packages):
        command = ["npm", "install", "--ignore-scripts", "--no-fund", "--no-audit", f"--prefix={folder}", *packages]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{', '.join(packages)} cannot be installed:\n{done.stdout}{done.stderr}"
        ready.write_text(str(packages))
    return folder / "node_modules"
