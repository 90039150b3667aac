"""A console script whose imports take seconds: imported once, then forked for each run, one at a time.

`Forked(python, "dbt.cli.main:cli")` starts this file with that Python; each line that it reads is a run as JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any


class Forked:
    """The script in its process, which ends when nobody can send it a run any more."""

    def __init__(self, python: Path, entry_point: str) -> None:
        command = [python, "-P", __file__, entry_point]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, arguments: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        """Exit code and standard output."""
        assert self._process.stdin and self._process.stdout
        with tempfile.NamedTemporaryFile("r") as output:
            call = {"arguments": arguments, "env": dict(env), "output": output.name}
            print(json.dumps(call), file=self._process.stdin, flush=True)
            return int(self._process.stdout.readline()), output.read()


def _serve(run: Callable[[], object]) -> None:
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            _be_a_program_of_its_own(run, **json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _be_a_program_of_its_own(run: Callable[[], object], arguments: list[str], env: Any, output: str) -> None:
    os.dup2(os.open(output, os.O_WRONLY), 1)
    sys.argv[1:] = arguments
    os.environ.clear()
    os.environ.update(env)
    code: Any = 1
    try:
        run()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else bool(code))


if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    _serve(getattr(import_module(module), name))
