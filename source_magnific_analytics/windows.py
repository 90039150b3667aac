"""Which dates to ask for: whole periods, in as few requests as the longest range allows.

A period is a day, an ISO week, a month or a year, by its place in the calendar. All dates are days in UTC and all
ranges include both ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from pendulum import Date


class Granularity(StrEnum):
    """The length of a period. A week is an ISO week, Monday to Sunday (Magnific's Analytics overview)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


# The periods that a period can be asked for in and added up from, the longest first.
_UNITS = {
    Granularity.DAY: (Granularity.DAY,),
    Granularity.WEEK: (Granularity.WEEK, Granularity.DAY),
    Granularity.MONTH: (Granularity.MONTH, Granularity.DAY),
    Granularity.YEAR: (Granularity.YEAR, Granularity.MONTH, Granularity.DAY),
}


@dataclass(frozen=True)
class DateRange:
    """The days from `start` to `end`, both included."""

    start: Date
    end: Date

    @property
    def days(self) -> int:
        return self.end.toordinal() - self.start.toordinal() + 1

    def overlaps(self, other: "DateRange") -> bool:
        """Whether a day lies in both."""
        return self.start <= other.end and other.start <= self.end


@dataclass(frozen=True)
class Request:
    """One request: the days of `range`, in periods of `unit`."""

    range: DateRange
    unit: Granularity

    @property
    def body(self) -> dict[str, str]:
        """As the API is asked."""
        return {"granularity": self.unit.value, "start_date": str(self.range.start), "end_date": str(self.range.end)}


def number_of(day: Date, granularity: Granularity) -> int:
    """The number of the period that holds `day`, counted in the calendar: the next period has the next number.

    >>> number_of(Date(2026, 12, 31), Granularity.MONTH) + 1 == number_of(Date(2027, 1, 1), Granularity.MONTH)
    True
    """
    match granularity:
        case Granularity.DAY:
            return day.toordinal()
        case Granularity.WEEK:
            # 0001-01-01, the day number 1, was a Monday.
            return (day.toordinal() - 1) // 7
        case Granularity.MONTH:
            return day.year * 12 + day.month - 1
        case Granularity.YEAR:
            return day.year


def first_day(number: int, granularity: Granularity) -> Date:
    """The first day of the period that `number_of` gave this number.

    >>> first_day(number_of(Date(2026, 11, 22), Granularity.WEEK), Granularity.WEEK)
    Date(2026, 11, 16)
    """
    match granularity:
        case Granularity.DAY:
            return Date.fromordinal(number)
        case Granularity.WEEK:
            return Date.fromordinal(number * 7 + 1)
        case Granularity.MONTH:
            return Date(number // 12, number % 12 + 1, 1)
        case Granularity.YEAR:
            return Date(number, 1, 1)


def period(number: int, granularity: Granularity) -> DateRange:
    """The calendar days of the period with this number."""
    start = first_day(number, granularity)
    return DateRange(start, start.end_of(granularity.value))


def period_of(day: Date, granularity: Granularity) -> DateRange:
    """The calendar days of the period that holds `day`.

    >>> period_of(Date(2026, 11, 22), Granularity.MONTH)
    DateRange(start=Date(2026, 11, 1), end=Date(2026, 11, 30))
    """
    return period(number_of(day, granularity), granularity)


def next_request(first: Date, end: Date, granularity: Granularity, longest: int) -> Request:
    """The next request for days from `first` on, of at most `longest` days and not beyond `end`.

    It holds whole periods (the last of all may be cut by `end`): half a period would replace the whole in a warehouse.
    Where no whole period of `granularity` fits or `first` lies inside one, it asks in the longest smaller unit that
    fits, and for no day of the period after.

    >>> def show(request): print(request.unit, request.range.start, request.range.end)
    >>> show(next_request(Date(2026, 1, 1), Date(2026, 7, 10), Granularity.MONTH, longest=180))
    month 2026-01-01 2026-05-31
    >>> show(next_request(Date(2024, 1, 1), Date(2026, 7, 10), Granularity.YEAR, longest=365))
    month 2024-01-01 2024-11-30
    >>> show(next_request(Date(2024, 12, 1), Date(2026, 7, 10), Granularity.YEAR, longest=365))
    month 2024-12-01 2024-12-31
    """
    for unit in _UNITS[granularity]:
        limit = end if unit is granularity else min(end, period_of(first, granularity).end)
        last = _last_day(first, limit, unit, longest)
        if first <= last and period_of(first, unit).start == first:
            return Request(DateRange(first, last), unit)
    raise ValueError(f"no day from {first} to {end} fits into {longest} days")


def plan(start: Date, end: Date, granularity: Granularity, longest: int) -> Iterator[Request]:
    """The requests from the period that holds `start` to the day `end`, ascending, without gap or overlap.

    They are the fewest that `longest` days a request allow for whole periods. None where `end` lies before `start`.

    >>> for request in plan(Date(2026, 1, 15), Date(2026, 7, 10), Granularity.MONTH, longest=180):
    ...     print(request.range.start, request.range.end)
    2026-01-01 2026-05-31
    2026-06-01 2026-07-10
    """
    if end < start:
        return
    first = period_of(start, granularity).start
    while first <= end:
        request = next_request(first, end, granularity, longest)
        yield request
        first = request.range.end.add(days=1)


# Each part of a period asks it again, and each API key.
@lru_cache(maxsize=1)
def number_of_requests(start: Date, end: Date, granularity: Granularity, longest: int) -> int:
    """How many requests `plan` has.

    >>> number_of_requests(Date(2026, 1, 15), Date(2026, 7, 10), Granularity.MONTH, longest=180)
    2
    """
    return sum(1 for _ in plan(start, end, granularity, longest))


def _last_day(first: Date, end: Date, unit: Granularity, longest: int) -> Date:
    """The last day that a request from `first` may reach; before `first` where no whole period fits."""
    reach = first.add(days=longest - 1)
    if reach >= end:
        return end
    return period_of(reach.add(days=1), unit).start.subtract(days=1)
