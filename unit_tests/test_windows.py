"""Test that requests cover whole periods without gaps or overlaps, and that there are as few requests as possible."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import groupby, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics.windows import Granularity, Request, first_days, next_request, period_of, plan

DAY, WEEK, MONTH, YEAR = Granularity
GRANULARITIES = st.sampled_from(Granularity)
# Typical lengths (a week, a month, a plan's maximum, half of that, and so on), or any other length.
LENGTHS = st.sampled_from([1, 2, 6, 7, 23, 28, 30, 31, 45, 90, 180, 365]) | st.integers(1, 400)
DAYS = st.dates(date(1999, 12, 1), date(2041, 1, 31))
SPANS = st.integers(0, 800)
PERIOD_OF: dict[Granularity, Callable[[date], object]] = {
    DAY: date.isoformat,
    WEEK: lambda day: day.isocalendar()[:2],
    MONTH: lambda day: (day.year, day.month),
    YEAR: lambda day: day.year,
}


def listed(first: date, last: date, granularity: Granularity) -> list[tuple[int, int]]:
    """Use the standard library to list the first and last day of each period from `first` to `last`, as ordinals."""
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    groups = [list(group) for _, group in groupby(days, PERIOD_OF[granularity])]
    return [(group[0].toordinal(), group[-1].toordinal()) for group in groups]


def is_first(day: date, granularity: Granularity) -> bool:
    return PERIOD_OF[granularity](day - timedelta(1)) != PERIOD_OF[granularity](day)


def first_of_period(day: date, granularity: Granularity) -> date:
    while not is_first(day, granularity):
        day -= timedelta(1)
    return day


def fewest_requests(first: date, last: date, granularity: Granularity, longest: int) -> int:
    """Return the smallest number of requests that covers all periods, found by trying every possible split."""
    parts = listed(first, last, granularity)
    smaller = MONTH if granularity is YEAR else DAY
    fewest = [0]
    for i, (start, end) in enumerate(parts):
        if end - start + 1 > longest:
            in_parts = fewest_requests(date.fromordinal(start), date.fromordinal(end), smaller, longest)
            fewest.append(fewest[i] + in_parts)
            continue
        cuts = [j for j in range(i, -1, -1) if end - parts[j][0] < longest]
        fewest.append(min(fewest[j] + 1 for j in cuts))
    return fewest[-1]


def planned(start: date, end: date, granularity: Granularity, longest: int) -> list[Request]:
    return list(plan(as_date(start), as_date(end), granularity, longest))


def as_date(day: date) -> Date:
    return Date(day.year, day.month, day.day)


@given(DAYS, SPANS, GRANULARITIES, LENGTHS)
@example(date(2020, 12, 28), 400, WEEK, 180)
@example(date(2024, 2, 29), 366, YEAR, 29)
@example(date(2026, 1, 1), 27, MONTH, 28)
@example(date(2026, 1, 1), 28, MONTH, 28)
def test_every_day_is_asked_for_once_in_order_in_whole_periods_or_parts_of_one_that_is_too_long(
    start: date, span: int, granularity: Granularity, longest: int
) -> None:
    end, begin = start + timedelta(span), first_of_period(start, granularity)
    requests = planned(start, end, granularity, longest)
    assert (requests[0].range.start, requests[-1].range.end) == (begin, end)
    assert all(after.range.start == before.range.end + timedelta(1) for before, after in pairwise(requests))
    whole = listed(begin, end, granularity)
    for request in requests:
        first, last = request.range.start, request.range.end
        assert first <= last and request.range.length <= longest
        assert is_first(first, request.granularity)
        if request.granularity is granularity:
            assert last == end or is_first(last + timedelta(1), request.granularity)
            continue
        [(begun, over)] = [both for both in whole if both[0] <= first.toordinal() <= both[1]]
        assert over - begun + 1 > longest
        assert last.toordinal() <= over
        assert (granularity, request.granularity) in {(WEEK, DAY), (MONTH, DAY), (YEAR, MONTH), (YEAR, DAY)}
        if request.granularity is MONTH:
            assert last.toordinal() == over or is_first(last + timedelta(1), MONTH)


@given(DAYS, SPANS, GRANULARITIES, LENGTHS)
@example(date(2026, 1, 1), 179, DAY, 180)
@example(date(2026, 1, 1), 364, YEAR, 365)
@example(date(2024, 1, 1), 365, YEAR, 365)
@example(date(2026, 1, 1), 30, MONTH, 30)
def test_the_requests_are_as_few_as_possible(start: date, span: int, granularity: Granularity, longest: int) -> None:
    # A year can be requested month by month, so `longest` must be at least the length of the longest month.
    longest = max(longest, 31) if granularity is YEAR else longest
    end = start + timedelta(span)
    fewest = fewest_requests(first_of_period(start, granularity), end, granularity, longest)
    assert len(planned(start, end, granularity, longest)) == fewest


@given(DAYS, SPANS, GRANULARITIES, LENGTHS)
def test_a_request_inside_a_period_stays_in_it(first: date, span: int, granularity: Granularity, longest: int) -> None:
    end = first + timedelta(span)
    request = next_request(as_date(first), as_date(end), granularity, longest)
    assert request.range.start == first
    assert request.range.end <= end
    assert request.range.length <= longest
    if not is_first(first, granularity):
        assert PERIOD_OF[granularity](request.range.end) == PERIOD_OF[granularity](first)
        assert request.granularity is not granularity


@given(GRANULARITIES, LENGTHS)
def test_nothing_is_asked_for_where_no_day_is(granularity: Granularity, longest: int) -> None:
    assert planned(date(2026, 5, 20), date(2026, 5, 19), granularity, longest) == []
    with pytest.raises(ValueError, match="no request of at most 0 days is possible from 2026-05-01 to 2026-05-20"):
        next_request(Date(2026, 5, 1), Date(2026, 5, 20), MONTH, 0)


@given(DAYS, GRANULARITIES)
@example(date(2021, 1, 3), WEEK)
@example(date(1, 1, 1), WEEK)
@example(date(2024, 2, 29), MONTH)
def test_every_day_lies_in_the_period_that_the_calendar_says(day: date, granularity: Granularity) -> None:
    found = period_of(as_date(day), granularity)
    assert found.start == (first := first_of_period(day, granularity) if day > date.min else day)
    assert is_first(found.end + timedelta(1), granularity)
    assert PERIOD_OF[granularity](found.end) == PERIOD_OF[granularity](first)


@given(DAYS, SPANS, GRANULARITIES)
def test_the_first_days_are_those_of_all_periods_in_between(first: date, span: int, granularity: Granularity) -> None:
    last = first + timedelta(span)
    found = [day.toordinal() for day in first_days(as_date(first), as_date(last), granularity)]
    assert found == [start for start, _ in listed(first_of_period(first, granularity), last, granularity)]
