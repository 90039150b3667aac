"""Fixtures for a DuckDB and a PostgreSQL database, each synced twice and built with `dbt build` after each sync."""

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
from synced_twice import MONDAY, TUESDAY, Synced, Used, sync_twice

NOBODY, NO_GROUP = "(not attributed to a person)", "(no group)"


@dataclass(frozen=True)
class Built:
    """A database after two syncs and two builds."""

    synced: Synced
    builds: list[dict[str, str]]

    @property
    def target(self) -> Target:
        return self.synced.target

    @property
    def expected(self) -> list[Used]:
        return self.synced.expected

    def ask(self, sql: str) -> list[Row]:
        """Run a query that names models without their schema, and return the rows."""
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
def duckdb_built(tmp_path_factory: pytest.TempPathFactory, built_ledger: Sandbox, models_project: Project) -> Built:
    folder = tmp_path_factory.mktemp("built")
    return _build(DuckDb(str(folder / "warehouse.duckdb")), folder, built_ledger, models_project)


@pytest.fixture(scope="session")
def postgres_built(
    tmp_path_factory: pytest.TempPathFactory, built_ledger: Sandbox, models_project: Project
) -> Iterator[Built]:
    with analysts_postgres() as target:
        yield _build(target, tmp_path_factory.mktemp("built"), built_ledger, models_project)


@contextmanager
def analysts_postgres() -> Iterator[Postgres]:
    """Yield an empty server whose user has Auckland's time zone, which must not affect any figure."""
    with postgres() as port:
        target = Postgres(port)
        target.execute(f"CREATE ROLE {ANALYST} SUPERUSER LOGIN")
        target.execute(f"ALTER ROLE {ANALYST} SET timezone = 'Pacific/Auckland'")
        yield target


@pytest.fixture(params=["duckdb", "postgres"])
def built(request: pytest.FixtureRequest) -> Built:
    """A built database: first DuckDB, then PostgreSQL. In parallel runs, all tests of one database share a worker."""
    found: Built = request.getfixturevalue(f"{request.param}_built")
    return found


def _build(target: Target, folder: Path, ledger: Sandbox, project: Project) -> Built:
    builds: list[dict[str, str]] = []

    def build(day: str = MONDAY) -> None:
        builds.append(project.run(target, "build", as_of=day, using_credit_usage_by_api_key=True))

    synced = sync_twice(folder, target, ledger, {"local_executable": SCRIPT}, between=build)
    build(TUESDAY)
    return Built(synced, builds)


def cost(rows: Iterable[Used]) -> Decimal:
    return sum((row.credits * row.price[1] for row in rows), Decimal(0))
