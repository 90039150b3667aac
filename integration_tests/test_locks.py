"""What make installs stands in locks/, in every environment, and in the versions that pyproject.toml allows."""

import re
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from sandbox_process import ROOT
from venvs import AIRFLOW, DAGSTER, DBT, DESTINATION, DLT, FOCUS, MODELS, PREFECT, SCHEMATHESIS, Environment

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]


def locked(name: str) -> set[tuple[str, str]]:
    """Names and versions; a name has several where these depend on the Python."""
    return set(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "locks" / f"{name}.txt").read_text(), re.MULTILINE))


def installed(packages: Path) -> set[tuple[str, str]]:
    """Names and versions of what is there, but for the connector."""
    found = {(canonicalize_name(one.name), str(Version(one.version))) for one in distributions(path=[str(packages)])}
    return {(name, version) for name, version in found if name != "airbyte-source-magnific-analytics"}


def asked(group: str) -> list[Requirement]:
    """What a group names, with what it includes."""
    return [
        requirement
        for one in GROUPS[group]
        for requirement in (asked(one["include-group"]) if isinstance(one, dict) else [Requirement(one)])
    ]


def test_what_the_tests_run_on_is_locked() -> None:
    [packages] = Path(sys.prefix).glob("lib/python3*/site-packages")
    assert installed(packages) - locked("dev") == set(), "not from locks/dev.txt: make clean, and again"


@pytest.mark.parametrize(
    "environment",
    [AIRFLOW, DAGSTER, DBT, MODELS, DESTINATION, DLT, PREFECT, SCHEMATHESIS, FOCUS],
    ids=lambda one: one.name,
)
def test_what_is_kept_apart_is_locked(environment: Environment) -> None:
    environment.program("python")
    lock = {"dagster": "dev", "models": "dbt"}.get(environment.name, environment.name)
    [packages] = environment.folder.glob("lib/python3*/site-packages")
    assert installed(packages)
    assert installed(packages) - locked(lock) == set()


@pytest.mark.parametrize(
    ("lock", "groups"),
    [
        ("dev", ["dev", "dagster", "singer"]),
        ("lowest", ["unit"]),
        *((name, [name]) for name in ("airflow", "dbt", "destination", "dlt", "focus", "prefect", "schemathesis")),
    ],
)
def test_a_lock_holds_only_versions_that_its_groups_allow(lock: str, groups: list[str]) -> None:
    versions = locked(lock)
    for requirement in (one for group in groups for one in asked(group)):
        found = {version for name, version in versions if name == canonicalize_name(requirement.name)}
        assert found, f"{requirement}: make lock"
        assert any(requirement.specifier.contains(one, prereleases=True) for one in found), f"{requirement}: make lock"


def test_dbt_reads_the_file_with_the_version_that_writes_it() -> None:
    reader, writer = ({version for name, version in locked(lock) if name == "duckdb"} for lock in ("dbt", "dev"))
    assert reader == writer
