"""Python that has imported what PyAirbyte imports, which takes seconds: `Forked` runs it.

PyAirbyte itself is left to the program, since it looks at the environment when it is imported. A command's `arguments`
are the interpreter's path, for `sys.executable`; `-m` and a module, or a file; and the program's own.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from forked import serve

# The demo is not installed. A program takes this place.
sys.path[0] = str(Path(__file__).parent.parent)
import airbyte  # noqa: E402, F401


def _forget(*packages: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


def _take_over(first: str, path: str) -> None:
    """Do with PYTHONPATH what the interpreter does at its start; `first` is where the program is."""
    sys.path[:1] = [first, *filter(None, path.split(os.pathsep))]
    sys.modules.pop("sitecustomize", None)
    if find_spec("sitecustomize"):
        import_module("sitecustomize")


def _run(arguments: list[str]) -> None:
    sys.executable, *command = arguments
    is_module = command[0] == "-m"
    sys.argv[:] = command[is_module:]
    program = sys.argv[0]
    _take_over("" if is_module else str(Path(program).parent), os.environ.get("PYTHONPATH", ""))
    if is_module:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        # A file is not beside them.
        _forget("demo", "sandbox")
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    _forget("airbyte")
    serve(_run)
