"""What the tests of the comparison share: a sandbox's export, and a table that holds exactly what its ledger says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from flask.testing import FlaskClient
from sandbox_in_process import ask, listed, sandbox

from verify.compare import main

FIRST, YESTERDAY, TODAY = "2026-03-01", "2026-03-30", "2026-03-31"
DOMAIN = "harbour-studio.example"
Row = dict[str, Any]


@cache
def _shared_sandbox() -> FlaskClient:
    """One for all, since what it draws of a history it keeps."""
    return sandbox()


class Team:
    """A sandbox on TODAY in which nothing has happened, and a folder for what it exports and what was synced of it."""

    def __init__(self, folder: Path) -> None:
        self.client = _shared_sandbox()
        self.client.delete("/_sandbox/changes")
        self.set_today(TODAY)
        self.export_file, self.table_file = folder / "export.csv", folder / "synced.duckdb"

    def happen(self, *events: Row) -> None:
        assert self.client.post("/_sandbox/events", json=list(events)).status_code == 200

    def set_today(self, day: str) -> None:
        assert self.client.post("/_sandbox/today", json={"date": day}).status_code == 200

    def export(self, *forms: str, start_date: str = FIRST, end_date: str = YESTERDAY, **asked: str) -> bytes:
        """What the dashboard hands out, also written to `export_file`."""
        query = {"start_date": start_date, "end_date": end_date, "form": list(forms), **asked}
        answer = self.client.get("/_sandbox/export", query_string=query)
        assert answer.status_code == 200, answer.text
        self.export_file.write_bytes(answer.data)
        return answer.data

    def rows(self, granularity: str = "day", start_date: str = FIRST, **asked: Any) -> list[Row]:
        """The rows of `credit_usage`, from the API's answer."""
        found = []
        for period in ask(self.client, granularity=granularity, start_date=start_date, end_date=TODAY, **asked):
            for tool in period["consumptions"]:
                usages = tool.get("user_usages", [])
                rest = [tool[name] - sum(one[name] for one in usages) for name in ("user_uses", "user_credits")]
                nobody = [{"user_uses": rest[0], "user_credits": rest[1]}] if any(rest) else []
                found += [{"date": period["date"][:10], "tool": tool["tool"], **one} for one in (*usages, *nobody)]
        return found

    def sync(
        self, granularity: str = "day", synced_at: str = f"{TODAY} 06:30", schema: str = "main", **asked: Any
    ) -> None:
        """Put `credit_usage`, `projects` and the state into `table_file`, as they are once a sync has ended."""
        store(self.table_file, self.rows(granularity, **asked), granularity, synced_at, schema)
        projects = [(one["project_reference"], one["name"]) for one in listed(self.client, "projects")]
        state = {"date": synced_at[:10], "start_date": FIRST, "filters": asked}
        with duckdb.connect(self.table_file) as connection:
            connection.execute(f"create table {schema}.projects (project_reference varchar, name varchar)")
            connection.executemany(f"insert into {schema}.projects values (?, ?)", projects)
            connection.execute(f"create table {schema}._airbyte_state (stream_name varchar, state_json varchar)")
            saved = json.dumps({"stream": {"stream_state": state}})
            connection.execute(f"insert into {schema}._airbyte_state values ('credit_usage', ?)", [saved])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.table_file) as connection:
            return connection.execute(sql).fetchall()


_COLUMNS = {
    "usage_id": "varchar",
    "date": "date",
    "granularity": "varchar",
    "tool": "varchar",
    "user_email": "varchar",
    "user_uses": "bigint",
    "user_credits": "bigint",
    "project_reference": "varchar",
    "project_name": "varchar",
    "group_name": "varchar",
    "_ab_cdc_deleted_at": "timestamp",
    "_airbyte_extracted_at": "timestamp",
}


def store(file: Path, rows: Sequence[Row], granularity: str, synced_at: str, schema: str) -> None:
    """A table as PyAirbyte makes it, with one withdrawn row more."""
    places: Counter[str] = Counter()
    stored = []
    for row in rows:
        key = f"{granularity}-{row['date']}-{places[row['date']]}"
        places[row["date"]] += 1
        stored.append({**row, "usage_id": key})
    gone = {"usage_id": "day-2026-03-10-999", "date": "2026-03-10", "user_uses": 0, "user_credits": 0}
    stored.append({**gone, "_ab_cdc_deleted_at": synced_at})
    lines = file.with_suffix(".json")
    same = {"granularity": granularity, "_airbyte_extracted_at": synced_at}
    lines.write_text("".join(f"{json.dumps({**row, **same})}\n" for row in stored))
    with duckdb.connect(file) as connection:
        connection.execute(f"create schema if not exists {schema}")
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in _COLUMNS.items())
        query = f"select * from read_json('{lines}', format = 'newline_delimited', columns = {{{columns}}})"
        connection.execute(f"create table {schema}.credit_usage as {query}")


class Compared:
    """Compares a team's two files, and keeps what was said last."""

    def __init__(self, team: Team, capsys: pytest.CaptureFixture[str]) -> None:
        self._team, self._capsys = team, capsys
        self.printed = self.error = ""

    def __call__(self, *options: str) -> int:
        """The exit code of the command."""
        code = main([str(self._team.export_file), str(self._team.table_file), *options])
        self.printed, self.error = self._capsys.readouterr()
        return code

    @property
    def flat(self) -> str:
        """Without line breaks."""
        return " ".join(self.printed.split())

    def part(self, title: str) -> str:
        """What stands below a title, to the next blank line or title."""
        below = self.printed.partition(f"\n{title}")[2].partition("\n")[2]
        return below.partition("\n\n")[0].partition("\nTo know\n")[0]


def in_ascii(text: str) -> str:
    """With figures that Python can read."""
    return text.replace("\N{MINUS SIGN}", "-").replace(",", "")
