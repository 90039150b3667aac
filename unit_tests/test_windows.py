"""Which dates are asked for: whole buckets, without gap or overlap, in as few requests as the plan allows."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import groupby, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics.windows import DateRange, Granularity, Window, bucket_start, plan_windows

GRANULARITIES = st.sampled_from(Granularity)
PLANS = st.sampled_from([180, 365])
DAYS = st.dates(date(1999, 12, 1), date(2041, 1, 31))
SPANS = st.integers(0, 800)
BUCKET_OF: dict[Granularity, Callable[[date], object]] = {
    Granularity.DAY: date.isoformat,
    Granularity.WEEK: lambda day: day.isocalendar()[:2],
    Granularity.MONTH: lambda day: (day.year, day.month),
    Granularity.YEAR: lambda day: day.year,
}


def buckets(days: Iterable[date], granularity: Granularity) -> list[tuple[int, int]]:
    """The buckets that `days` fall in, each as the ordinals of its first and last day, by the standard library."""
    groups = [list(group) for _, group in groupby(days, BUCKET_OF[granularity])]
    return [(group[0].toordinal(), group[-1].toordinal()) for group in groups]


def days_from(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def first_of_bucket(day: date, granularity: Granularity) -> date:
    first = day
    while BUCKET_OF[granularity](first - timedelta(1)) == BUCKET_OF[granularity](day):
        first -= timedelta(1)
    return first


def fewest_requests(first: date, last: date, granularity: Granularity, longest: int) -> int:
    """The least number of requests that hold all buckets, found by trying every place to cut."""
    parts = buckets(days_from(first, last), granularity)
    fewest = [0]
    for i, (start, end) in enumerate(parts):
        if end - start + 1 > longest:
            by_month = fewest_requests(date.fromordinal(start), date.fromordinal(end), Granularity.MONTH, longest)
            fewest.append(fewest[i] + by_month)
            continue
        cuts = [j for j in range(i, -1, -1) if end - parts[j][0] < longest]
        fewest.append(min(fewest[j] + 1 for j in cuts))
    return fewest[-1]


def planned(start: date, end: date, granularity: Granularity, longest: int) -> list[Window]:
    return list(plan_windows(as_date(start), as_date(end), granularity, longest))


def as_date(day: date) -> Date:
    return Date(day.year, day.month, day.day)


def dates(window: DateRange) -> tuple[str, str]:
    return str(window.start), str(window.end)


@given(DAYS, SPANS, GRANULARITIES, PLANS)
@example(date(2020, 12, 28), 400, Granularity.WEEK, 180)
@example(date(2024, 2, 29), 366, Granularity.YEAR, 365)
@example(date(2024, 2, 29), 366, Granularity.YEAR, 180)
def test_every_day_is_asked_for_exactly_once_in_order_and_none_after_the_end(
    start: date, span: int, granularity: Granularity, longest: int
) -> None:
    end = start + timedelta(span)
    windows = planned(start, end, granularity, longest)
    for ranges in ([w.range for w in windows], [asked for w in windows for asked in w.requests]):
        assert ranges[0].start == first_of_bucket(start, granularity)
        assert ranges[-1].end == end
        for earlier, later in pairwise(ranges):
            assert later.start == earlier.end + timedelta(1)
        assert all(r.start <= r.end for r in ranges)


@given(DAYS, SPANS, GRANULARITIES, PLANS)
def test_every_window_but_the_last_ends_with_a_bucket(
    start: date, span: int, granularity: Granularity, longest: int
) -> None:
    for window in planned(start, start + timedelta(span), granularity, longest)[:-1]:
        assert first_of_bucket(window.range.end + timedelta(1), granularity) == window.range.end + timedelta(1)


@given(DAYS, SPANS, GRANULARITIES, PLANS)
def test_every_request_holds_whole_buckets_of_what_it_asks_by(
    start: date, span: int, granularity: Granularity, longest: int
) -> None:
    windows = planned(start, start + timedelta(span), granularity, longest)
    for window in windows:
        assert window.requests[0].start == window.range.start
        assert window.requests[-1].end == window.range.end
        if window.asked_by != granularity:
            assert (granularity, window.asked_by) == (Granularity.YEAR, Granularity.MONTH)
            assert window.range.days > longest
        for asked in window.requests:
            assert asked.start == first_of_bucket(asked.start, window.asked_by)


def assert_few_and_short(start: date, end: date, granularity: Granularity, longest: int) -> None:
    requests = [asked for window in planned(start, end, granularity, longest) for asked in window.requests]
    assert max(asked.days for asked in requests) <= longest
    assert len(requests) == fewest_requests(first_of_bucket(start, granularity), end, granularity, longest)


@given(DAYS, SPANS, GRANULARITIES, PLANS)
@example(date(2026, 11, 22), 0, Granularity.YEAR, 180)
def test_the_requests_are_as_few_as_the_plan_allows_and_none_is_too_long(
    start: date, span: int, granularity: Granularity, longest: int
) -> None:
    assert_few_and_short(start, start + timedelta(span), granularity, longest)


@given(DAYS, GRANULARITIES, PLANS)
def test_the_plans_maximum_is_used_to_its_last_day(day: date, granularity: Granularity, longest: int) -> None:
    first = first_of_bucket(day, granularity)
    [window] = planned(first, first + timedelta(longest - 1), granularity, longest)
    assert [asked.days for asked in window.requests] == [longest]


@given(DAYS, st.integers(0, 400), GRANULARITIES, st.integers(31, 400))
def test_the_requests_are_as_few_as_any_other_maximum_would_allow(
    start: date, span: int, granularity: Granularity, longest: int
) -> None:
    assert_few_and_short(start, start + timedelta(span), granularity, longest)


@given(DAYS, st.integers(1, 800), GRANULARITIES, PLANS)
def test_nothing_is_asked_for_where_the_end_lies_before_the_start(
    start: date, span: int, granularity: Granularity, longest: int
) -> None:
    assert planned(start, start - timedelta(span), granularity, longest) == []


def test_an_end_before_the_start_is_empty_even_within_one_bucket() -> None:
    assert planned(date(2026, 5, 20), date(2026, 5, 19), Granularity.MONTH, 180) == []


@given(DAYS, GRANULARITIES)
def test_every_day_lies_in_the_bucket_that_the_calendar_says(day: date, granularity: Granularity) -> None:
    assert bucket_start(as_date(day), granularity) == first_of_bucket(day, granularity)


def test_week_53_belongs_to_the_year_it_started_in() -> None:
    assert bucket_start(Date(2021, 1, 3), Granularity.WEEK) == Date(2020, 12, 28)


def test_a_range_counts_both_ends() -> None:
    assert DateRange(Date(2026, 1, 1), Date(2026, 6, 29)).days == 180
    assert DateRange(Date(2026, 1, 1), Date(2026, 1, 1)).days == 1


def test_a_first_year_on_business_takes_three_requests() -> None:
    windows = planned(date(2025, 11, 23), date(2026, 11, 22), Granularity.DAY, 180)
    assert [dates(window.range) for window in windows] == [
        ("2025-11-23", "2026-05-21"),
        ("2026-05-22", "2026-11-17"),
        ("2026-11-18", "2026-11-22"),
    ]


@pytest.mark.parametrize(
    ("longest", "year", "expected"),
    [
        (180, 2026, [("2026-01-01", "2026-05-31"), ("2026-06-01", "2026-10-31"), ("2026-11-01", "2026-12-31")]),
        (180, 2024, [("2024-01-01", "2024-05-31"), ("2024-06-01", "2024-10-31"), ("2024-11-01", "2024-12-31")]),
        (365, 2024, [("2024-01-01", "2024-11-30"), ("2024-12-01", "2024-12-31")]),
    ],
)
def test_a_year_too_long_for_one_request_is_asked_for_by_months_and_kept_together(
    longest: int, year: int, expected: list[tuple[str, str]]
) -> None:
    [window] = planned(date(year, 1, 1), date(year, 12, 31), Granularity.YEAR, longest)
    assert dates(window.range) == (f"{year}-01-01", f"{year}-12-31")
    assert [dates(asked) for asked in window.requests] == expected
    assert window.asked_by == "month"


def test_a_common_year_on_enterprise_is_one_request_by_year() -> None:
    [window] = planned(date(2025, 1, 1), date(2025, 12, 31), Granularity.YEAR, 365)
    assert window == Window(window.range, (window.range,), Granularity.YEAR)
