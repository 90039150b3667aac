"""What the tests of databases share: two syncs, each followed by `dbt build`, once in DuckDB and once in PostgreSQL."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from connector_process import SCRIPT
from dbt_project import ANALYST, MODELS, Project
from destinations import DuckDb, Postgres, Row, Target, postgres
from sandbox_process import Sandbox
from synced_twice import MONDAY, TUESDAY, Figures, Synced, Used, sync_twice, used

NOBODY, NO_GROUP = "(not attributed to a person)", "(no group)"


@dataclass(frozen=True)
class Built:
    """A database after two syncs and two builds."""

    synced: Synced
    builds: tuple[dict[str, str], dict[str, str]]
    first_expected: list[Used]
    first_found: Figures

    @property
    def target(self) -> Target:
        return self.synced.target

    @property
    def expected(self) -> list[Used]:
        return self.synced.expected

    def ask(self, sql: str) -> list[Row]:
        """The rows of SQL that names the models alone."""
        return self.target.query(sql.replace("magnific__", f"{MODELS}.magnific__"))


@pytest.fixture(scope="session")
def models_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="session")
def built_ledger() -> Iterator[Sandbox]:
    sandbox = Sandbox(f"--today={MONDAY}")
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def duckdb_built(
    tmp_path_factory: pytest.TempPathFactory,
    built_ledger: Sandbox,
    models_project: Project,
) -> Built:
    folder = tmp_path_factory.mktemp("built")
    return _build(DuckDb(str(folder / "warehouse.duckdb")), folder, built_ledger, models_project)


@pytest.fixture(scope="session")
def postgres_built(
    tmp_path_factory: pytest.TempPathFactory,
    built_ledger: Sandbox,
    models_project: Project,
) -> Iterator[Built]:
    with analysts_postgres() as target:
        yield _build(target, tmp_path_factory.mktemp("built"), built_ledger, models_project)


@contextmanager
def analysts_postgres() -> Iterator[Postgres]:
    """An empty server with an analyst whose evening is another day in UTC: no figure may depend on a session's zone."""
    with postgres() as port:
        target = Postgres(port)
        target.execute(f"CREATE ROLE {ANALYST} SUPERUSER LOGIN")
        target.execute(f"ALTER ROLE {ANALYST} SET timezone = 'Pacific/Auckland'")
        yield target


@pytest.fixture(params=["duckdb", "postgres"])
def built(request: pytest.FixtureRequest) -> Built:
    """The same in both databases. Side by side, one worker has all tests of a database by its name in brackets."""
    found: Built = request.getfixturevalue(f"{request.param}_built")
    return found


def _build(target: Target, folder: Path, ledger: Sandbox, project: Project) -> Built:
    first: list[tuple[dict[str, str], list[Used], Figures]] = []

    def build() -> None:
        results = project.run(target, "build", as_of=MONDAY, using_credit_usage_by_api_key=True)
        first.append((results, used(ledger, changed=False), daily(target)))

    synced = sync_twice(folder, target, ledger, {"local_executable": SCRIPT}, between=build)
    [(first_build, first_expected, first_found)] = first
    second_build = project.run(target, "build", as_of=TUESDAY, using_credit_usage_by_api_key=True)
    return Built(synced, (first_build, second_build), first_expected, first_found)


def daily(target: Target) -> Figures:
    """Uses and credits of each day, tool, project and group in the mart."""
    found = target.query(
        f"SELECT date, tool, project_reference, group_name, uses, credits FROM {MODELS}.magnific__daily_spend"
    )
    return {row[:4]: row[4:] for row in found}


def cost(rows: Iterable[Used]) -> Decimal:
    return sum((row.credits * row.price[1] for row in rows), Decimal(0))
