"""Years of syncs: whatever happens to usage, settings and the sync itself, the table says what Magnific says."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger import PROJECTS, START, Table, Used, bucket_of, entries, filtered, table
from warehouse_model import Warehouse

FIRST_SYNC = date(2026, 5, 1)
LAST = date(2027, 3, 31)
_, FILM, PRINT = PROJECTS
NO_WAITS = pytest.mark.usefixtures("waits")


@dataclass
class Step:
    """What happens before a sync, its settings, and how it goes."""

    days: int
    added: list[Used]
    withdrawn: set[int]
    settings: dict[str, Any]
    trouble: dict[str, int]


def offsets(most: int) -> st.SearchStrategy[int]:
    return st.sampled_from([n for n in (0, 1, 5, 20, 90, 130, 400) if n <= most])


SETTINGS = st.fixed_dictionaries(
    {
        "granularity": st.sampled_from(["day", "day", "week", "month", "year"]),
        "plan": st.sampled_from(["business", "enterprise"]),
        "lookback_window_days": st.sampled_from([0, 1, 7, 60, 180]),
        "start_date": offsets(130).map(lambda days: str(START + timedelta(days))),
    },
    optional={
        "end_date": offsets(400).map(lambda days: str(START + timedelta(130 + days))),
        "project_references": st.sampled_from([[FILM], [PRINT, FILM], [FILM, PRINT.upper()]]),
        "group_ids": st.sampled_from([[1], [2], [1, 2], [2, 1]]),
    },
)
TROUBLE = st.one_of(
    st.just({}),
    st.integers(0, 40).map(lambda n: {"kill_at": n}),
    st.integers(0, 3).map(lambda n: {"fail_at": n}),
    st.sampled_from([1, 10, 60]).map(lambda n: {"too_long": n}),
)
STEPS = st.lists(
    st.builds(
        Step,
        days=st.sampled_from([0, 0, 1, 1, 2, 7, 30, 100]),
        added=st.lists(entries(LAST), max_size=10),
        withdrawn=st.sets(st.integers(0, 13), max_size=4),
        settings=SETTINGS,
        trouble=TROUBLE,
    ),
    min_size=1,
    max_size=5,
)


def extent(key: tuple[str, ...]) -> tuple[date, date]:
    """The calendar days of a table's key."""
    granularity, first = key[0], date.fromisoformat(key[1])
    beyond = {"day": 1, "week": 7, "month": 31, "year": 366}[granularity]
    after = first + timedelta(beyond)
    return first, bucket_of(after, granularity) - timedelta(1) if granularity != "week" else after - timedelta(1)


def overlapping(held: Table, asked: Iterable[dict[str, Any]]) -> Table:
    """The part of a table whose periods have a day that was asked for."""
    ranges = [(date.fromisoformat(q["start_date"]), date.fromisoformat(q["end_date"])) for q in asked]
    return {
        key: figures
        for key, figures in held.items()
        if any(extent(key)[0] <= last and first <= extent(key)[1] for first, last in ranges)
    }


def without(held: Table, other: Table) -> Table:
    return {key: figures for key, figures in held.items() if key not in other}


def magnific_says(ledger: Iterable[Used], warehouse: Warehouse) -> Table:
    """What Magnific says under today's settings about the days that the last sync asked for."""
    chosen = warehouse.settings
    end = date.fromisoformat(chosen.get("end_date", str(date.max)))
    counted = [used for used in filtered(ledger, chosen) if used.day <= end]
    days = {
        used.day for used in counted if any(q["start_date"] <= str(used.day) <= q["end_date"] for q in warehouse.asked)
    }
    return table([used for used in counted if used.day in days], chosen["granularity"])


@NO_WAITS
@settings(max_examples=100)
@given(first=st.lists(entries(LAST), max_size=14), steps=STEPS)
def test_every_complete_sync_leaves_exactly_what_magnific_says_of_all_it_read(
    first: list[Used], steps: list[Step]
) -> None:
    warehouse, ledger, today = Warehouse(), list(first), FIRST_SYNC
    known: Table = {}
    for step in steps:
        ledger = [used for n, used in enumerate(ledger) if n not in step.withdrawn] + step.added
        today += timedelta(step.days)
        happened = [used for used in ledger if used.day <= today]
        warehouse.settings = step.settings
        complete = warehouse.sync(happened, today, **step.trouble)
        # What nobody read again stays as it was, also where usage or settings changed since.
        known = without(known, overlapping(known, warehouse.asked))
        held = warehouse.table()
        if complete:
            assert overlapping(held, warehouse.asked) == magnific_says(happened, warehouse)
            known |= overlapping(held, warehouse.asked)
        assert {key: held.get(key) for key in known} == known

    warehouse.settings = {"granularity": "day", "lookback_window_days": 0, "start_date": str(START - timedelta(400))}
    for _ in range(3):
        warehouse.sync(happened, today)
    assert warehouse.table() == table(happened, "day")
