"""What the last sync left, under whatever settings the next one starts: never less data than without it."""

from typing import Any

import pytest
from builders import TODAY, config, saved_state
from hypothesis import given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics.state import MOST_ROWS, Saved, after_window, first_day, next_first_bucket, read_state
from source_magnific_analytics.usage import shorten

SHORT = shorten("0" * 32)
OTHER = shorten("f" * 32)


def remark(saved: Saved) -> str:
    [text] = saved.remarks
    return text


@pytest.mark.parametrize("state", [{}, None])
def test_without_state_a_sync_starts_at_the_first_day_and_says_nothing(state: Any) -> None:
    saved = read_state(state or {}, config())
    assert saved == Saved(date=None, rows={}, remarks=())
    assert first_day(saved, config(), again=True) == Date(2026, 11, 1)


def test_a_state_under_the_same_settings_is_taken_as_it_is() -> None:
    state = saved_state("2026-11-20", rows={"2026-11-14": [SHORT, OTHER]})
    assert read_state(state, config()) == Saved(Date(2026, 11, 20), {"2026-11-14": [SHORT, OTHER]})


@pytest.mark.parametrize("missing", ["granularity", "start_date", "filters", "rows"])
def test_what_an_older_state_does_not_say_counts_as_unchanged(missing: str) -> None:
    state = saved_state("2026-11-20", granularity="week", filters={"group_ids": [1]}, rows={"2026-11-09": [SHORT]})
    del state[missing]
    saved = read_state(state, config(granularity="week", group_ids=[1]))
    assert saved.date == Date(2026, 11, 20)
    assert saved.rows == ({} if missing == "rows" else {"2026-11-09": [SHORT]})
    assert saved.remarks == ()


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["2026-11-20"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


KEYS = ["date", "granularity", "start_date", "filters", "rows"]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, GARBAGE)))
def test_no_state_whatsoever_stops_a_sync_or_makes_it_skip_a_day(state: dict[str, Any]) -> None:
    saved = read_state(state, config())
    through = saved.date or Date(2026, 11, 1)
    assert first_day(saved, config(), again=True) <= max(through, Date(2026, 11, 1))
    assert through <= TODAY


@pytest.mark.parametrize(
    "broken",
    [
        {"date": None},
        {"date": ""},
        {"date": 20261120},
        {"date": "2026-11-20T00:00:00"},
        {"date": "2026-02-30"},
        {"date": {"date": "2026-11-20"}},
        {"start_date": "first of May"},
        {"start_date": 1},
        {"rows": []},
        {"rows": "all"},
        {"rows": {"2026-11-14": SHORT}},
        {"rows": {"2026-11-14": 7}},
        {"rows": {"2026-11-14": [None]}},
        {"rows": {"2026-11-14": [SHORT[:-1]]}},
        {"rows": {"2026-11-14": ["0" * 32]}},
        {"rows": {"someday": [SHORT]}},
    ],
)
def test_a_state_that_cannot_be_read_starts_over_and_says_so(broken: dict[str, Any]) -> None:
    saved = read_state(saved_state("2026-11-20") | broken, config())
    assert (saved.date, saved.rows) == (None, {})
    assert remark(saved).startswith("The saved state cannot be read, so credit usage is read again from 2026-11-01.")


def test_another_granularity_starts_over_and_forgets_the_old_rows() -> None:
    state = saved_state("2026-11-20", granularity="week", rows={"2026-11-16": [SHORT]})
    saved = read_state(state, config())
    assert (saved.date, saved.rows) == (None, {})
    assert remark(saved).startswith("The granularity changed from week to day, so credit usage is read again from 2026")
    assert "clear the stream" in remark(saved)


@pytest.mark.parametrize(("before", "now"), [({"group_ids": [1]}, {}), ({}, {"group_ids": [1]}), ({"x": 1}, {})])
def test_other_filters_start_over_and_still_know_the_rows(before: dict[str, Any], now: dict[str, Any]) -> None:
    saved = read_state(saved_state("2026-11-20", filters=before, rows={"2026-11-14": [SHORT]}), config(**now))
    assert (saved.date, saved.rows) == (None, {"2026-11-14": [SHORT]})
    assert remark(saved).startswith("The filters changed, so credit usage is read again from 2026-11-01.")
    assert "clear the stream" in remark(saved)


def test_the_same_filters_are_no_change() -> None:
    state = saved_state("2026-11-20", filters={"group_ids": [1, 2]})
    assert read_state(state, config(group_ids=[1, 2])).date == Date(2026, 11, 20)


def test_an_earlier_first_day_fills_the_gap() -> None:
    saved = read_state(saved_state("2026-11-20", rows={"2026-11-14": [SHORT]}), config(start_date="2026-10-31"))
    assert (saved.date, saved.rows) == (None, {"2026-11-14": [SHORT]})
    assert remark(saved).startswith("start_date moved from 2026-11-01 back to 2026-10-31, so credit usage is")


def test_a_later_first_day_is_where_the_sync_goes_on() -> None:
    later = config(start_date="2026-11-21")
    saved = read_state(saved_state("2026-11-20"), later)
    assert saved.remarks == ()
    assert first_day(saved, later, again=True) == first_day(saved, later, again=False) == Date(2026, 11, 21)


def test_a_saved_day_in_the_future_is_taken_as_the_last_day_to_sync() -> None:
    saved = read_state(saved_state("2027-01-01", rows={"2026-11-14": [SHORT]}), config())
    assert (saved.date, saved.rows) == (TODAY, {"2026-11-14": [SHORT]})
    assert remark(saved).startswith("The saved date 2027-01-01 lies after 2026-11-22, the last day to sync, and")
    assert read_state(saved_state(str(TODAY)), config()).remarks == ()


@given(st.integers(0, 180), st.dates(Date(2026, 1, 1), TODAY))
def test_every_sync_goes_back_by_the_lookback_but_not_before_the_first_day(lookback: int, saved: Any) -> None:
    settings = config(start_date="2026-06-01", lookback_window_days=lookback)
    day = Date(saved.year, saved.month, saved.day)
    wanted = max(day.subtract(days=lookback), Date(2026, 6, 1))
    assert first_day(Saved(day), settings, again=True) == wanted


def test_a_full_refresh_that_was_cut_off_goes_on_behind_what_it_handed_on() -> None:
    assert first_day(Saved(Date(2026, 11, 10)), config(), again=False) == Date(2026, 11, 11)
    assert first_day(Saved(Date(2026, 11, 1)), config(), again=False) == Date(2026, 11, 2)


def test_the_next_sync_reads_the_whole_bucket_that_the_lookback_reaches_into() -> None:
    assert next_first_bucket(Date(2026, 11, 20), config()) == Date(2026, 11, 13)
    assert next_first_bucket(Date(2026, 11, 20), config(granularity="week")) == Date(2026, 11, 9)
    assert next_first_bucket(Date(2026, 11, 20), config(granularity="month")) == Date(2026, 11, 1)
    assert next_first_bucket(Date(2026, 11, 20), config(granularity="year")) == Date(2026, 1, 1)


def test_the_state_says_how_far_it_came_under_which_settings_and_with_which_rows() -> None:
    settings = config(granularity="week", group_ids=[7])
    rows = {"2026-11-02": [SHORT], "2026-11-09": [OTHER], "2026-11-16": [SHORT, OTHER]}
    state, left_out = after_window(Date(2026, 11, 20), rows, settings)
    assert state == {
        "date": "2026-11-20",
        "granularity": "week",
        "start_date": "2026-11-01",
        "filters": {"group_ids": [7]},
        "rows": {"2026-11-16": [SHORT, OTHER], "2026-11-09": [OTHER]},
    }
    assert left_out == 0
    assert read_state(state, settings) == Saved(Date(2026, 11, 20), state["rows"])


def test_rows_of_later_windows_are_kept_while_an_earlier_one_is_read_again() -> None:
    state, _ = after_window(Date(2026, 11, 3), {"2026-11-20": [SHORT]}, config())
    assert state["rows"] == {"2026-11-20": [SHORT]}


def buckets_of(*sizes: int) -> dict[str, list[str]]:
    return {f"2026-11-{22 - n}": [shorten(f"{n:016x}{m:016x}") for m in range(size)] for n, size in enumerate(sizes)}


def test_the_state_holds_the_newest_whole_buckets_up_to_the_cap() -> None:
    exactly = buckets_of(MOST_ROWS - 5, 5)
    state, left_out = after_window(TODAY, exactly, config())
    assert (state["rows"], left_out) == (exactly, 0)

    state, left_out = after_window(TODAY, buckets_of(MOST_ROWS - 5, 6, 1), config())
    assert (list(state["rows"]), left_out) == (["2026-11-22"], 2)

    state, left_out = after_window(TODAY, buckets_of(MOST_ROWS + 1), config())
    assert (state["rows"], left_out) == ({}, 1)
    assert MOST_ROWS == 20_000
