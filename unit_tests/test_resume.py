"""Sync after sync over usage that grows and changes, cut off now and then: the table says what Magnific says."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import requests_mock
from builders import KEY
from hypothesis import example, given, settings
from hypothesis import strategies as st
from in_process import USAGE, sync
from ledger import START, Used, answered, bucket_of, entries, table, table_of_rows
from pendulum import Date

LAST = date(2027, 12, 31)
ON_MAY_1 = Used(date(2026, 5, 1), "Mystic", None, None, None, 1, 1, True)
ENTRIES = st.lists(entries(LAST), max_size=14)


@dataclass
class Step:
    """What happens before a sync, and after how many of its windows it is cut off (None: it runs to its end)."""

    days: int
    added: list[Used]
    withdrawn: set[int]
    cut: int | None


STEPS = st.lists(
    st.builds(
        Step,
        days=st.sampled_from([0, 0, 1, 1, 2, 7, 30, 200]),
        added=ENTRIES,
        withdrawn=st.sets(st.integers(0, 13), max_size=4),
        cut=st.sampled_from([None, None, 0, 1, 2]),
    ),
    min_size=1,
    max_size=4,
)


@dataclass
class Warehouse:
    """A deduplicated table and the state beside it, filled by syncs of one connection."""

    settings: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def sync(self, ledger: Iterable[Used], today: date, cut: int | None = None) -> None:
        """One sync that is cut off right behind its window number `cut`, counted from 1, or at once where that is 0."""
        queries: list[dict[str, Any]] = []

        def usage(request: Any, _: Any) -> dict[str, Any]:
            queries.append(request.json())
            return answered(ledger, queries[-1])

        with requests_mock.Mocker() as api:
            api.post(USAGE, json=usage)
            output = sync(self.settings, state=self.state, today=Date(today.year, today.month, today.day))
        assert not output.errors
        done = 0
        for message in output.records_and_state_messages_iterator() if cut != 0 else ():
            if message.record:
                self.rows.append(dict(message.record.data))
            elif message.state and message.state.stream and message.state.stream.stream_state:
                self.state = dict(message.state.stream.stream_state.__dict__)
                done += 1
                if done == cut:
                    break
        through = (self.state or {}).get("date", "")
        self.asked = [query for query in queries if done and query["start_date"] <= through]

    def was_read(self, bucket: str) -> bool:
        """Whether the last sync handed on `bucket` before it was cut off."""
        return any(query["start_date"] <= bucket <= query["end_date"] for query in self.asked)


def read_part(warehouse: Warehouse, ledger: Iterable[Used], granularity: str, *, read: bool) -> dict[Any, Any]:
    return {k: v for k, v in table(ledger, granularity).items() if warehouse.was_read(k[0]) == read}


@settings(max_examples=60)
@given(
    steps=STEPS,
    first=ENTRIES,
    granularity=st.sampled_from(["day", "week", "month", "year"]),
    plan=st.sampled_from(["business", "enterprise"]),
    lookback=st.sampled_from([0, 1, 7, 40, 180]),
)
@example([Step(1, [], set(), None), Step(1, [], {0}, None)], [ON_MAY_1], "day", "business", 7)
def test_every_bucket_that_was_read_again_equals_the_ledger_and_nothing_else_moves(
    steps: list[Step], first: list[Used], granularity: str, plan: str, lookback: int
) -> None:
    changes = {"granularity": granularity, "plan": plan, "lookback_window_days": lookback}
    warehouse = Warehouse({"api_key": KEY, "start_date": str(START), **changes})
    ledger, today, expected = list(first), date(2026, 5, 1), dict[Any, Any]()
    for step in steps:
        ledger = [used for n, used in enumerate(ledger) if n not in step.withdrawn] + step.added
        today += timedelta(step.days)
        happened = [used for used in ledger if used.day <= today]
        warehouse.sync(happened, today, step.cut)
        expected = {k: v for k, v in expected.items() if not warehouse.was_read(k[0])}
        expected |= read_part(warehouse, happened, granularity, read=True)
        assert table_of_rows(warehouse.rows) == expected


@settings(max_examples=40)
@given(first=ENTRIES, steps=STEPS, granularity=st.sampled_from(["day", "week", "month", "year"]))
def test_when_only_days_of_the_lookback_change_the_whole_table_equals_the_ledger(
    first: list[Used], steps: list[Step], granularity: str
) -> None:
    lookback = 30
    warehouse = Warehouse(
        {"api_key": KEY, "start_date": str(START), "granularity": granularity, "lookback_window_days": lookback}
    )
    today = date(2026, 5, 1)
    ledger = list(first)
    warehouse.sync([used for used in ledger if used.day <= today], today)
    for step in steps:
        saved = date.fromisoformat((warehouse.state or {})["date"])
        open_from = bucket_of(saved - timedelta(lookback), granularity)
        ledger = [used for n, used in enumerate(ledger) if n not in step.withdrawn or used.day < open_from]
        ledger += [used for used in step.added if used.day >= open_from]
        today += timedelta(abs(step.days))
        happened = [used for used in ledger if used.day <= today]
        warehouse.sync(happened, today, step.cut)
        warehouse.sync(happened, today)
        assert table_of_rows(warehouse.rows) == table(happened, granularity)


@settings(max_examples=20)
@given(ledger=ENTRIES, earlier=st.integers(1, 200))
def test_a_first_day_moved_earlier_fills_the_gap_by_itself(ledger: list[Used], earlier: int) -> None:
    today = date(2027, 6, 30)
    happened = [used for used in ledger if used.day <= today]
    later = START + timedelta(earlier)
    warehouse = Warehouse({"api_key": KEY, "start_date": str(later)})
    warehouse.sync(happened, today)
    assert table_of_rows(warehouse.rows) == table([used for used in happened if used.day >= later], "day")
    warehouse.settings["start_date"] = str(START)
    warehouse.sync(happened, today, cut=1)
    warehouse.sync(happened, today)
    assert table_of_rows(warehouse.rows) == table(happened, "day")


def test_the_next_days_sync_asks_once_from_the_lookback_on() -> None:
    warehouse = Warehouse({"api_key": KEY, "start_date": "2026-01-01"})
    warehouse.sync([], date(2026, 11, 22))
    assert [(q["start_date"], q["end_date"]) for q in warehouse.asked] == [
        ("2026-01-01", "2026-06-29"),
        ("2026-06-30", "2026-11-22"),
    ]
    warehouse.sync([], date(2026, 11, 23))
    assert [(q["start_date"], q["end_date"]) for q in warehouse.asked] == [("2026-11-15", "2026-11-23")]
