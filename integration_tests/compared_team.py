"""Helpers for the comparison's tests: an export from a sandbox, and a table that matches the sandbox's ledger."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from builders import raw_config
from in_process import rows, states, sync
from pendulum import Date
from sandbox_api import SandboxApi

from verify.compare import main

FIRST, YESTERDAY, TODAY = "2026-03-01", "2026-03-30", "2026-03-31"
DOMAIN = "harbour-studio.example"
Row = dict[str, Any]


# All tests share one sandbox, because it caches the usage that it generates.
_API = SandboxApi(today=date.fromisoformat(TODAY))


class Team:
    """A sandbox set to TODAY, without events, and a folder for its export and its synced table."""

    def __init__(self, folder: Path) -> None:
        _API.client.delete("/_sandbox/changes")
        self.set_today(TODAY)
        self.export_file, self.table_file = folder / "export.csv", folder / "synced.duckdb"

    def happen(self, *events: Row) -> None:
        _API.control("events", list(events))

    def set_today(self, day: str) -> None:
        _API.control("today", {"date": day})

    def export(self, start_date: str = FIRST, end_date: str = YESTERDAY, **asked: Any) -> str:
        """Write the dashboard's export to `export_file` and return its text."""
        query = {"start_date": start_date, "end_date": end_date, **asked}
        answer = _API.client.get("/_sandbox/export", query_string=query)
        assert answer.status_code == 200, answer.text
        self.export_file.write_bytes(answer.data)
        return answer.text

    def sync(
        self, granularity: str = "day", synced_at: str = f"{TODAY} 06:30", schema: str = "main", **settings: Any
    ) -> None:
        """Write `credit_usage`, `projects` and the state to `table_file` as PyAirbyte does, and add a deleted row."""
        config = raw_config(**{"granularity": granularity, "start_date": FIRST, "end_date": TODAY, **settings})
        with _API.serving():
            output = sync(config, "projects", "credit_usage", today=Date.fromisoformat(TODAY))
        used = rows(output)
        used.append({"date": "2026-03-10", "usage_id": "day-2026-03-10-999", "granularity": granularity})
        lines = self.table_file.with_suffix(".json")
        lines.write_text("".join(f"{json.dumps({'user_uses': 0, 'user_credits': 0, **row})}\n" for row in used))
        projects = [(one["project_reference"], one["name"]) for one in rows(output, "projects")]
        state = json.dumps({"stream": {"stream_state": states(output)[-1]}})
        with duckdb.connect(self.table_file) as connection:
            connection.execute(f"create schema if not exists {schema}; use {schema}")
            extracted = f"timestamp '{synced_at}' as _airbyte_extracted_at"
            columns = f"read_json('{lines}', columns = {COLUMNS})"
            connection.execute(f"create table credit_usage as select *, {extracted} from {columns}")
            connection.execute("create table projects (project_reference varchar, name varchar)")
            connection.executemany("insert into projects values (?, ?)", projects)
            saved = "create table _airbyte_state as select 'credit_usage' stream_name, ? state_json"
            connection.execute(saved, [state])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.table_file) as connection:
            return connection.execute(sql).fetchall()


_TEXTS = ("usage_id", "granularity", "tool", "user_email", "project_reference", "project_name", "group_name")
COLUMNS = {**dict.fromkeys(_TEXTS, "varchar"), **{"date": "date", "user_uses": "bigint", "user_credits": "bigint"}}


class Compared:
    """Compares a team's export with its table, and keeps the output of the last comparison."""

    def __init__(self, team: Team, capsys: pytest.CaptureFixture[str]) -> None:
        self._team, self._capsys = team, capsys
        self.printed = self.error = ""

    def __call__(self, *options: str) -> int:
        """Run the comparison and return its exit code."""
        code = main([str(self._team.export_file), str(self._team.table_file), *options])
        self.printed, self.error = self._capsys.readouterr()
        return code

    @property
    def flat(self) -> str:
        """The printed output without line breaks."""
        return " ".join(self.printed.split())

    def part(self, title: str) -> str:
        """Return the lines below a title, up to the next blank line, with numbers in a form that Python can parse."""
        below = self.printed.partition(f"\n{title}")[2].partition("\n")[2]
        return below.partition("\n\n")[0].replace("\N{MINUS SIGN}", "-").replace(",", "")
