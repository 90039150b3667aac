"""What a sync leaves for the next: how far it came, under which settings, and how many rows the warehouse may hold."""

import json
from typing import Any

import pytest
from builders import PROJECT, TODAY, config, saved_state
from hypothesis import example, given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics import state
from source_magnific_analytics.config import Config
from source_magnific_analytics.state import Progress, Settings, Start
from source_magnific_analytics.windows import DateRange, Granularity, first_day, number_of, period_of

DAY, WEEK, MONTH, YEAR = Granularity
GRANULARITIES = st.sampled_from(Granularity)
# Periods that may be next to each other, across a year's end.
NUMBERS = st.integers(0, 40)
TAKEN = st.dictionaries(NUMBERS, st.integers(1, 99), max_size=5)


def number(day: str, granularity: Granularity = DAY) -> int:
    return number_of(Date.fromisoformat(day), granularity)


def settings_of(settings: Config) -> Settings:
    return Settings(settings.granularity, settings.start_date, settings.filters)


def started(saved: Any, full_refresh: bool = False, **changes: Any) -> Start:
    now = config(**changes)
    return state.start(saved, now, settings_of(now), full_refresh=full_refresh)


def taken_from(first: Date, granularity: Granularity, numbers: dict[int, int]) -> dict[int, int]:
    return {number_of(first, granularity) + n: places for n, places in numbers.items()}


def test_the_state_says_how_far_it_came_under_which_settings_and_how_many_rows_there_are() -> None:
    settings = config(granularity="week", start_date="2026-11-01", group_ids=[7, 3])
    days = {number("2026-12-30"): 12, number("2026-12-31"): 0, number("2027-01-02"): 3}
    progress = Progress(Date(2026, 11, 20), {DAY: days, MONTH: {number("2026-02-01", MONTH): 5}})
    written = {**state.settings_as_json(settings_of(settings)), **state.progress_as_json(progress)}
    assert written == json.loads(json.dumps(written))
    assert written == {
        "date": "2026-11-20",
        "granularity": "week",
        "start_date": "2026-11-01",
        "filters": {"group_ids": [7, 3]},
        "rows": {
            "day": {"first": "2026-12-30", "places": [12, 0, 0, 3]},
            "month": {"first": "2026-02-01", "places": [5]},
        },
    }
    assert state.read_settings(written) == settings_of(settings)
    assert state.read_progress(written).date == progress.date


def test_before_the_first_window_there_is_no_date_and_there_are_no_rows() -> None:
    assert state.progress_as_json(Progress()) == {"date": None, "rows": {}}
    assert state.read_progress({"date": None, "rows": {}}) == Progress()


@given(st.none() | st.dates(Date(2000, 1, 1), TODAY), st.dictionaries(GRANULARITIES, TAKEN.filter(bool)))
def test_every_progress_is_read_as_it_was_written(date: Any, taken: dict[Granularity, dict[int, int]]) -> None:
    through = None if date is None else Date(date.year, date.month, date.day)
    places = {size: taken_from(Date(2019, 12, 25), size, numbers) for size, numbers in taken.items()}
    progress = Progress(through, places)
    assert state.read_progress(json.loads(json.dumps(state.progress_as_json(progress)))) == progress


@pytest.mark.parametrize("full_refresh", [False, True])
def test_without_state_a_sync_starts_at_the_beginning_and_says_nothing(full_refresh: bool) -> None:
    assert started({}, full_refresh) == Start(Progress(None, {}), remarks=())


ROWS = {"day": {"first": "2026-11-14", "places": [2, 0, 1]}}
KNOWN = {DAY: {number("2026-11-14"): 2, number("2026-11-16"): 1}}


@pytest.mark.parametrize("changes", [{}, {"lookback_window_days": 60}, {"plan": "enterprise"}])
def test_under_the_same_settings_a_sync_goes_on(changes: dict[str, Any]) -> None:
    saved = saved_state("2026-11-20", rows=ROWS)
    assert started(saved, **changes) == Start(Progress(Date(2026, 11, 20), KNOWN))
    assert started({**saved, "date": None}, **changes) == Start(Progress(None, KNOWN))


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["2026-11-20"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
PART_OF_ROWS = st.fixed_dictionaries({"first": GARBAGE, "places": GARBAGE})
PARTS = {
    **dict.fromkeys(["date", "granularity", "start_date", "filters", "end", "other_filters"], GARBAGE),
    "rows": GARBAGE | st.dictionaries(GRANULARITIES.map(str), GARBAGE | PART_OF_ROWS),
}


@given(st.fixed_dictionaries({}, optional=PARTS), st.booleans())
@example({"date": 7}, True)
def test_no_state_whatsoever_stops_a_sync_or_makes_it_skip_a_day(broken: dict[str, Any], full_refresh: bool) -> None:
    for saved in (broken, {**saved_state("2026-11-20", rows=ROWS), **broken}):
        start = started(saved, full_refresh)
        first = state.first_to_read(start.progress, Date(2026, 11, 1), config(), full_refresh=False)
        assert first <= max((start.progress.date or Date(1, 1, 1)).add(days=1), Date(2026, 11, 1))
        assert (start.progress.date or TODAY) <= TODAY
        assert all(places > 0 for taken in start.progress.places.values() for places in taken.values())


def each(part: str, *values: Any) -> list[dict[str, Any]]:
    return [{part: value} for value in values]


BROKEN: list[dict[str, Any]] = [
    *[{part: ...} for part in ("date", "granularity", "start_date", "filters", "rows")],
    *each("date", "", 20261120, "2026-11-20T00:00:00", "2026-02-30", {"date": "2026-11-20"}, []),
    *each("granularity", None, "hour", 1, ["day"]),
    *each("start_date", None, "first of May", 1),
    *each("filters", None, [], "group_ids", {"group_ids": 7}),
    *each("rows", None, [1], "all", {"hour": ROWS["day"]}, {"day": []}, {"day": [2, 0, 1]}),
    # The state of 0.1.0 before its release had keys of rows.
    {"rows": {"2026-11-14": ["AAAAAAAAAAAAAAAAAAAAAA"]}},
    *each("rows", {"day": {"first": "2026-11-14"}}, {"day": {"places": [1]}}),
    *[{"rows": {"day": {"first": first, "places": [1]}}} for first in (None, 1, "", "2026-11-31", "someday")],
    *[{"rows": {"day": {"first": "2026-11-14", "places": p}}} for p in (None, 3, "3", [-1], [True], [1.0], ["1"])],
    # Not the first day of a period, and a period beyond the calendar.
    *[{"rows": {size: {"first": "2026-11-14", "places": [1]}}} for size in ("week", "month", "year")],
    *[{"rows": {size: {"first": "9990-01-01", "places": [1] * 4000}}} for size in ("day", "month", "year")],
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_a_state_that_cannot_be_read_starts_over_and_advises_to_clear(broken: dict[str, Any]) -> None:
    whole = {**saved_state("2026-11-20", rows=ROWS), **broken}
    saved = {name: value for name, value in whole.items() if value is not ...}
    assert started(saved) == Start(
        remarks=(
            "The saved state of credit_usage cannot be read, so the stream is read again from 2026-11-01. Clear the "
            "stream to be sure that no row of an earlier sync stays behind.",
        )
    )


OVER = "read again from {}. Rows replace those of the earlier settings; there is nothing you need to do."


@pytest.mark.parametrize(
    ("before", "now", "remark"),
    [
        ({"start_date": "2026-10-01"}, {}, None),
        ({}, {"start_date": "2026-10-31"}, "Start_date moved from 2026-11-01 back to 2026-10-31, so"),
        ({"granularity": "week"}, {}, "Granularity changed from week to day, so"),
        ({"filters": {"group_ids": [1]}}, {}, "The filters changed, so"),
        ({}, {"group_ids": [1]}, "The filters changed, so"),
        ({"filters": {"group_ids": [1]}}, {"group_ids": [2]}, "The filters changed, so"),
        ({"filters": {"api_key_ids": ["a"]}}, {"api_key_ids": ["A"]}, "The filters changed, so"),
        ({"filters": {"x": [1]}}, {}, "The filters changed, so"),
        ({"filters": {"group_ids": [1, 2]}}, {"group_ids": [2, 1, 2]}, None),
        ({"filters": {"group_ids": []}}, {}, None),
        ({"filters": {"project_references": [PROJECT.upper()]}}, {"project_references": [PROJECT]}, None),
        (
            {"filters": {"group_ids": [1]}, "granularity": "week"},
            {"start_date": "2026-10-31"},
            "Granularity changed from week to day and the filters changed and start_date moved from 2026-11-01 back to",
        ),
    ],
)
def test_a_sync_restarts_where_settings_mean_something_else_and_keeps_the_rows(
    before: dict[str, Any], now: dict[str, Any], remark: str | None
) -> None:
    start = started(saved_state("2026-11-20", rows=ROWS, **before), **now)
    date, other_filters = (None, "filters" in remark) if remark else (Date(2026, 11, 20), False)
    assert start.progress == Progress(date, KNOWN, other_filters=other_filters)
    assert bool(start.remarks) == bool(remark)
    for text in start.remarks:
        assert text.startswith(remark or "")
        assert text.endswith(OVER.format(config(**now).start_date))


@pytest.mark.parametrize(
    ("changes", "today", "last"),
    [({}, "2026-11-22", "2026-11-22"), ({"end_date": "2026-11-10"}, "2026-11-22", "2026-11-10")],
)
def test_a_saved_day_after_the_last_is_taken_as_that(changes: dict[str, Any], today: str, last: str) -> None:
    start = started(saved_state("2027-01-01", rows=ROWS), **changes)
    assert start.progress == Progress(Date.fromisoformat(last), KNOWN)
    assert start.remarks[0].startswith(f"The saved date 2027-01-01 lies after {last}, the last day to sync, and is")
    assert start.remarks[0].endswith("Check end_date and the machine's clock if you did not expect this.")
    assert started(saved_state(last), **changes) == Start(Progress(Date.fromisoformat(last)))


def test_a_full_refresh_goes_on_only_behind_an_interrupted_one() -> None:
    saved = saved_state("2026-11-20", rows=ROWS)
    assert started(saved, full_refresh=True) == Start()
    unfinished = {**saved, state.UNFINISHED: True}
    assert started(unfinished, full_refresh=True).progress == Progress(Date(2026, 11, 20), KNOWN)
    assert started(unfinished, full_refresh=True, granularity="week").progress == Progress(None, KNOWN)
    assert started(unfinished).progress == Progress(Date(2026, 11, 20), KNOWN)


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


@pytest.mark.parametrize("end", [None, Date(2026, 11, 20)])
@pytest.mark.parametrize("other_filters", [False, True])
def test_progress_is_saved_with_what_says_something_and_read_as_it_was(end: Date | None, other_filters: bool) -> None:
    progress = Progress(
        Date(2026, 11, 9), {DAY: {number("2026-11-08"): 3, number("2026-11-10"): 1}}, end, other_filters
    )
    saved = state.progress_as_json(progress)
    assert saved == {
        "date": "2026-11-09",
        "rows": {"day": {"first": "2026-11-08", "places": [3, 0, 1]}},
        **({"end": "2026-11-20"} if end else {}),
        **({"other_filters": True} if other_filters else {}),
    }
    assert state.read_progress(saved) == progress
