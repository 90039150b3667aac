"""Use PyAirbyte to run check and discover, and to sync into a DuckDB file. PyAirbyte's own output goes to a log."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from demo.interrupts import held_back
from verify.duckdb_file import UserError

if TYPE_CHECKING:
    from airbyte.caches import DuckDBCache
    from airbyte.sources.base import Source

CONNECTOR = "source-magnific-analytics"
BY_API_KEY = "credit_usage_by_api_key"
_ROWS = re.compile(r"Read (\d+) records from (\w+) stream")
_REQUESTS = re.compile(r"This sync used (\d+) of the day's")
_ERROR = re.compile(r" - ERROR - (.*)")
_SYNCING = re.compile(r"Syncing stream: (\w+)")
_WAITING = re.compile(r"(?:waiting|trying again in) \d+ seconds")


@dataclass(frozen=True)
class Synced:
    """One finished sync: the rows of each stream, the number of API requests, and the duration in seconds."""

    rows: Mapping[str, int]
    requests: int
    seconds: float


class Pipeline:
    """The connector and the DuckDB file that it syncs into."""

    def __init__(self, source: Source, cache: DuckDBCache, logs: Path, report: Callable[[str], None]) -> None:
        self._source = source
        self._cache = cache
        self._logs = logs
        self._report = report

    def check(self) -> list[str]:
        """Return the names of all streams. Raises UserError with the connector's message if the check fails."""
        # Discover sends no request to the API, so it can run at the same time as the check.
        with self._watched("the connector's check"), ThreadPoolExecutor(1) as beside:
            streams = beside.submit(self._source.get_available_streams)
            self._source.check()
            return streams.result()

    def sync(self, streams: list[str]) -> Synced:
        """Sync `streams`. PyAirbyte keeps the state in the DuckDB file, so a second sync is incremental."""
        started = time.monotonic()
        before = len(self._read_log())
        with self._watched("the sync"):
            self._source.select_streams(streams)
            # `check` has already validated the configuration.
            self._source.read(cache=self._cache, skip_validation=True)
        said = self._read_log()[before:]
        return Synced(
            rows={stream: int(count) for count, stream in _ROWS.findall(said)},
            requests=sum(map(int, _REQUESTS.findall(said))),
            seconds=time.monotonic() - started,
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run `sql` on what has been synced so far and return the rows."""
        with self._cache.get_sql_engine().connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    @contextmanager
    def _watched(self, doing: str) -> Iterator[None]:
        """Report progress while the block runs; raise UserError with the connector's own message if it fails."""
        before = len(self._read_log())
        done = Event()
        watcher = Thread(target=self._watch, args=(before, done), daemon=True)
        watcher.start()
        try:
            with (self._logs / "pyairbyte.log").open("a") as sink, redirect_stdout(sink), redirect_stderr(sink):
                yield
        except Exception as error:
            errors = _ERROR.findall(self._read_log()[before:])
            # The first error is the connector's own. Later errors repeat it in other words.
            reason = errors[0] if errors else (getattr(error, "context", None) or {}).get("failure_reason")
            raise UserError(
                str(reason) if reason else f"{doing[0].upper()}{doing[1:]} failed ({type(error).__name__}): {error}"
            ) from error
        finally:
            done.set()
            watcher.join()

    def _watch(self, position: int, done: Event) -> None:
        while not done.wait(0.1):
            news = self._read_log()[position:]
            position += len(news)
            for line in news.splitlines():
                if streams := _SYNCING.findall(line):
                    self._report(f"reading {streams[0]}")
                elif _WAITING.search(line):
                    self._report(line.partition(" - ")[2].partition(" - ")[2])

    def _read_log(self) -> str:
        return "".join(file.read_text() for file in sorted(self._logs.glob(f"{CONNECTOR}/*.log")))


@contextmanager
def open_pipeline(
    config: Mapping[str, Any], duckdb_file: Path, logs: Path, report: Callable[[str], None]
) -> Iterator[Pipeline]:
    """Set up PyAirbyte to run the connector installed in the current Python environment; `report` shows progress."""
    executable = Path(sys.executable).parent / CONNECTOR
    if not executable.exists():
        raise UserError(f"{executable} is missing: run  make demo , which installs it")
    # PyAirbyte writes the configuration, including the key, to files that all users can read.
    with _private_directory() as private:
        report("loading PyAirbyte")
        _settle(logs, private)
        # A Ctrl-C can get lost while a library is being imported.
        with held_back(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            import airbyte
        with (logs / "pyairbyte.log").open("a") as sink, redirect_stdout(sink), redirect_stderr(sink):
            source = airbyte.get_source(
                CONNECTOR, config=dict(config), local_executable=executable, install_if_missing=False
            )
            cache = airbyte.caches.DuckDBCache(db_path=duckdb_file, cache_dir=private / "cache")
        try:
            yield Pipeline(source, cache, logs, report)
        finally:
            cache.close()


@contextmanager
def _private_directory() -> Iterator[Path]:
    """Yield a directory that no other user can enter, for files that contain the key. It is deleted at the end."""
    directory = TemporaryDirectory(prefix="magnific-demo-")
    try:
        yield Path(directory.name)
    finally:
        with held_back():
            directory.cleanup()


def _settle(logs: Path, private: Path) -> None:
    """Configure PyAirbyte before it is imported, so that it sends no telemetry and writes only to our folders."""
    os.environ.update(
        DO_NOT_TRACK="1",
        AIRBYTE_OFFLINE_MODE="1",
        AIRBYTE_LOGGING_ROOT=str(logs),
        AIRBYTE_CACHE_ROOT=str(private / "cache"),
        AIRBYTE_TEMP_DIR=str(private),
        TMPDIR=str(private),
        NO_LIVE_PROGRESS="1",
    )
    # Hide the error that SQLAlchemy logs about the connection after an interrupted query.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL + 1)
