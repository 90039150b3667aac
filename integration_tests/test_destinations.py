"""PyAirbyte and a published destination load the connector's records twice; SQL then compares with the ledger."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from built_image import DOCKER, IMAGE, build, engine
from connector_process import FastConnector
from destinations import SCHEMA, DuckDb, Postgres, Published, PyAirbyte, Row, Target, debian_programs, postgres
from sandbox_process import Sandbox
from warehouse import USAGE_ALONE, Warehouse

MONDAY, TUESDAY = "2026-03-30", "2026-03-31"
# The second sync reads the lookback's seven days again, and what came after.
START, READ_AGAIN = "2025-07-01", "2026-03-23"
PROJECT, NEW_NAME = "7c1f0a52-4a8e-4f0b-9d55-0b8f6f2f1a01", 'Winter\'s "Catalogue" №2'
OLD_EMAIL, NEW_EMAIL = "omar.haddad@harbour-studio.example", "omar.h@harbour-studio.example"
CREDITED = 1234
REFUND = {"kind": "refund", "day": "2026-03-26", "tool": "Upscaler"}


@dataclass(frozen=True)
class Synced:
    """A destination after two syncs, between which a day went by and the past was changed."""

    target: Target
    sandbox: Sandbox
    late: dict[str, Any]
    """The entry that was added to an existing row."""
    before: dict[str, Row]
    """The rows of credit usage after the first sync, by their id."""
    records: tuple[int, int]

    def rows(self, where: str = "TRUE") -> dict[str, Row]:
        return usage_rows(self.target, where)


def usage_rows(target: Target, where: str = "TRUE") -> dict[str, Row]:
    """(date, tool, email, project, name of the project, uses, credits) by id; an id that is there twice fails."""
    columns = "usage_id, date, tool, user_email, project_reference, project_name, user_uses, user_credits"
    found = target.query(f"SELECT {columns} FROM {SCHEMA}.credit_usage WHERE {where}")
    rows = {row[0]: row[1:] for row in found}
    assert len(rows) == len(found)
    return rows


def change_the_past(sandbox: Sandbox) -> dict[str, Any]:
    """A day goes by, and what Magnific says about the days before changes; the late entry."""
    rows = sandbox.rows(start_date="2026-03-25", end_date="2026-03-25")
    row = next(row for row in rows if row["user_email"] != OLD_EMAIL and row["project_reference"])
    late = {"day": row["date"], "tool": row["tool"], "email": row["user_email"], "uses": 1, "credits": CREDITED}
    sandbox.happen(
        {"kind": "rename_project", "reference": PROJECT, "name": NEW_NAME},
        {"kind": "late", "project_reference": row["project_reference"], **late},
        {"kind": "change_email", "old": OLD_EMAIL, "new": NEW_EMAIL},
        REFUND,
    )
    sandbox.set_today(TUESDAY)
    return {**row, **late}


def config(sandbox: Sandbox, end: str, start: str = START) -> dict[str, Any]:
    return {"api_key": sandbox.api_key, "base_url": sandbox.base_url, "start_date": start, "end_date": end}


@pytest.fixture(scope="module")
def past() -> Iterator[Sandbox]:
    """A sandbox that is put back before each pair of syncs."""
    sandbox = Sandbox(f"--today={MONDAY}")
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with postgres(debian_programs()) as port:
        yield port


@pytest.fixture(scope="module")
def image() -> tuple[str, dict[str, str]]:
    """The name of the connector's image and the environment that leads to its engine."""
    with engine() as settings:
        build()
    # PyAirbyte takes the first docker on the path.
    return IMAGE, settings | {"PATH": f"{Path(DOCKER).parent}:{os.environ['PATH']}"}


@pytest.fixture(
    scope="module",
    params=[
        "connector-duckdb",
        "connector-postgres",
        pytest.param("image-duckdb", marks=pytest.mark.image),
        pytest.param("image-postgres", marks=pytest.mark.image),
    ],
)
def synced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, past: Sandbox) -> Iterator[Synced]:
    program, kind = request.param.split("-")
    image, environment = request.getfixturevalue("image") if program == "image" else (None, {})
    folder = tmp_path_factory.mktemp(request.param)
    target: Target = DuckDb(str(folder / "warehouse.duckdb"))
    if kind == "postgres":
        target = Postgres(request.getfixturevalue("server"))
        target.query(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    past.clear(MONDAY)
    with PyAirbyte(folder, environment) as pyairbyte:
        first = pyairbyte.sync(config(past, MONDAY), target, image)
        before = usage_rows(target)
        late = change_the_past(past)
        second = pyairbyte.sync(config(past, TUESDAY), target, image)
    yield Synced(target, past, late, before, (first, second))


def test_the_second_sync_brings_the_days_of_the_lookback_alone(synced: Synced) -> None:
    lists = 14 + 4 + 4 + 6
    assert synced.records[0] == len(synced.before) + lists
    # A row that was withdrawn comes along with its zeros.
    assert synced.records[1] == len(synced.rows(f"date >= '{READ_AGAIN}'")) + lists
    old = f"date < '{READ_AGAIN}'"
    assert synced.rows(old) == {key: row for key, row in synced.before.items() if str(row[0]) < READ_AGAIN}


def test_the_sums_equal_the_ledger(synced: Synced) -> None:
    found = synced.target.query(
        f"""SELECT CAST(date AS VARCHAR), tool, CAST(SUM(user_uses) AS BIGINT), CAST(SUM(user_credits) AS BIGINT)
        FROM {SCHEMA}.credit_usage WHERE tool IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    told = synced.sandbox.totals(start_date=START, end_date=TUESDAY)
    assert found == [tuple(total.values()) for total in told]
    [everything] = synced.target.query(
        f"SELECT CAST(SUM(user_uses) AS BIGINT), CAST(SUM(user_credits) AS BIGINT) FROM {SCHEMA}.credit_usage"
    )
    assert everything == (sum(one["user_uses"] for one in told), sum(one["user_credits"] for one in told))


def test_the_rows_read_again_are_those_of_the_ledger(synced: Synced) -> None:
    found = Counter(
        (str(day), tool, email, project, uses, credits)
        for day, tool, email, project, _, uses, credits in synced.rows(f"date >= '{READ_AGAIN}'").values()
        if email is not None
    )
    columns = ("date", "tool", "user_email", "project_reference", "user_uses", "user_credits")
    told = synced.sandbox.rows(start_date=READ_AGAIN, end_date=TUESDAY)
    assert found == Counter(tuple(row[column] for column in columns) for row in told)


def without_names(rows: Iterable[Row]) -> Counter[Row]:
    """Date, tool, email, project and figures, of days that are the same in both syncs: Monday went on meanwhile."""
    return Counter((row[0], *row[1:4], *row[5:]) for row in rows if READ_AGAIN <= str(row[0]) < MONDAY)


def test_a_renamed_project_keeps_its_figures(synced: Synced) -> None:
    def of_others(rows: Iterable[Row]) -> list[Row]:
        """Without what else has changed."""
        changed = [(REFUND["day"], REFUND["tool"]), (synced.late["date"], synced.late["tool"])]
        return [row for row in rows if row[2] not in (OLD_EMAIL, NEW_EMAIL) and (str(row[0]), row[1]) not in changed]

    now = of_others(synced.rows(f"project_reference = '{PROJECT}' AND date >= '{READ_AGAIN}'").values())
    before = of_others(row for row in synced.before.values() if row[3] == PROJECT and str(row[0]) >= READ_AGAIN)
    assert {row[4] for row in now} == {NEW_NAME}
    assert {row[4] for row in before} == {"Autumn Catalogue"}
    assert without_names(now) == without_names(before)
    found = synced.target.query(f"SELECT name FROM {SCHEMA}.projects WHERE project_reference = '{PROJECT}'")
    assert found == [(NEW_NAME,)]


def test_a_late_correction_replaces_its_row(synced: Synced) -> None:
    def find(rows: dict[str, Row]) -> list[tuple[int, int]]:
        wanted = tuple(synced.late[name] for name in ("date", "tool", "user_email", "project_reference"))
        return [(row[5], row[6]) for row in rows.values() if (str(row[0]), *row[1:4]) == wanted]

    [(uses, credits)] = find(synced.before)
    assert find(synced.rows()) == [(uses + 1, credits + CREDITED)]


def test_a_changed_email_takes_its_figures_along(synced: Synced) -> None:
    refund = (REFUND["day"], REFUND["tool"])
    old = (row for row in synced.before.values() if row[2] == OLD_EMAIL and (str(row[0]), row[1]) != refund)
    now = synced.rows(f"date >= '{READ_AGAIN}'").values()
    moved = without_names((*row[:2], NEW_EMAIL, *row[3:]) for row in old)
    assert moved
    assert without_names(row for row in now if row[2] == NEW_EMAIL) == moved
    assert OLD_EMAIL not in {row[2] for row in now}


def test_refunded_usage_leaves_rows_that_say_nothing_but_that_they_are_withdrawn(synced: Synced) -> None:
    refunded = [row for row in synced.before.values() if (str(row[0]), row[1]) == (REFUND["day"], REFUND["tool"])]
    withdrawn = synced.rows("_ab_cdc_deleted_at IS NOT NULL")
    empty = (date.fromisoformat(REFUND["day"]), None, None, None, None, 0, 0)
    assert list(withdrawn.values()) == [empty] * len(refunded) != []
    assert withdrawn == synced.rows("tool IS NULL")


def test_a_new_day_is_there_and_the_day_before_is_whole(synced: Synced) -> None:
    assert TUESDAY not in {str(row[0]) for row in synced.before.values()}
    days = synced.target.query(
        f"""SELECT CAST(date AS VARCHAR), CAST(SUM(user_credits) AS BIGINT) FROM {SCHEMA}.credit_usage
        WHERE date >= '{MONDAY}' GROUP BY 1 ORDER BY 1"""
    )
    told = synced.sandbox.totals(start_date=MONDAY, end_date=TUESDAY)
    assert days == [(day, sum(one["user_credits"] for one in told if one["date"] == day)) for day in (MONDAY, TUESDAY)]
    assert days[0][1] > sum(row[6] for row in synced.before.values() if str(row[0]) == MONDAY) > 0


def test_the_types_are_those_of_the_values(synced: Synced) -> None:
    found = synced.target.query(
        f"""SELECT table_name, column_name, LOWER(data_type) FROM information_schema.columns
        WHERE table_schema = '{SCHEMA}' AND column_name IN ('date', 'user_uses', 'user_credits', 'created_at',
        'group_id', 'member_count', 'usage_id', '_ab_cdc_deleted_at')"""
    )
    types = {f"{table}.{column}": kind for table, column, kind in found}
    assert types.pop("credit_usage._ab_cdc_deleted_at").startswith("timestamp")
    assert types.pop("api_keys.created_at").startswith("timestamp")
    assert types.pop("credit_usage.usage_id") in ("varchar", "character varying")
    whole = ("credit_usage.user_uses", "credit_usage.user_credits", "groups.group_id", "groups.member_count")
    assert types == {"credit_usage.date": "date", **dict.fromkeys(whole, "bigint")}


def test_values_arrive_as_they_were(synced: Synced) -> None:
    assert {type(row[0]) for row in synced.rows().values()} == {date}
    [(created,)] = synced.target.query(
        f"SELECT created_at FROM {SCHEMA}.api_keys WHERE api_key_id = 'fpk-c5127fa9d36e'"
    )
    moment = created if created.tzinfo else created.replace(tzinfo=UTC)
    assert moment == datetime(2024, 11, 4, 7, 55, 10, tzinfo=UTC)
    assert synced.target.query(f"SELECT COUNT(*) FROM {SCHEMA}.projects WHERE name = 'Café Menü & Posters'") == [(1,)]


def test_a_request_to_another_host_is_noticed_even_if_its_failure_is_swallowed(tmp_path: Path) -> None:
    with PyAirbyte(tmp_path) as pyairbyte, pytest.raises(AssertionError, match=r"telemetry\.invalid"):
        pyairbyte.call(_report_home)


def _report_home() -> None:
    with suppress(OSError):
        socket.create_connection(("telemetry.invalid", 443), timeout=1)


def test_a_published_destination_ends_with_one_document_for_each_row(
    tmp_path: Path, past: Sandbox, fast: FastConnector
) -> None:
    """destination-pgvector ignores Airbyte's sign of deletion: a document of a withdrawn row stays as it was."""
    start = "2026-03-20"
    past.clear(MONDAY)
    published, source = Published(tmp_path), Warehouse()
    with published.server() as port:
        # It merges into tables of the default schema alone.
        indexing = {"host": "127.0.0.1", "port": port, "database": "postgres", "default_schema": "public"}
        settings = {
            "processing": {"chunk_size": 1000, "text_fields": ["usage_id"]},
            "embedding": {"mode": "fake"},
            "indexing": {**indexing, "username": "airbyte", "credentials": {"password": "none"}},
        }

        def sync(end: str) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
            """The rows that were handed on, and all documents after that, by their ids."""
            run = fast("read", config=config(past, end, start), catalog=USAGE_ALONE, state=source.state)
            source.load(run.stdout)
            published.write(settings, USAGE_ALONE, run.stdout)
            found = Postgres(port).query("SELECT document_id, metadata FROM credit_usage")
            documents: dict[str, dict[str, Any]] = dict(found)
            assert len(documents) == len(found)
            return run.records("credit_usage"), documents

        handed_on, before = sync(MONDAY)
        assert len(before) == len(handed_on)
        change_the_past(past)
        handed_on, after = sync(TUESDAY)

    gone = [row["usage_id"] for row in handed_on if row.get("_ab_cdc_deleted_at")]
    withdrawn = {f"Stream_credit_usage_Key_{usage_id}" for usage_id in gone}
    refunded = [row for row in before.values() if (row["date"], row["tool"]) == (REFUND["day"], REFUND["tool"])]
    assert len(withdrawn) == len(refunded) > 0
    assert {key: after.pop(key) for key in withdrawn} == {key: before[key] for key in withdrawn}

    told = past.totals(start_date=start, end_date=TUESDAY)
    sums: Counter[tuple[str, str]] = Counter()
    for row in after.values():
        sums[row["date"], row["tool"]] += row["user_credits"]
    assert sums == {(one["date"], one["tool"]): one["user_credits"] for one in told}
    assert OLD_EMAIL not in {row.get("user_email") for row in after.values() if row["date"] >= READ_AGAIN}
