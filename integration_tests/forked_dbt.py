"""dbt without its start-up: `Forked` runs it in dbt's environment. A command has `arguments`."""

from __future__ import annotations

import sys

from dbt.cli.main import cli
from forked import serve


def _run(arguments: list[str]) -> None:
    cli(arguments)


if __name__ == "__main__":
    # It would take what is called dbt_… beside this file for plugins.
    del sys.path[0]
    serve(_run)
