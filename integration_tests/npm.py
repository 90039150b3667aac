"""Judges of our output that npm has: installed on first use, each in a folder of its own, and kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sandbox_process import ROOT


def modules(package: str, version: str) -> Path:
    """The `node_modules` that hold this release of `package`, such as `axe-core`."""
    folder = ROOT / ".venv-npm" / f"{package.rpartition('/')[2]}-{version}"
    if not (folder / "ready").exists():
        command = ["npm", "install", "--no-fund", "--no-audit", f"--prefix={folder}", f"{package}@{version}"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{package} cannot be installed:\n{done.stdout}{done.stderr}"
        (folder / "ready").touch()
    return folder / "node_modules"
