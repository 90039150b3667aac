"""What one sync leaves for the next: how far it came, under which settings, and how many rows the warehouse may hold.

For each period ever handed on, of every granularity, one number is remembered: how many places of it may be taken. So
a later sync knows which rows to withdraw, however settings or usage changed in between, and needs no names for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pendulum import Date

from source_magnific_analytics.config import Config, parse_date
from source_magnific_analytics.windows import DateRange, Granularity, first_day, number_of, period

# For each granularity the places of each period by its number; a period without places is left out.
Places = Mapping[Granularity, Mapping[int, int]]

# Stands in the state of a full refresh until it is finished: only then may the next one go on behind it.
UNFINISHED = "unfinished_full_refresh"


@dataclass(frozen=True)
class Progress:
    """How far a series of windows came. `date` is the last day of the last finished window; None before the first.

    `end` is the last day that the sync was to read, where it did not come so far. Where several were cut off in a row
    it is the first one's, and stays until the sync after they were made up for. With `other_filters` it began over
    under other filters than those of the places beyond `date`.
    """

    date: Date | None = None
    places: Places = field(default_factory=dict)
    end: Date | None = None
    other_filters: bool = False

    @property
    def cut_off(self) -> Date | None:
        """`end`, while it is not reached."""
        return self.end if self.date is not None and self.end is not None and self.date < self.end else None

    def overlapping(self, days: DateRange) -> Iterator[tuple[Granularity, int]]:
        """The periods with places of which a day lies in `days`, ascending for each granularity."""
        for granularity, taken in self.places.items():
            first, last = (number_of(day, granularity) for day in (days.start, days.end))
            yield from ((granularity, number) for number in sorted(taken) if first <= number <= last)

    def before(self, granularity: Granularity, window: DateRange, handed_on: Mapping[int, int]) -> "Progress":
        """While a window's rows are handed on, the warehouse may hold its old rows or its new ones.

        Should it be cut off, the next sync reads it again, however short the lookback is by then.
        """
        old = self.places.get(granularity, {})
        most = {number: max(old.get(number, 0), places) for number, places in handed_on.items()}
        again = replace(self, places=self._with(granularity, {**old, **most}))
        if self.date is None or self.date < window.start:
            return again
        return replace(again, date=window.start.subtract(days=1), end=self.end or self.date)

    def after(self, granularity: Granularity, window: DateRange, handed_on: Mapping[int, int]) -> "Progress":
        """Once the window is finished, the warehouse holds of its days what it brought, in `granularity` alone."""
        gone = set(self.overlapping(window))
        kept = {
            size: {number: places for number, places in taken.items() if (size, number) not in gone}
            for size, taken in self.places.items()
        }
        kept[granularity] = {**kept.get(granularity, {}), **handed_on}
        return replace(self, date=window.end, places={size: taken for size, taken in kept.items() if taken})

    def begun_over(self, other_filters: bool) -> "Progress":
        """Before the first window again, with the places that the warehouse holds."""
        return Progress(None, self.places, other_filters=other_filters or self.other_filters)

    def _with(self, granularity: Granularity, taken: Mapping[int, int]) -> Places:
        return {**self.places, granularity: taken} if taken else self.places


@dataclass(frozen=True)
class Settings:
    """The settings under which rows were handed on, as far as rows depend on them. Filters are as configured."""

    granularity: Granularity
    start_date: Date
    filters: Mapping[str, Any]

    def changes_to(self, now: "Settings") -> list[str]:
        """What is different `now` and makes a sync start over, in words."""
        found = []
        if self.granularity != now.granularity:
            found.append(f"granularity changed from {self.granularity} to {now.granularity}")
        if self.other_filters(now):
            found.append("the filters changed")
        if now.start_date < self.start_date:
            found.append(f"start_date moved from {self.start_date} back to {now.start_date}")
        return found

    def other_filters(self, now: "Settings") -> bool:
        return _meaning(self.filters) != _meaning(now.filters)


@dataclass(frozen=True)
class Start:
    """Where a sync starts: behind what `progress` says or, where its date is None, at the beginning.

    `remarks` are for the log, a sentence or two each.
    """

    progress: Progress = Progress()
    remarks: tuple[str, ...] = ()


def start(state: Mapping[str, Any], config: Config, now: Settings, *, full_refresh: bool) -> Start:
    """What the state of `credit_usage` means under the settings of `now`.

    A full refresh begins with nothing, except behind a state that says that a full refresh was cut off there.
    """
    if not state or (full_refresh and UNFINISHED not in state):
        return Start()
    try:
        saved = read_settings(state)
        progress = read_progress(state)
    except (KeyError, TypeError, ValueError, OverflowError):
        return Start(remarks=(unreadable("credit_usage", config),))
    changes = saved.changes_to(now)
    if changes:
        remark = started_over("credit usage", changes, config)
        return Start(progress.begun_over(saved.other_filters(now)), (remark,))
    if progress.date is not None and progress.date > config.end_date:
        remark = (
            f"The saved date {progress.date} lies after {config.end_date}, the last day to sync, and is taken as that "
            "day. Check end_date and the machine's clock if you did not expect this."
        )
        return Start(replace(progress, date=config.end_date), remarks=(remark,))
    return Start(progress)


def first_to_read(progress: Progress, earliest: Date, config: Config, *, full_refresh: bool) -> Date:
    """The day whose period a sync begins with, not before `earliest`.

    A sync that was cut off is gone on with behind its date, or what takes several days' requests would never end. The
    next one reads again the days that were within the lookback when they were read: those before the end of the last
    sync or, where that took several, of the first of them.
    """
    if progress.date is None or progress.date < earliest:
        return earliest
    date = min(progress.date, config.end_date)
    end = min(progress.end or date, config.end_date)
    again = end.subtract(days=config.lookback_days)
    return max(date.add(days=1) if full_refresh or date < end else again, earliest)


def last_complete(date: Date, granularity: Granularity, today: Date) -> Date:
    """The last day, up to `date`, of a period that was over before `today`: what comes later is read again."""
    days = period(number_of(date, granularity), granularity)
    return date if days.end < today else days.start.subtract(days=1)


def read_settings(state: Mapping[str, Any]) -> Settings:
    """Raises KeyError, TypeError or ValueError where `state` does not hold them."""
    if not isinstance(state["filters"], Mapping):
        raise TypeError("filters")
    _meaning(state["filters"])
    return Settings(Granularity(state["granularity"]), parse_date(state["start_date"]), state["filters"])


def read_progress(state: Mapping[str, Any]) -> Progress:
    """Raises KeyError, TypeError, ValueError or OverflowError where `state` does not hold one."""
    date = None if state["date"] is None else parse_date(state["date"])
    places: dict[Granularity, dict[int, int]] = {}
    for size, saved in dict(state["rows"]).items():
        granularity = Granularity(size)
        first = number_of(parse_date(saved["first"]), granularity)
        if str(first_day(first, granularity)) != saved["first"]:
            raise ValueError("not the first day of a period")
        first_day(first + len(saved["places"]), granularity)
        if not all(type(n) is int and n >= 0 for n in saved["places"]):
            raise ValueError("places are whole numbers")
        places[granularity] = {first + n: number for n, number in enumerate(saved["places"]) if number}
    end = parse_date(state["end"]) if "end" in state else None
    return Progress(date, {size: taken for size, taken in places.items() if taken}, end, "other_filters" in state)


def progress_as_json(progress: Progress) -> dict[str, Any]:
    """What `read_progress` understands: `{"date", "rows"}`, and `end` and `other_filters` where they say something.

    `rows` has a number for each period from the first to the last.
    """
    rows = {}
    for granularity, taken in progress.places.items():
        first, last = min(taken), max(taken)
        places = [taken.get(number, 0) for number in range(first, last + 1)]
        rows[granularity.value] = {"first": str(first_day(first, granularity)), "places": places}
    return {
        "date": None if progress.date is None else str(progress.date),
        "rows": rows,
        **({} if progress.end is None else {"end": str(progress.end)}),
        **({"other_filters": True} if progress.other_filters else {}),
    }


def settings_as_json(settings: Settings) -> dict[str, Any]:
    """`{"granularity", "start_date", "filters"}`, which `read_settings` understands."""
    return {
        "granularity": settings.granularity.value,
        "start_date": str(settings.start_date),
        "filters": {name: list(values) for name, values in settings.filters.items()},
    }


def unreadable(stream: str, config: Config) -> str:
    """The remark on a state that cannot be read."""
    return (
        f"The saved state of {stream} cannot be read, so the stream is read again from {config.start_date}. Clear the "
        "stream to be sure that no row of an earlier sync stays behind."
    )


def started_over(what: str, changes: Iterable[str], config: Config) -> str:
    """The remark on settings that changed since the last sync."""
    words = " and ".join(changes)
    return (
        f"{words[:1].upper()}{words[1:]}, so {what} is read again from {config.start_date}. Rows replace those of the "
        "earlier settings; there is nothing you need to do."
    )


def _meaning(filters: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Filters as what they mean: sets, references regardless of case, none where one is empty."""
    return {name: frozenset(_same(name, value) for value in values) for name, values in filters.items() if values}


def _same(name: str, value: Any) -> str:
    text = str(value)
    return text.lower() if name == "project_references" else text
