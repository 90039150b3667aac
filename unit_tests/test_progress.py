"""How far a series of windows came, and how many places the warehouse may hold of each period."""

import json
from typing import Any

from builders import TODAY
from hypothesis import example, given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics import state
from source_magnific_analytics.state import Progress, SavedProgress
from source_magnific_analytics.windows import DateRange, Granularity, first_day, number_of, period_of

DAY, WEEK, MONTH, YEAR = Granularity
GRANULARITIES = st.sampled_from(Granularity)
# Periods that may be next to each other, across a year's end.
NUMBERS = st.integers(0, 40)
TAKEN = st.dictionaries(NUMBERS, st.integers(1, 99), max_size=5)


def number(day: str, granularity: Granularity = DAY) -> int:
    return number_of(Date.fromisoformat(day), granularity)


def taken_from(first: Date, granularity: Granularity, numbers: dict[int, int]) -> dict[int, int]:
    return {number_of(first, granularity) + n: places for n, places in numbers.items()}


@given(
    st.none() | st.dates(Date(2000, 1, 1), TODAY),
    st.dictionaries(GRANULARITIES, TAKEN.filter(bool)),
    st.none() | st.just(Date(2026, 11, 20)),
    st.booleans(),
)
@example(None, {}, None, False)
@example(Date(2026, 11, 9), {DAY: {0: 3, 2: 1}}, Date(2026, 11, 20), True)
def test_every_progress_is_read_as_it_was_written(
    date: Any, taken: dict[Granularity, dict[int, int]], end: Date | None, other_filters: bool
) -> None:
    through = None if date is None else Date(date.year, date.month, date.day)
    places = {size: taken_from(Date(2019, 12, 25), size, numbers) for size, numbers in taken.items()}
    progress = Progress(through, places, end, other_filters)
    written = progress.as_json()
    assert ({"end", "other_filters"} & set(written)) == {
        *(["end"] if end else []),
        *(["other_filters"] if other_filters else []),
    }
    saved = state.read(json.loads(json.dumps(written)), SavedProgress, "credit_usage", full_refresh=False)
    assert saved
    assert saved.progress == progress


def test_before_its_rows_a_window_may_have_left_the_old_ones_or_the_new_ones() -> None:
    progress = Progress(Date(2026, 11, 20), {DAY: {1: 5, 2: 7, 3: 9}, WEEK: {1: 4}})
    window = DateRange(Date(2026, 11, 21), Date(2026, 11, 25))
    before = progress.before(DAY, window, {1: 6, 2: 3, 4: 1})
    assert before == Progress(Date(2026, 11, 20), {DAY: {1: 6, 2: 7, 3: 9, 4: 1}, WEEK: {1: 4}})
    assert progress.before(YEAR, window, {}) == progress
    assert Progress().before(YEAR, window, {2026: 2}) == Progress(None, {YEAR: {2026: 2}})


def test_while_a_window_is_read_again_the_state_says_that_it_was_interrupted_before_it() -> None:
    window = DateRange(Date(2026, 11, 14), Date(2026, 11, 21))
    day = Date(2026, 11, 20)
    assert Progress(day).before(DAY, window, {}) == Progress(Date(2026, 11, 13), end=day)
    first = DateRange(day, Date(2026, 11, 21))
    assert Progress(day).before(DAY, first, {}) == Progress(Date(2026, 11, 19), end=day)
    earlier = Date(2026, 11, 18)
    assert Progress(day, end=earlier).before(DAY, window, {}) == Progress(Date(2026, 11, 13), end=earlier)


def test_after_its_rows_a_window_has_what_it_brought_and_no_other_size_in_its_days() -> None:
    week, month = number("2026-11-09", WEEK), number("2026-11-09", MONTH)
    days = {number(f"2026-11-{day:02}"): day for day in range(8, 17)}
    progress = Progress(None, {DAY: days, WEEK: {week - 1: 1, week: 2, week + 1: 3}, MONTH: {month: 4}})
    after = progress.after(WEEK, DateRange(Date(2026, 11, 9), Date(2026, 11, 15)), {week: 20})
    assert after == Progress(
        Date(2026, 11, 15),
        {DAY: {number("2026-11-08"): 8, number("2026-11-16"): 16}, WEEK: {week - 1: 1, week: 20, week + 1: 3}},
    )
    assert after.after(WEEK, DateRange(Date(2026, 11, 2), Date(2026, 11, 22)), {}).places == {}


@given(st.dictionaries(GRANULARITIES, TAKEN.filter(bool)), st.integers(0, 40), st.integers(0, 40))
def test_a_window_owns_every_period_of_which_a_day_is_its_own(
    taken: dict[Granularity, dict[int, int]], begin: int, length: int
) -> None:
    origin = Date(2026, 1, 1)
    progress = Progress(None, {size: taken_from(origin, size, numbers) for size, numbers in taken.items()})
    window = DateRange(origin.add(days=begin), origin.add(days=begin + length))
    owned = [
        (size, number)
        for size, numbers in progress.places.items()
        for number in sorted(numbers)
        if period_of(first_day(number, size), size).overlaps(window)
    ]
    assert list(progress.overlapping(window)) == owned
    left = progress.after(DAY, window, {}).places
    assert {(size, n) for size, numbers in left.items() for n in numbers} == {
        (size, n) for size, numbers in progress.places.items() for n in numbers
    } - set(owned)
