"""Test a sync's progress: the last day read, how many rows the warehouse might hold, and the next sync's first day."""

import json
from itertools import islice
from typing import Any

import pytest
from builders import TODAY, config, saved_state
from hypothesis import example, given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics import state
from source_magnific_analytics.state import NOTHING_READ, Progress, RowCounts
from source_magnific_analytics.windows import DateRange, Granularity, first_days

DAY, WEEK, MONTH, YEAR = Granularity
# Period numbers for `taken_from`. The periods can be adjacent or lie in different years.
NUMBERS = st.integers(0, 40)
TAKEN = st.dictionaries(st.sampled_from(Granularity), st.dictionaries(NUMBERS, st.integers(1, 99), min_size=1))
NONE = RowCounts()


def november(day: int) -> Date:
    return Date(2026, 11, day)


def days(**counts: int) -> RowCounts:
    """Return the row counts of days in November 2026. For example, d14=2 means two rows on the 14th."""
    return RowCounts({(DAY, november(int(name[1:]))): number for name, number in counts.items()})


def taken_from(first: Date, taken: dict[Granularity, dict[int, int]]) -> RowCounts:
    """Replace the period numbers in `taken` with periods. Number 0 is the period that contains `first`."""
    found = RowCounts()
    for size, numbers in taken.items():
        some = list(islice(first_days(first, Date(2999, 1, 1), size), 41))
        found |= {(size, some[n]): number for n, number in numbers.items()}
    return found


@given(st.none() | st.dates(Date(2000, 1, 1), TODAY), TAKEN, st.none() | st.just(november(20)), st.booleans())
@example(None, {}, None, False)
@example(november(9), {DAY: {0: 3, 2: 1}}, november(20), True)
def test_every_progress_is_read_as_it_was_written(
    date: Any, taken: dict[Granularity, dict[int, int]], end: Date | None, other_filters: bool
) -> None:
    through = None if date is None else Date(date.year, date.month, date.day)
    progress = Progress(through, taken_from(Date(2019, 12, 25), taken), end, other_filters)
    written = progress.as_json
    assert (("end" in written), ("other_filters" in written)) == (end is not None, other_filters)
    saved = {**saved_state("2026-11-20"), **json.loads(json.dumps(written))}
    known = state.read(saved, Progress, "credit_usage", full_refresh=False)
    assert known
    assert known[0] == progress


def test_before_its_rows_a_window_may_have_left_the_old_ones_or_the_new_ones() -> None:
    week, year = {(WEEK, november(2)): 4}, {(YEAR, Date(2026, 1, 1)): 2}
    progress = Progress(november(20), days(d21=5, d22=7, d23=9) | week)
    window = DateRange(november(21), november(25))
    before = progress.while_emitting(window, days(d21=6, d22=3, d24=1))
    assert before == Progress(november(20), days(d21=6, d22=7, d23=9, d24=1) | week)
    assert progress.while_emitting(window, NONE) == progress
    assert NOTHING_READ.while_emitting(window, RowCounts(year)) == Progress(None, RowCounts(year))


@pytest.mark.parametrize(("first", "end"), [(14, None), (20, None), (14, 18)])
def test_while_a_window_is_read_again_the_state_says_it_was_interrupted_before_it(first: int, end: int | None) -> None:
    progress = Progress(november(20), NONE, end and november(end))
    before = progress.while_emitting(DateRange(november(first), november(21)), NONE)
    assert before == Progress(november(first - 1), NONE, november(end or 20))


def test_after_its_rows_a_window_has_what_it_brought_and_no_other_size_in_its_days() -> None:
    def week(first: int, number: int) -> dict[tuple[Granularity, Date], int]:
        return {(WEEK, november(first)): number}

    held = days(**{f"d{day}": day for day in range(8, 17)}) | {(MONTH, november(1)): 4}
    progress = Progress(None, held | week(2, 1) | week(9, 2) | week(16, 3))
    after = progress.once_emitted(DateRange(november(9), november(15)), RowCounts(week(9, 20)))
    assert after == Progress(november(15), days(d8=8, d16=16) | week(2, 1) | week(9, 20) | week(16, 3))
    assert after.once_emitted(DateRange(november(2), november(22)), NONE).row_counts == NONE


@given(st.integers(0, 180), st.integers(1, 400), st.integers(0, 60))
def test_a_sync_goes_back_by_the_lookback_or_on_behind_an_interrupted(lookback: int, short: int, later: int) -> None:
    settings, first, end = config(start_date="2024-06-01", lookback_window_days=lookback), Date(2024, 6, 1), TODAY

    def read(date: Date | None, end: Date | None = None) -> Date:
        return state.first_to_read(Progress(date, NONE, end), first, settings, full_refresh=False)

    assert read(None) == first
    assert read(first.add(days=short)) == max(first, first.add(days=short - lookback))
    assert read(end.subtract(days=short), end) == end.subtract(days=short - 1)
    # Once the last day that the interrupted sync planned to read has been read, the lookback counts back from it.
    end = end.subtract(days=60)
    assert read(end.add(days=later), end) == end.subtract(days=lookback)


@pytest.mark.parametrize(
    ("date", "end", "full_refresh", "wanted"),
    [
        # Everything up to end_date (November 10) has been read, so the lookback applies even after an interrupted sync.
        *[(12, 20, False, 3), (20, 15, False, 3), (10, 20, False, 3), (20, None, False, 3)],
        # A full refresh continues after the last day that it emitted.
        *[(9, None, True, 10), (10, None, True, 11), (20, None, True, 11), (None, None, True, 1)],
    ],
)
def test_a_sync_with_an_end_date_begins_on(date: int | None, end: int | None, full_refresh: bool, wanted: int) -> None:
    progress = Progress(date and november(date), NONE, end and november(end))
    found = state.first_to_read(progress, november(1), config(end_date="2026-11-10"), full_refresh=full_refresh)
    assert found == november(wanted)


@pytest.mark.parametrize(
    ("date", "granularity", "today", "last"),
    [
        *[("2026-11-20", DAY, "2026-11-22", "2026-11-20"), ("2026-11-22", DAY, "2026-11-22", "2026-11-21")],
        *[("2026-11-22", WEEK, "2026-11-22", "2026-11-15"), ("2026-11-22", WEEK, "2026-11-23", "2026-11-22")],
        *[("2026-11-20", MONTH, "2026-11-22", "2026-10-31"), ("2026-12-31", YEAR, "2027-01-01", "2026-12-31")],
    ],
)
def test_a_full_refresh_rereads_what_was_not_over(date: str, granularity: Granularity, today: str, last: str) -> None:
    found = state.last_complete(Date.fromisoformat(date), granularity, Date.fromisoformat(today))
    assert str(found) == last
