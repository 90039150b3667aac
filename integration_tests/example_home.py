"""Run the examples from docs/deploy.md in a directory that stands in for /srv/magnific on a server."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from destinations import DuckDb, Postgres, Row
from sandbox_process import ROOT, Sandbox

EXAMPLES = ROOT / "examples"
PERIOD = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
SMALL_STREAMS = 4


@dataclass(frozen=True)
class Home:
    """A directory that stands in for /srv/magnific on a server."""

    folder: Path
    sandbox: Sandbox

    def install(self, example: str) -> Path:
        """Copy an example, adapt its paths to this directory, and make it retry after a second instead of six hours."""
        text = (EXAMPLES / example).read_text().replace("/srv/magnific", str(self.folder))
        copy = self.folder / "dags" / example
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(text.replace("hours=6", "seconds=1"))
        return copy

    @property
    def temporary(self) -> Path:
        """The directory for temporary files."""
        return self.folder / "tmp"

    def use_up_the_day(self) -> None:
        """Allow only the requests for the small streams today, and refuse all others until midnight."""
        self.sandbox.set_limits(per_day=SMALL_STREAMS, reset=True)

    def next_day(self) -> None:
        self.sandbox.set_limits(per_day=100, reset=True)

    def run(self, command: Sequence[str | Path], environment: dict[str, str]) -> str:
        """Run a command and return its standard output. Once a request is refused, start the sandbox's next day."""
        # Write the output to files: nothing reads a pipe during the loop, so a full pipe would block the command.
        with TemporaryFile("w+") as printed, TemporaryFile("w+") as errors:
            with subprocess.Popen(command, cwd=self.folder, env=environment, stdout=printed, stderr=errors) as process:
                while process.poll() is None and not self.sandbox.has_refused():
                    time.sleep(0.1)
                self.next_day()
            for file in (printed, errors):
                file.seek(0)
            assert process.returncode == 0, f"{printed.read()}\n{errors.read()}"
            return printed.read()

    def query(self, sql: str) -> list[Row]:
        return DuckDb(str(self.folder / "warehouse.duckdb")).query(sql)

    def assert_complete(self, target: Postgres | None = None) -> None:
        """Check that the table equals the ledger and, if it is in DuckDB, that only the owner can read the file."""
        assert target or (self.folder / "warehouse.duckdb").stat().st_mode & 0o777 == 0o600
        sums = "select tool, sum(user_credits)::bigint from magnific.credit_usage where tool is not null group by tool"
        expected: Counter[str] = Counter()
        for row in self.sandbox.totals(**PERIOD):
            expected[row["tool"]] += row["user_credits"]
        assert dict((target or self).query(sums)) == expected


@pytest.fixture()
def home(tmp_path: Path, sandbox: Sandbox) -> Home:
    shutil.copy(EXAMPLES / "sync.py", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "tmp").mkdir()
    config = {"api_key": sandbox.api_key, "base_url": sandbox.base_url, **PERIOD}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return Home(tmp_path, sandbox)
