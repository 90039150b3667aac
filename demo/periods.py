"""The periods that the report's reader chooses from, and what each is compared with: pure functions over dates."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

MOST_MONTHS = 25


@dataclass(frozen=True)
class Days:
    """Days in UTC, both ends included."""

    first: date
    last: date


@dataclass(frozen=True)
class Synced:
    """What the file covers.

    first: the first day that was asked for. through: the last one, possibly still going on. complete: the last day
    that was over when it was synced; before `first` where none was. granularity: day, week, month or year.
    """

    granularity: str
    first: date
    through: date
    complete: date


@dataclass(frozen=True)
class Period:
    """A choice. `finished` are its days that were over, the ones that `before` and `year_before` are compared with.

    None where there is nothing to compare: no finished day, or days that were not synced.
    """

    id: str
    label: str
    days: Days
    finished: Days | None
    before: Days | None
    year_before: Days | None


def periods(synced: Synced) -> list[Period]:
    """Everything first, then the last days, then months from the newest back; shorter ones as the granularity allows.

    >>> [one.id for one in periods(Synced("day", date(2026, 1, 20), date(2026, 3, 17), date(2026, 3, 16)))]
    ['all', '30', '2026-03', '2026-02', '2026-01']
    >>> [one.id for one in periods(Synced("week", date(2026, 1, 20), date(2026, 3, 17), date(2026, 3, 16)))]
    ['all']
    """
    whole = Days(synced.first, synced.through)
    found = [Period("all", "Everything synced", whole, _finished(whole, synced), None, None)]
    if synced.granularity == "day":
        found += [one for one in (_last_days(count, synced) for count in (90, 30)) if one.days.first > synced.first]
    if synced.granularity in ("day", "month"):
        found += [_month(month, synced) for month in _months_back(synced)]
    return found


def _last_days(count: int, synced: Synced) -> Period:
    days = Days(synced.complete - timedelta(days=count - 1), synced.complete)
    before = Days(days.first - timedelta(days=count), days.first - timedelta(days=1))
    earlier = Days(_a_year_before(days.first), _a_year_before(days.last))
    return Period(str(count), f"Last {count} days", days, days, _held(before, synced), _held(earlier, synced))


def _month(month: Days, synced: Synced) -> Period:
    days = Days(max(month.first, synced.first), min(month.last, synced.through))
    finished = _finished(days, synced)
    before = earlier = None
    if finished and (finished == month or (synced.granularity == "day" and finished.first == month.first)):
        before = _held(_same_days(_month_of(month.first - timedelta(days=1)), finished, month), synced)
        earlier = _held(_same_days(_month_of(_a_year_before(month.first)), finished, month), synced)
    return Period(f"{month.first:%Y-%m}", f"{month.first:%B %Y}", days, finished, before, earlier)


def _same_days(other: Days, finished: Days, month: Days) -> Days:
    """The days of the `other` month with the numbers of `finished`; all of it where `finished` is a whole month.

    >>> march, february = Days(date(2026, 3, 1), date(2026, 3, 31)), Days(date(2026, 2, 1), date(2026, 2, 28))
    >>> [_same_days(february, Days(march.first, date(2026, 3, last)), march).last.day for last in (16, 30, 31)]
    [16, 28, 28]
    """
    last = other.last.day if finished.last == month.last else min(finished.last.day, other.last.day)
    return Days(other.first, other.first.replace(day=last))


def _finished(days: Days, synced: Synced) -> Days | None:
    return Days(days.first, min(days.last, synced.complete)) if synced.complete >= days.first else None


def _held(days: Days, synced: Synced) -> Days | None:
    return days if days.first >= synced.first else None


def _month_of(day: date) -> Days:
    return Days(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def _months_back(synced: Synced) -> Iterator[Days]:
    month = _month_of(synced.through)
    for _ in range(MOST_MONTHS):
        yield month
        if month.first <= synced.first:
            return
        month = _month_of(month.first - timedelta(days=1))


def _a_year_before(day: date) -> date:
    """
    >>> _a_year_before(date(2024, 2, 29))
    datetime.date(2023, 2, 28)
    """
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
