"""Plan which dates to request: whole periods, in as few requests as the longest range allows.

A period is a day, an ISO week, a month or a year. All dates are UTC days; all ranges include both ends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pendulum import Date


class Granularity(StrEnum):
    """The length of a period. A week is an ISO week, Monday to Sunday (see Magnific's Analytics overview)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


_DAY, _WEEK, _MONTH, _YEAR = Granularity
_LONGEST = {_DAY: 1, _WEEK: 7, _MONTH: 31, _YEAR: 366}
# For each period, the smaller periods that can be requested and added up instead, longest first.
_PARTS = {_DAY: (), _WEEK: (_DAY,), _MONTH: (_DAY,), _YEAR: (_MONTH, _DAY)}


@dataclass(frozen=True)
class DateRange:
    """The days from `start` to `end`, both included."""

    start: Date
    end: Date

    @property
    def length(self) -> int:
        """The number of days in the range."""
        return self.end.toordinal() - self.start.toordinal() + 1


@dataclass(frozen=True)
class Request:
    """A request for the days of `range`, in periods of `granularity`."""

    range: DateRange
    granularity: Granularity

    @property
    def body(self) -> dict[str, str]:
        """The dates and granularity in the form that API requests and stream slices use."""
        days = self.range
        return {"granularity": self.granularity.value, "start_date": str(days.start), "end_date": str(days.end)}


def parse_date(text: str) -> Date:
    """Parse a day written as YYYY-MM-DD; raise ValueError for any other string."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError("not a date")
    return Date.fromisoformat(text)


def period_of(day: Date, granularity: Granularity) -> DateRange:
    """Return the calendar days of the period that contains `day`."""
    start = day.start_of(granularity.value)
    return DateRange(start, start.end_of(granularity.value))


def first_days(first: Date, last: Date, granularity: Granularity) -> Iterator[Date]:
    """Yield the first day of each period, from the period that contains `first` to the one that contains `last`."""
    day = first.start_of(granularity.value)
    while day <= last:
        yield day
        # A period's first day plus this many days always falls in the next period, never in the one after that.
        day = Date.fromordinal(day.toordinal() + _LONGEST[granularity]).start_of(granularity.value)


def next_request(first: Date, end: Date, granularity: Granularity, longest: int) -> Request:
    """Return the next request from `first` on, for at most `longest` days and not beyond `end`.

    It covers whole periods, because rows for part of one would replace all its rows. Only `end` can cut a period short.
    If no whole period fits, or `first` is inside one, it covers the longest smaller periods that fit into that period.

    >>> def show(request): print(request.granularity, request.range.start, request.range.end)
    >>> show(next_request(Date(2026, 1, 1), Date(2026, 7, 10), Granularity.MONTH, longest=180))
    month 2026-01-01 2026-05-31
    >>> show(next_request(Date(2024, 1, 1), Date(2026, 7, 10), Granularity.YEAR, longest=365))
    month 2024-01-01 2024-11-30
    """
    reach = first.add(days=longest - 1)
    for unit in (unit for unit in (granularity, *_PARTS[granularity]) if period_of(first, unit).start == first):
        limit = end if unit is granularity else min(end, period_of(first, granularity).end)
        last = limit if reach >= limit else period_of(reach.add(days=1), unit).start.subtract(days=1)
        if first <= last:
            return Request(DateRange(first, last), unit)
    raise ValueError(f"no request of at most {longest} days is possible from {first} to {end}")


def plan(start: Date, end: Date, granularity: Granularity, longest: int) -> list[Request]:
    """Return, in order, the fewest requests that cover all days from the first day of `start`'s period to `end`."""
    requests: list[Request] = []
    first = period_of(start, granularity).start
    while max(start, first) <= end:
        requests.append(next_request(first, end, granularity, longest))
        first = requests[-1].range.end.add(days=1)
    return requests
