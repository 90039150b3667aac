"""How far a series of windows came, and how many places the warehouse may hold of each period."""

import json
from itertools import islice
from typing import Any

from builders import TODAY, saved_state
from hypothesis import example, given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics import state
from source_magnific_analytics.state import Places, Progress
from source_magnific_analytics.windows import DateRange, Granularity, first_days, period_of

DAY, WEEK, MONTH, YEAR = Granularity
GRANULARITIES = st.sampled_from(Granularity)
# Periods that may be next to each other, across a year's end.
NUMBERS = st.integers(0, 40)
TAKEN = st.dictionaries(NUMBERS, st.integers(1, 99), max_size=5)


def places(**days: int) -> Places:
    """Places of days of November 2026, such as d14=2."""
    return Places({(DAY, Date(2026, 11, int(name[1:]))): number for name, number in days.items()})


NONE = Places()


def taken_from(first: Date, taken: dict[Granularity, dict[int, int]]) -> Places:
    """Places of the periods with these numbers, counted from the one that holds `first`."""
    found = Places()
    for size, numbers in taken.items():
        some = list(islice(first_days(first, Date(2999, 1, 1), size), 41))
        found |= {(size, some[n]): number for n, number in numbers.items()}
    return found


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
    progress = Progress(through, taken_from(Date(2019, 12, 25), taken), end, other_filters)
    written = progress.as_json
    assert ({"end", "other_filters"} & set(written)) == {
        *(["end"] if end else []),
        *(["other_filters"] if other_filters else []),
    }
    saved = {**saved_state("2026-11-20"), **json.loads(json.dumps(written))}
    known = state.read(saved, Progress, "credit_usage", full_refresh=False)
    assert known
    assert known[0] == progress


def test_before_its_rows_a_window_may_have_left_the_old_ones_or_the_new_ones() -> None:
    week, year = {(WEEK, Date(2026, 11, 2)): 4}, {(YEAR, Date(2026, 1, 1)): 2}
    progress = Progress(Date(2026, 11, 20), places(d21=5, d22=7, d23=9) | week)
    window = DateRange(Date(2026, 11, 21), Date(2026, 11, 25))
    before = progress.before(window, places(d21=6, d22=3, d24=1))
    assert before == Progress(Date(2026, 11, 20), places(d21=6, d22=7, d23=9, d24=1) | week)
    assert progress.before(window, NONE) == progress
    assert state.NOTHING_READ.before(window, Places(year)) == Progress(None, Places(year))


def test_while_a_window_is_read_again_the_state_says_that_it_was_interrupted_before_it() -> None:
    window = DateRange(Date(2026, 11, 14), Date(2026, 11, 21))
    last = Date(2026, 11, 20)
    assert Progress(last, NONE).before(window, NONE) == Progress(Date(2026, 11, 13), NONE, last)
    first = DateRange(last, Date(2026, 11, 21))
    assert Progress(last, NONE).before(first, NONE) == Progress(Date(2026, 11, 19), NONE, last)
    earlier = Date(2026, 11, 18)
    assert Progress(last, NONE, earlier).before(window, NONE) == Progress(Date(2026, 11, 13), NONE, earlier)


def test_after_its_rows_a_window_has_what_it_brought_and_no_other_size_in_its_days() -> None:
    def week(first: int, number: int) -> dict[tuple[Granularity, Date], int]:
        return {(WEEK, Date(2026, 11, first)): number}

    days = places(**{f"d{day}": day for day in range(8, 17)})
    month = {(MONTH, Date(2026, 11, 1)): 4}
    progress = Progress(None, days | week(2, 1) | week(9, 2) | week(16, 3) | month)
    after = progress.after(DateRange(Date(2026, 11, 9), Date(2026, 11, 15)), Places(week(9, 20)))
    kept = places(d8=8, d16=16) | week(2, 1) | week(9, 20) | week(16, 3)
    assert after == Progress(Date(2026, 11, 15), kept)
    assert after.after(DateRange(Date(2026, 11, 2), Date(2026, 11, 22)), NONE).places == NONE


@given(st.dictionaries(GRANULARITIES, TAKEN.filter(bool)), st.integers(0, 40), st.integers(0, 40))
def test_a_window_owns_every_period_of_which_a_day_is_its_own(
    taken: dict[Granularity, dict[int, int]], begin: int, length: int
) -> None:
    origin = Date(2026, 1, 1)
    progress = Progress(None, taken_from(origin, taken))
    window = DateRange(origin.add(days=begin), origin.add(days=begin + length))
    owned = sorted((size, first) for size, first in progress.places if period_of(first, size).overlaps(window))
    assert progress.overlapping(window) == owned
    assert set(progress.after(window, NONE).places) == set(progress.places) - set(owned)
