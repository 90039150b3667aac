"""Test years of syncs with changes, faults and interruptions. The table must always match what Magnific reports.

Also test that users do not need to do anything after a change of settings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from builders import Json
from hypothesis import given, settings
from hypothesis import strategies as st
from small_team import FILM, MANNERS, PRINT, START, Table, entries, table
from warehouse_model import Warehouse

from sandbox import truth
from sandbox.ledger import Entry

FIRST_SYNC = date(2026, 5, 1)
LAST = date(2027, 3, 31)
FILTERS = ("group_ids", "project_references")


@dataclass
class Step:
    """A sync: the changes before it, its settings, the form of Magnific's responses, and what goes wrong."""

    days: int
    added: list[Entry]
    deleted: set[int]
    settings: Json
    manner: list[str]
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
        deleted=st.sets(st.integers(0, 13), max_size=4),
        settings=SETTINGS,
        manner=st.lists(st.sampled_from(sorted(MANNERS)), unique=True),
        trouble=TROUBLE,
    ),
    min_size=1,
    max_size=5,
)


def overlapping(held: Table, asked: Iterable[Json]) -> Table:
    """Return the table's rows for periods that contain a requested day."""
    ranges = [(date.fromisoformat(q["start_date"]), q["end_date"]) for q in asked]
    return {
        (size, first, *rest): figures
        for (size, first, *rest), figures in held.items()
        if any(truth.first_day(start, size) <= first <= end for start, end in ranges)
    }


def without(held: Table, other: Table) -> Table:
    return {key: figures for key, figures in held.items() if key not in other}


def restarts(state: Json, now: Json) -> bool:
    """Return whether the settings in `now` change what the saved rows mean, or have an earlier start date."""

    def meaning(filters: Json) -> dict[str, set[str]]:
        return {name: {str(one).lower() for one in filters[name]} for name in FILTERS if filters.get(name)}

    is_earlier = now["start_date"] < state["start_date"]
    return is_earlier or now["granularity"] != state["granularity"] or meaning(now) != meaning(state["filters"])


def magnific_says(used: Sequence[Entry], warehouse: Warehouse) -> Table:
    """Return what Magnific reports under the current settings, from the earliest day that the last sync requested."""
    asked = [query["start_date"] for query in warehouse.asked]
    return table(used, {**warehouse.settings, "start_date": min(asked)}) if asked else {}


@settings(max_examples=100)
@given(first=st.lists(entries(LAST), max_size=14), steps=STEPS)
def test_every_complete_sync_leaves_what_magnific_says_of_all_it_read(first: list[Entry], steps: list[Step]) -> None:
    warehouse, used, today = Warehouse(), first, FIRST_SYNC
    known: Table = {}
    for step in steps:
        used = [one for n, one in enumerate(used) if n not in step.deleted] + step.added
        today += timedelta(step.days)
        happened = [one for one in used if one.day <= today]
        warehouse.settings, saved = step.settings, warehouse.state
        complete = warehouse.sync(used, today, manner=step.manner, **step.trouble)
        assert "clear" not in warehouse.log.lower()
        # If the settings leave no day to read, the sync fails before its first request.
        over = bool(warehouse.asked and saved) and restarts(saved or {}, step.settings)
        assert ("new rows replace rows read with the old settings." in warehouse.log) == over
        if complete and (over or saved is None):
            assert warehouse.asked[0]["start_date"] <= step.settings["start_date"]
        # Periods that were not read again stay as they were, even if usage or settings have changed since.
        known = without(known, overlapping(known, warehouse.asked))
        held = warehouse.table()
        if complete:
            assert overlapping(held, warehouse.asked) == magnific_says(happened, warehouse)
            known |= overlapping(held, warehouse.asked)
        assert {key: held.get(key) for key in known} == known

    warehouse.settings = {"granularity": "day", "lookback_window_days": 0, "start_date": str(START - timedelta(400))}
    for _ in range(3):
        warehouse.sync(used, today)
    assert warehouse.table() == table(happened, warehouse.settings)
