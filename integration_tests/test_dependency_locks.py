"""Check that the files in locks/ list every package that is installed in the tests' environments."""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version
from sandbox_process import ROOT
from venvs import AIRFLOW, DAGSTER, DBT, DESTINATION, DLT, FOCUS, MODELS, PREFECT, SCHEMATHESIS, Environment


def locked(name: str) -> set[tuple[str, str]]:
    """Return each name and version in a lock file. A package can have different versions for different Pythons."""
    return set(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "locks" / f"{name}.txt").read_text(), re.MULTILINE))


def installed(packages: Path) -> set[tuple[str, str]]:
    """Return the names and versions of the installed packages, except the connector."""
    found = {(canonicalize_name(one.name), str(Version(one.version))) for one in distributions(path=[str(packages)])}
    return {(name, version) for name, version in found if name != "airbyte-source-magnific-analytics"}


def test_what_the_tests_run_on_is_locked() -> None:
    [packages] = Path(sys.prefix).glob("lib/python3*/site-packages")
    assert installed(packages) - locked("dev") == set(), "not in locks/dev.txt: run make clean and try again"


@pytest.mark.parametrize(
    "environment",
    [AIRFLOW, DAGSTER, DBT, MODELS, DESTINATION, DLT, PREFECT, SCHEMATHESIS, FOCUS],
    ids=lambda one: one.name,
)
def test_separate_environments_are_locked(environment: Environment) -> None:
    environment.program("python")
    lock = {"dagster": "dev", "models": "dbt"}.get(environment.name, environment.name)
    [packages] = environment.folder.glob("lib/python3*/site-packages")
    assert installed(packages)
    assert installed(packages) - locked(lock) == set()
