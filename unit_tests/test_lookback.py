"""From which day a sync reads, and through which day a full refresh is complete."""

from typing import Any

import pytest
from builders import TODAY, config
from hypothesis import given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics import state
from source_magnific_analytics.state import NOTHING_READ, Places, Progress
from source_magnific_analytics.windows import Granularity

DAY, WEEK, MONTH, YEAR = Granularity


def read_through(date: Date, end: Date | None = None) -> Progress:
    return Progress(date, Places(), end)


@given(st.integers(0, 180), st.dates(Date(2026, 1, 1), TODAY))
def test_every_sync_goes_back_by_the_lookback_but_not_before_the_first_day(lookback: int, saved: Any) -> None:
    settings = config(start_date="2026-06-01", lookback_window_days=lookback)
    day, first = Date(saved.year, saved.month, saved.day), Date(2026, 6, 1)
    assert state.first_to_read(NOTHING_READ, first, settings, full_refresh=False) == first
    wanted = max(day.subtract(days=lookback), first)
    assert state.first_to_read(read_through(day), first, settings, full_refresh=False) == wanted


@given(st.integers(0, 180), st.integers(1, 400), st.integers(0, 60))
def test_behind_an_interrupted_sync_every_day_is_read_once_and_then_those_that_were_young_at_its_end(
    lookback: int, short: int, later: int
) -> None:
    settings, first = config(start_date="2024-06-01", lookback_window_days=lookback), Date(2024, 6, 1)
    end = Date(2026, 9, 20)
    day = end.subtract(days=short)
    assert state.first_to_read(read_through(day, end=end), first, settings, full_refresh=False) == day.add(days=1)
    assert state.first_to_read(read_through(first, end=end), first, settings, full_refresh=False) == first.add(days=1)
    caught_up = read_through(end.add(days=later), end=end)
    again = state.first_to_read(caught_up, first, settings, full_refresh=False)
    assert again == max(end.subtract(days=lookback), first)


def test_behind_an_earlier_end_date_the_lookback_is_read_again_whatever_was_interrupted() -> None:
    settings, first = config(end_date="2026-11-10"), Date(2026, 11, 1)
    for date, end in ((12, 20), (20, 15), (10, 20)):
        progress = read_through(Date(2026, 11, date), end=Date(2026, 11, end))
        assert state.first_to_read(progress, first, settings, full_refresh=False) == Date(2026, 11, 3)


def test_an_interrupted_full_refresh_goes_on_behind_what_it_emitted() -> None:
    first = Date(2026, 11, 1)
    assert state.first_to_read(read_through(Date(2026, 11, 10)), first, config(), full_refresh=True) == Date(
        2026, 11, 11
    )
    assert state.first_to_read(read_through(Date(2026, 10, 3)), first, config(), full_refresh=True) == first
    assert state.first_to_read(NOTHING_READ, first, config(), full_refresh=True) == first
    shortened = config(end_date="2026-11-10")
    assert state.first_to_read(read_through(Date(2026, 11, 20)), first, shortened, full_refresh=True) == Date(
        2026, 11, 11
    )
    assert state.first_to_read(read_through(Date(2026, 11, 20)), first, shortened, full_refresh=False) == Date(
        2026, 11, 3
    )


@pytest.mark.parametrize(
    ("date", "granularity", "today", "last"),
    [
        *[("2026-11-20", DAY, "2026-11-22", "2026-11-20"), ("2026-11-22", DAY, "2026-11-22", "2026-11-21")],
        *[("2026-11-22", WEEK, "2026-11-22", "2026-11-15"), ("2026-11-22", WEEK, "2026-11-23", "2026-11-22")],
        *[("2026-11-20", WEEK, "2026-11-22", "2026-11-15"), ("2026-11-20", MONTH, "2026-11-22", "2026-10-31")],
        *[("2026-12-31", YEAR, "2027-01-01", "2026-12-31"), ("2026-12-31", YEAR, "2026-12-31", "2025-12-31")],
    ],
)
def test_only_a_period_that_is_over_is_not_read_again_by_a_full_refresh(
    date: str, granularity: Granularity, today: str, last: str
) -> None:
    found = state.last_complete(Date.fromisoformat(date), granularity, Date.fromisoformat(today))
    assert str(found) == last
