"""Run the dbt package as users do: from another dbt project, with dbt in its own environment."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from subprocess import PIPE
from tempfile import NamedTemporaryFile
from typing import Any

import yaml
from destinations import SCHEMA, DuckDb, Postgres, Target
from sandbox_process import ROOT
from venvs import DBT, run

MODELS = "models"
"""The schema in which the tests build the models."""
STAGING = f"{MODELS}_magnific_staging"
ANALYST = "analyst"
"""The PostgreSQL user who builds the models."""


# The adapters do not compile SQL without these settings, but nothing uses the values.
_LOGIN = {"user": "nobody", "password": "none"}
OFFLINE: Mapping[str, Mapping[str, Any]] = {
    "bigquery": {"type": "bigquery", "method": "oauth-secrets", "token": "none", "project": "magnific"},
    "redshift": {"type": "redshift", "host": "127.0.0.1", "port": 9, "dbname": "magnific", **_LOGIN},
    "snowflake": {"type": "snowflake", "account": "none", "database": "magnific", **_LOGIN},
}


class Project:
    """A copy of the demo's dbt project that installs the package from a git repository."""

    def __init__(self, folder: Path, seeds: Mapping[str, str] | None = None) -> None:
        """Replace the demo's seeds with `seeds` (CSV strings by name); `{}` means the package's own empty seeds."""
        repository, self._folder = folder / "repository", folder / "project"
        shutil.copytree(ROOT / "dbt", repository / "dbt", ignore=_LEFTOVERS)
        git = ["git", "-C", repository, "-c", "user.name=tester", "-c", "user.email=tester@example.com"]
        for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "The package"]):
            run([*git, *command])
        shutil.copytree(ROOT / "demo" / "dbt", self._folder, ignore=_LEFTOVERS)
        package = {"git": f"file://{repository}", "subdirectory": "dbt", "revision": "main"}
        (self._folder / "packages.yml").write_text(json.dumps({"packages": [package]}))
        if seeds is not None:
            shutil.rmtree(self._folder / "seeds")
            (self._folder / "seeds").mkdir()
            for name, text in seeds.items():
                (self._folder / "seeds" / f"{name}.csv").write_text(text)
        self._seeds_project = "magnific_analytics" if seeds == {} else "magnific_demo"
        self._dbt(DuckDb(""), "deps")

    def run(self, target: Target | str, *command: str, **variables: Any) -> dict[str, str]:
        """Run dbt and return each node's status (`success`, `pass`, `warn`, `fail`, …) by name; fail if dbt crashes.

        `target` is a database or, for commands that need no connection, the name of a warehouse. The names in
        `variables` omit the package's prefix.
        """
        return self._results("run_results.json", 2, target, *command, **variables)

    def configure(self, **sections: Any) -> None:
        """Write a `dbt_project.yml` with the demo's settings; `sections` adds settings for the package's nodes."""
        written = yaml.safe_load((ROOT / "demo" / "dbt" / "dbt_project.yml").read_text())
        written |= {name: {"magnific_analytics": section} for name, section in sections.items()}
        (self._folder / "dbt_project.yml").write_text(json.dumps(written))

    def children(self) -> dict[str, set[str]]:
        """Map each of the package's nodes to the nodes that read it. Call `run` with DuckDB first."""
        manifest = json.loads((self._folder / "targets" / "duckdb" / "manifest.json").read_text())
        return {
            name.split(".")[2]: {child.split(".")[2] for child in children}
            for name, children in manifest["child_map"].items()
        }

    def printed(self, target: Target, *command: str, **variables: Any) -> list[str]:
        """Run a dbt operation and return the lines that it prints."""
        return self._dbt(target, "--quiet", *command, **variables).splitlines()

    def freshness(self, target: Target) -> dict[str, str]:
        """Return each source table's freshness by name: `pass`, `warn` or `error`."""
        return self._results("sources.json", 3, target, "source", "freshness")

    def compiled(self, warehouse: str) -> list[Path]:
        """Return the package's SQL files, compiled for a warehouse. Call `run` with `compile` first."""
        return sorted((self._folder / "targets" / warehouse / "compiled" / "magnific_analytics").rglob("*.sql"))

    def _results(self, name: str, part: int, target: Target | str, *command: str, **variables: Any) -> dict[str, str]:
        """Run dbt and return the statuses from the file `name`, keyed by element `part` of each node's dotted ID."""
        file = self._folder / "targets" / _profile(target)["type"] / name
        # Delete an earlier run's file. Otherwise, if dbt wrote no file, the old one would look like this run's result.
        file.unlink(missing_ok=True)
        output = self._dbt(target, *command, **variables)
        results = json.loads(file.read_text())["results"]
        assert results, output
        return {one["unique_id"].split(".")[part]: one["status"] for one in results}

    def _dbt(self, target: Target | str, *command: str, **variables: Any) -> str:
        profile = _profile(target)
        named = {"schema": SCHEMA, "seeds_project": self._seeds_project, "using_credit_usage_by_api_key": False}
        given = {f"magnific_analytics_{name}": value for name, value in {**named, **variables}.items()}
        profiles = {"magnific_demo": {"target": "here", "outputs": {"here": profile}}}
        (self._folder / "profiles.yml").write_text(json.dumps(profiles))
        settings = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_LOG_LEVEL_FILE": "none"}
        settings["DBT_TARGET_PATH"] = str(self._folder / "targets" / profile["type"])
        where = [f"--project-dir={self._folder}", f"--profiles-dir={self._folder}"]
        arguments = ["--no-use-colors", *command, *where, "--vars", json.dumps(given)]
        server = _server()
        assert server.stdin and server.stdout
        with NamedTemporaryFile("r") as printed:
            print(json.dumps([arguments, settings, printed.name]), file=server.stdin, flush=True)
            code, output = int(server.stdout.readline()), printed.read()
        # Exit code 1 means that a node failed, which the caller sees in the results.
        assert code in (0, 1), output
        assert "Deprecat" not in output, output
        return output


@cache
def _server() -> subprocess.Popen[str]:
    return subprocess.Popen([DBT.program("python"), "-P", "-c", _SERVER], stdin=PIPE, stdout=PIPE, text=True)


# Importing dbt takes several seconds. This server imports it only once, and then runs each command in a fork.
_SERVER = """
import json, os, sys
from dbt.cli.main import cli
for line in sys.stdin:
    if (child := os.fork()) == 0:
        arguments, settings, output = json.loads(line)
        os.dup2(os.open(output, os.O_WRONLY), 1)
        os.environ.update(settings)
        cli(arguments)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
_LEFTOVERS = shutil.ignore_patterns("target", "logs", "dbt_packages", "package-lock.yml", ".user.yml")


def _profile(target: Target | str) -> dict[str, Any]:
    common = {"schema": MODELS, "threads": 2}
    match target:
        case DuckDb(path):
            return {"type": "duckdb", "path": path, **common}
        case Postgres(port):
            account = {"host": "127.0.0.1", "port": port, "user": ANALYST, "password": "none", "dbname": "postgres"}
            return {"type": "postgres", **account, **common}
    return {**OFFLINE[target], **common}
