"""Load two syncs with PyAirbyte and with a published destination, and compare the tables with the ledger."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from built_image import DOCKER, IMAGE, build, engine
from built_models import Built
from connector_process import read_here
from destinations import SCHEMA, DuckDb, Postgres, postgres, write_to_pgvector
from sandbox_process import Sandbox
from synced_twice import (
    MONDAY,
    NEW_PROJECT_NAME,
    NEWEST,
    OLD_EMAIL,
    PROJECT,
    READ_AGAIN,
    REFUND,
    TUESDAY,
    Synced,
    change_the_past,
    summed,
    sync_twice,
)
from warehouse import USAGE_ALONE, Warehouse

TARGETS = ("duckdb", "postgres")


@pytest.fixture(
    scope="module", params=[*TARGETS, *(pytest.param(f"{one}_by_image", marks=pytest.mark.image) for one in TARGETS)]
)
def synced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, built_ledger: Sandbox
) -> Iterator[Synced]:
    """A database synced twice, with the console script or the image. With the script, it also contains the models."""
    database, _, by_image = request.param.partition("_")
    if not by_image:
        built: Built = request.getfixturevalue(f"{database}_built")
        yield built.synced
        return
    folder = tmp_path_factory.mktemp("image")
    with engine() as settings, postgres() if database == "postgres" else nullcontext() as port:
        build()
        target = Postgres(port) if port else DuckDb(str(folder / "warehouse.duckdb"))
        # PyAirbyte uses the first docker on PATH.
        environment = settings | {"PATH": f"{Path(DOCKER).parent}:{os.environ['PATH']}"}
        source = {"docker_image": IMAGE, "use_host_network": True}
        yield sync_twice(folder, target, built_ledger, source, environment)


def test_the_second_sync_brings_the_days_of_the_lookback_alone(synced: Synced) -> None:
    lists = 14 + 4 + 4 + 6
    # `read_again` includes the deleted rows, which the connector also emits, with all figures 0.
    read_again = synced.rows(f"date >= '{READ_AGAIN}'")
    [(by_key,)] = synced.target.query(f"SELECT COUNT(*) FROM {SCHEMA}.credit_usage_by_api_key")
    assert synced.records == (len(synced.before) + lists + by_key, len(read_again) + lists)
    assert synced.rows(NEWEST) == read_again
    old = f"date < '{READ_AGAIN}'"
    assert synced.rows(old) == {key: row for key, row in synced.before.items() if str(row[0]) < READ_AGAIN}


def test_the_sums_equal_the_ledger(synced: Synced) -> None:
    sums = f"CAST(SUM(user_uses) AS BIGINT), CAST(SUM(user_credits) AS BIGINT) FROM {SCHEMA}.credit_usage"
    found = synced.target.query(f"SELECT date, tool, {sums} WHERE tool IS NOT NULL GROUP BY 1, 2")
    expected = summed(synced.expected, lambda row: (row.date, row.tool))
    assert {row[:2]: row[2:] for row in found} == expected
    assert synced.target.query(f"SELECT {sums}") == [tuple(map(sum, zip(*expected.values(), strict=True)))]


def test_the_rows_read_again_are_those_of_the_ledger_under_the_new_names(synced: Synced) -> None:
    """The table must include the late usage and the new day, and use the new email and the new project name."""
    found = [row for row in synced.rows(f"date >= '{READ_AGAIN}'").values() if row[1] is not None]
    assert Counter((*row[:4], *row[5:]) for row in found) == Counter(
        (row.date, row.tool, row.email, row.project, row.uses, row.credits)
        for row in synced.expected
        if str(row.date) >= READ_AGAIN
    )
    before = [row for row in synced.before.values() if str(row[0]) >= READ_AGAIN]
    assert [OLD_EMAIL in {row[2] for row in rows} for rows in (before, found)] == [True, False]
    assert [TUESDAY in {str(row[0]) for row in rows} for rows in (before, found)] == [False, True]
    names = [{row[4] for row in rows if row[3] == PROJECT.reference} for rows in (before, found)]
    assert names == [{PROJECT.name}, {NEW_PROJECT_NAME}]
    listed = synced.target.query(f"SELECT name FROM {SCHEMA}.projects WHERE project_reference = '{PROJECT.reference}'")
    assert listed == [(NEW_PROJECT_NAME,)]


def test_refunded_usage_leaves_rows_that_only_mark_the_deletion(synced: Synced) -> None:
    refunded = [row for row in synced.before.values() if (str(row[0]), row[1]) == (REFUND["day"], REFUND["tool"])]
    deleted = synced.rows("_ab_cdc_deleted_at IS NOT NULL")
    empty = (date.fromisoformat(REFUND["day"]), None, None, None, None, 0, 0)
    assert list(deleted.values()) == [empty] * len(refunded) != []
    assert deleted == synced.rows("tool IS NULL")


def test_the_types_are_those_of_the_values(synced: Synced) -> None:
    found = synced.target.query(
        f"""SELECT table_name, column_name, LOWER(data_type) FROM information_schema.columns
        WHERE table_schema = '{SCHEMA}' AND column_name IN ('date', 'user_uses', 'user_credits', 'created_at',
        'group_id', 'member_count', 'usage_id', '_ab_cdc_deleted_at')"""
    )
    types = {f"{table}.{column}": kind for table, column, kind in found}
    assert types.pop("api_keys.created_at").startswith("timestamp")
    for table in ("credit_usage", "credit_usage_by_api_key"):
        assert types.pop(f"{table}._ab_cdc_deleted_at").startswith("timestamp")
        assert types.pop(f"{table}.usage_id") in ("varchar", "character varying")
        assert types.pop(f"{table}.date") == "date"
        assert types.pop(f"{table}.user_uses") == types.pop(f"{table}.user_credits") == "bigint"
    assert types == {"groups.group_id": "bigint", "groups.member_count": "bigint"}


def test_values_arrive_as_they_were(synced: Synced) -> None:
    assert {type(row[0]) for row in synced.rows().values()} == {date}
    [(moment,)] = synced.target.query(f"SELECT created_at FROM {SCHEMA}.api_keys WHERE api_key_id = 'fpk-c5127fa9d36e'")
    assert (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) == datetime(2024, 11, 4, 7, 55, 10, tzinfo=UTC)
    assert synced.target.query(f"SELECT COUNT(*) FROM {SCHEMA}.projects WHERE name = 'Café Menü & Posters'") == [(1,)]


def test_a_published_destination_ends_with_one_document_for_each_row(tmp_path: Path, sandbox: Sandbox) -> None:
    """destination-pgvector ignores Airbyte's deletion marker, so a deleted row's document stays unchanged."""
    start = "2026-03-06"
    config = {"api_key": sandbox.api_key, "base_url": sandbox.base_url, "start_date": start}
    sandbox.clear(MONDAY)
    source = Warehouse()
    with postgres() as port:
        Postgres(port).execute("CREATE EXTENSION vector")
        # destination-pgvector merges only into tables in PostgreSQL's default schema, `public`.
        indexing = {"host": "127.0.0.1", "port": port, "database": "postgres", "default_schema": "public"}
        settings = {
            "processing": {"chunk_size": 1000, "text_fields": ["usage_id"]},
            "embedding": {"mode": "fake"},
            "indexing": {**indexing, "username": "airbyte", "credentials": {"password": "none"}},
        }

        def sync(end: str) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
            """Sync up to `end`, and return the emitted rows and all documents by ID."""
            run = read_here(config | {"end_date": end}, USAGE_ALONE, source.state)
            source.load(run.stdout)
            write_to_pgvector(tmp_path, settings, USAGE_ALONE, run.stdout)
            found = Postgres(port).query("SELECT document_id, metadata FROM credit_usage")
            documents: dict[str, dict[str, Any]] = dict(found)
            assert len(documents) == len(found)
            return run.records("credit_usage"), documents

        emitted, before = sync(MONDAY)
        assert len(before) == len(emitted)
        change_the_past(sandbox)
        emitted, after = sync(TUESDAY)

    gone = [row["usage_id"] for row in emitted if row.get("_ab_cdc_deleted_at")]
    deleted = {f"Stream_credit_usage_Key_{usage_id}" for usage_id in gone}
    refunded = [row for row in before.values() if (row["date"], row["tool"]) == (REFUND["day"], REFUND["tool"])]
    assert len(deleted) == len(refunded) > 0
    assert {key: after.pop(key) for key in deleted} == {key: before[key] for key in deleted}

    told = sandbox.totals(start_date=start, end_date=TUESDAY)
    sums: Counter[tuple[str, str]] = Counter()
    for row in after.values():
        sums[row["date"], row["tool"]] += row["user_credits"]
    assert sums == {(one["date"], one["tool"]): one["user_credits"] for one in told}
    assert OLD_EMAIL not in {row.get("user_email") for row in after.values() if row["date"] >= READ_AGAIN}
