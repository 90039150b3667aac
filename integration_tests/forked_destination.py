"""destination-pgvector without its start-up: `Forked` runs it in its environment.

A command has `arguments`, and the file `messages` for its standard input.
"""

from __future__ import annotations

import os
import sys

from destination_pgvector.run import run
from forked import serve


def _run(arguments: list[str], messages: str) -> None:
    sys.argv[1:] = arguments
    os.dup2(os.open(messages, os.O_RDONLY), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    run()


if __name__ == "__main__":
    serve(_run)
