"""What one sync leaves for the next: how far it came, under which settings, and how many rows the warehouse may hold.

For each period ever emitted, of every granularity, one number is remembered: how many places of it may be taken. So a
later sync knows which rows to delete, however settings or usage changed in between, and needs no names for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeVar

import msgspec
from pendulum import Date

from source_magnific_analytics.config import Config, config_error
from source_magnific_analytics.windows import DateRange, Granularity, first_day, number_of, parse_date, period

# For each granularity the places of each period by its number; a period without places is left out.
Places = Mapping[Granularity, Mapping[int, int]]

# Stands in the state of a full refresh until it is finished: only then may the next one go on behind it.
UNFINISHED = "unfinished_full_refresh"


@dataclass(frozen=True)
class Progress:
    """How far a series of windows came. `date` is the last day of the last finished window; None before the first.

    `end` is the last day that the sync was to read, where it was interrupted before it. Where several were interrupted
    in a row it is the first one's, and stays until a sync has caught up. With `other_filters` the series restarted
    under other filters than those of the places beyond `date`.
    """

    date: Date | None = None
    places: Places = field(default_factory=dict)
    end: Date | None = None
    other_filters: bool = False

    @property
    def interrupted_before(self) -> Date | None:
        """`end`, while it is not reached."""
        return self.end if self.date is not None and self.end is not None and self.date < self.end else None

    def overlapping(self, days: DateRange) -> Iterator[tuple[Granularity, int]]:
        """The periods with places of which a day lies in `days`, ascending for each granularity."""
        for granularity, taken in self.places.items():
            first, last = (number_of(day, granularity) for day in (days.start, days.end))
            yield from ((granularity, number) for number in sorted(taken) if first <= number <= last)

    def before(self, granularity: Granularity, window: DateRange, emitted: Mapping[int, int]) -> "Progress":
        """While a window's rows are emitted, the warehouse may hold its old rows or its new ones.

        Should the sync be interrupted, the next one reads the window again, however short the lookback is by then.
        """
        old = self.places.get(granularity, {})
        most = {number: max(old.get(number, 0), places) for number, places in emitted.items()}
        again = replace(self, places={**self.places, granularity: {**old, **most}} if most else self.places)
        if self.date is None or self.date < window.start:
            return again
        return replace(again, date=window.start.subtract(days=1), end=self.end or self.date)

    def after(self, granularity: Granularity, window: DateRange, emitted: Mapping[int, int]) -> "Progress":
        """Once the window is finished, the warehouse holds of its days what it brought, in `granularity` alone."""
        gone = set(self.overlapping(window))
        kept = {
            size: {number: places for number, places in taken.items() if (size, number) not in gone}
            for size, taken in self.places.items()
        }
        kept[granularity] = {**kept.get(granularity, {}), **emitted}
        return replace(self, date=window.end, places={size: taken for size, taken in kept.items() if taken})

    def restarted(self, other_filters: bool) -> "Progress":
        """Before the first window again, with the places that the warehouse holds."""
        return Progress(None, self.places, other_filters=other_filters or self.other_filters)

    def as_json(self) -> dict[str, Any]:
        """`{"date", "rows"}`, and `end` and `other_filters` where they say something.

        `rows` has a number for each period from the first to the last, with zeros in between.
        """
        rows = {}
        for granularity, taken in self.places.items():
            first, last = min(taken), max(taken)
            places = [taken.get(number, 0) for number in range(first, last + 1)]
            rows[granularity.value] = {"first": str(first_day(first, granularity)), "places": places}
        return {
            "date": None if self.date is None else str(self.date),
            "rows": rows,
            **({} if self.end is None else {"end": str(self.end)}),
            **({"other_filters": True} if self.other_filters else {}),
        }


class Settings(msgspec.Struct, frozen=True):
    """The settings under which rows were emitted, as far as rows depend on them. Filters are as configured."""

    granularity: Granularity
    start_date: Date
    filters: dict[str, list[Any]]

    def changes_to(self, now: "Settings") -> list[str]:
        """What is different `now` and makes a sync restart, in words."""
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

    def as_json(self, *, unfinished: bool) -> dict[str, Any]:
        """What every state begins with; `unfinished` for one of a full refresh that goes on."""
        settings = msgspec.to_builtins(self, enc_hook=str)
        return {**settings, UNFINISHED: True} if unfinished else dict(settings)


class _Rows(msgspec.Struct):
    """The places of each period from `first` on. An answer cannot have a million."""

    first: Date
    places: list[Annotated[int, msgspec.Meta(ge=0, le=10**6)]]


class SavedProgress(msgspec.Struct):
    """`Progress` as it stands in a state."""

    date: Date | None
    rows: dict[Granularity, _Rows]
    end: Date | None = None
    other_filters: bool = False

    def __post_init__(self) -> None:
        for granularity, rows in self.rows.items():
            if first_day(number_of(rows.first, granularity), granularity) != rows.first:
                raise ValueError(f"{rows.first} is not the first day of a {granularity}")

    @property
    def progress(self) -> Progress:
        places: dict[Granularity, dict[int, int]] = {}
        for granularity, rows in self.rows.items():
            first = number_of(rows.first, granularity)
            taken = {first + n: number for n, number in enumerate(rows.places) if number}
            if taken:
                places[granularity] = taken
        return Progress(self.date, places, self.end, self.other_filters)


S = TypeVar("S", bound=msgspec.Struct)


def read(state: Mapping[str, Any], kind: type[S], stream: str, *, full_refresh: bool) -> S | None:
    """What the `state` of a stream says, of that kind; None where it says nothing.

    A full refresh reads only the state of an interrupted one. Raises a config error where no version of ours wrote it:
    whose rows the warehouse holds is then unknown, and reading beside them would count their credits twice.
    """
    if all(name.startswith("__ab_") for name in state) or (full_refresh and UNFINISHED not in state):
        return None
    try:
        return msgspec.convert(state, kind, dec_hook=_date)
    except (msgspec.ValidationError, OverflowError) as error:
        raise config_error(
            f"The saved state of {stream} cannot be read ({error}): it was edited, or written by another version of "
            "this connector. Clear the stream in Airbyte and sync again; with PyAirbyte, read once with "
            'force_full_refresh=True and write_strategy="replace".'
        ) from None


def first_to_read(progress: Progress, earliest: Date, config: Config, *, full_refresh: bool) -> Date:
    """The day whose period a sync begins with, not before `earliest`.

    A sync that was interrupted is continued behind its date, or what takes several days' requests would never end. The
    next one reads again the days that were within the lookback when they were read: those before the end of the last
    sync or, where that took several, of the first of them.
    """
    if progress.date is None:
        return earliest
    date = min(progress.date, config.end_date)
    end = min(progress.end or date, config.end_date)
    if date < end:
        # Even before a later start_date: these days may hold rows of settings from before a restart.
        return date.add(days=1)
    return max(date.add(days=1) if full_refresh else end.subtract(days=config.lookback_days), earliest)


def last_complete(date: Date, granularity: Granularity, today: Date) -> Date:
    """The last day, up to `date`, of a period that was over before `today`: what comes later is read again."""
    days = period(number_of(date, granularity), granularity)
    return date if days.end < today else days.start.subtract(days=1)


def resumed(progress: Progress, saved: Settings, now: Settings, config: Config) -> Progress:
    """Saved progress as it counts under the settings of `now`."""
    if saved.changes_to(now):
        return progress.restarted(saved.other_filters(now))
    # A date after the last day to sync counts as that day.
    is_later = progress.date is not None and progress.date > config.end_date
    return replace(progress, date=config.end_date) if is_later else progress


def _date(kind: type, value: Any) -> Date:
    day = parse_date(value if isinstance(value, str) else "")
    # The week and the lookback around it must be days of the calendar, too.
    if not 1990 <= day.year <= 2200:
        raise ValueError("not a date of usage")
    return day


def _meaning(filters: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Filters as what they mean: sets, references regardless of case, none where one is empty."""
    return {name: frozenset(_same(name, value) for value in values) for name, values in filters.items() if values}


def _same(name: str, value: Any) -> str:
    text = str(value)
    return text.lower() if name == "project_references" else text
