"""`python -m demo.models [DUCKDB FILE]`: build the dbt package on the tables of one sync.

dbt has its own environment, .venv-models, which `make` installs. MAGNIFIC_SEEDS names a folder with magnific_prices.csv
and magnific_allowances.csv. By default, only the sandbox has prices and allowances; they are invented.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from demo.data_origin import FOLDER
from demo.interrupts import INTERRUPTED, end_children
from demo.marts import DUCKDB_FILE, SANDBOX_TABLE, open_marts
from verify.duckdb_file import UserError, open_file, synced_schema

ROOT = Path(__file__).resolve().parent.parent
_PROJECT = ROOT / "demo" / "dbt"
_INSTALL_AND_RUN = 'make --silent .venv-models/ready && exec .venv-models/bin/python -c "$@"'
_TABLES = ("members", "api_keys", "groups", "projects", "credit_usage_by_api_key")
"""Tables that the package can be built without."""
_SUMMARY = "built and checked: "

_ALERTS = """
    select message from magnific__alerts
    where cycle_end >= (select max(through) from magnific__synced)
    qualify level = max(level) over (partition by team, scope, name)
    order by level desc, message
"""

# Parsing the package takes several seconds but needs no tables, so dbt parses it while the connector reads the API.
_PROGRAM = f"""
import json, sys
from collections import Counter
from dbt.cli.main import dbtRunner

options = sys.argv[1:]
dbtRunner().invoke(["--quiet", "deps"])
parsed = dbtRunner().invoke(["--quiet", "parse", *options])
if not parsed.success:
    sys.exit(1)
if not sys.stdin.readline():
    sys.exit(1)
built = dbtRunner(manifest=parsed.result).invoke(["--quiet", "build", *options])
if not built.success:
    sys.exit(1)
print({_SUMMARY!r} + json.dumps(Counter(str(one.status) for one in built.result)), flush=True)
"""


class Build:
    """A process that installs dbt, parses the package, and then waits for `finish` before it builds the models."""

    def __init__(
        self, duckdb_file: Path, folder: Path, is_sandbox: bool, schema: str = "main", tables: Collection[str] = _TABLES
    ) -> None:
        """`folder` is for dbt's log, and for cache files that speed up the next build. `schema` contains the
        synced `tables`."""
        own = os.environ.get("MAGNIFIC_SEEDS")
        invented = is_sandbox and not own
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        folder.mkdir(parents=True, exist_ok=True)
        environment |= {
            "DBT_PROJECT_DIR": str(_PROJECT),
            "DBT_PROFILES_DIR": str(_PROJECT),
            "DBT_TARGET_PATH": str(folder.absolute()),
            "DBT_LOG_PATH": str(folder.absolute()),
            "DBT_DOWNLOADS_DIR": str(folder.absolute() / "downloads"),
            "MAGNIFIC_DUCKDB": str(duckdb_file.absolute()),
            "MAGNIFIC_SEEDS": "seeds" if invented else os.path.relpath(own or _PROJECT / "no-seeds", _PROJECT),
        }
        # If there are no prices or allowances, use the package's own empty seeds.
        seeds = {} if invented or own else {"magnific_analytics_seeds_project": "magnific_analytics"}
        synced = {"magnific_analytics_schema": schema, "magnific_analytics_team_names": {schema: "Team"}}
        using = {f"magnific_analytics_using_{table}": table in tables for table in _TABLES}
        options = ["--vars", json.dumps(synced | using | seeds)]
        self._log = folder / "build.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", _INSTALL_AND_RUN, "sh", _PROGRAM, *options],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def finish(self) -> str:
        """Build the models on the synced tables and return a summary. Raises UserError."""
        self._process.communicate("build\n")
        said = self._log.read_text()
        if self._process.returncode or _SUMMARY not in said:
            last = "\n".join(said.strip().splitlines()[-12:])
            raise UserError(f"dbt could not build the models. The last lines of its log ({self._log}):\n{last}")
        counts = json.loads(said.rpartition(_SUMMARY)[2])
        words = f"{counts.get('success', 0)} tables built, {counts.get('pass', 0)} checks passed"
        warnings = counts.get("warn", 0)
        return words + (f", {warnings} with warnings ({self._log})" if warnings else "")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m demo.models", description="Build the dbt package on a DuckDB file.")
    parser.add_argument("duckdb_file", nargs="?", type=Path, default=FOLDER / DUCKDB_FILE)
    parser.add_argument("--schema", help="schema of the synced tables, if several schemas in the file have them")
    given = parser.parse_args(argv)
    file: Path = given.duckdb_file
    try:
        with open_file(file) as connection:
            schema = synced_schema(connection, file, given.schema)
            query = "select table_name from duckdb_tables() where schema_name = ?"
            tables = {name for (name,) in connection.execute(query, [schema]).fetchall()}
        print(Build(file, FOLDER / "dbt", SANDBOX_TABLE in tables, schema, tables).finish())
        with open_marts(file, "models") as marts:
            for row in marts.rows(_ALERTS):
                print(f"- {row['message']}")
        print(f'The marts are in the schema "models" of {file}. To create a report:  make report WAREHOUSE={file}')
        return 0
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        return 130
    except (UserError, duckdb.Error) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    # End child processes here instead of in `main`, because other callers of `main` might have children of their own.
    try:
        sys.exit(main())
    finally:
        end_children()
