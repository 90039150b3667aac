"""Which dates to ask for: windows of whole buckets, as few as the plan's longest request allows.

All dates are days in UTC and all ranges include both ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pendulum import Date


class Granularity(StrEnum):
    """The size of a bucket. A week is an ISO week, Monday to Sunday (Magnific's Analytics overview)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True)
class DateRange:
    """The days from `start` to `end`, both included."""

    start: Date
    end: Date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


@dataclass(frozen=True)
class Window:
    """Whole buckets that are read, handed on and saved together.

    `requests` are the ranges to ask the API for, in buckets of `asked_by`. They are the window itself, except
    for a bucket too long for one request: that one is asked for by months.
    """

    range: DateRange
    requests: tuple[DateRange, ...]
    asked_by: Granularity


def bucket_start(day: Date, granularity: Granularity) -> Date:
    """The first day of the bucket that holds `day`.

    >>> bucket_start(Date(2026, 11, 22), Granularity.WEEK)
    Date(2026, 11, 16)
    """
    return day.start_of(granularity.value)


def plan_windows(start: Date, end: Date, granularity: Granularity, longest: int) -> Iterator[Window]:
    """The windows from the bucket that holds `start` to the day `end`, ascending, without gap or overlap.

    Each starts on the first day of a bucket and, except the last, ends on the last day of one: half a bucket
    would be stored under the key of the whole and replace it. No request is longer than `longest` days (180 on
    Business, 365 on Enterprise). Yields nothing where `end` lies before `start`.

    >>> for window in plan_windows(Date(2026, 1, 15), Date(2026, 7, 10), Granularity.MONTH, longest=180):
    ...     print(window.range.start, window.range.end)
    2026-01-01 2026-05-31
    2026-06-01 2026-07-10
    >>> [year] = plan_windows(Date(2024, 1, 1), Date(2024, 12, 31), Granularity.YEAR, longest=365)
    >>> [(str(request.start), str(request.end)) for request in year.requests]
    [('2024-01-01', '2024-11-30'), ('2024-12-01', '2024-12-31')]
    """
    if end < start:
        return
    first = bucket_start(start, granularity)
    while first <= end:
        last = _last_day(first, end, granularity, longest)
        if last < first:
            bucket = DateRange(first, min(first.end_of(granularity.value), end))
            by_month = plan_windows(bucket.start, bucket.end, Granularity.MONTH, longest)
            yield Window(bucket, tuple(month.range for month in by_month), Granularity.MONTH)
            last = bucket.end
        else:
            whole = DateRange(first, last)
            yield Window(whole, (whole,), granularity)
        first = last.add(days=1)


def _last_day(first: Date, end: Date, granularity: Granularity, longest: int) -> Date:
    """The last day that a request from `first` may reach; before `first` where no whole bucket fits."""
    reach = first.add(days=longest - 1)
    if reach >= end:
        return end
    return bucket_start(reach.add(days=1), granularity).subtract(days=1)
