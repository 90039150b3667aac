"""The state that one sync saves for the next: its progress, its settings, and how many rows the warehouse might have.

The state has a row count for each period, of any granularity, that might have rows in the warehouse. These counts tell
a later sync which rows to delete, even if settings or usage have changed in between. The state contains no names.
"""

from collections import UserDict
from collections.abc import Mapping
from functools import cached_property
from itertools import groupby
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec.structs import replace
from pendulum import Date

from source_magnific_analytics.config import Config
from source_magnific_analytics.failures import config_error
from source_magnific_analytics.windows import DateRange, Granularity, first_days, parse_date, period_of


class RowCounts(UserDict[tuple[Granularity, Date], int]):
    """The number of rows in each period, by granularity and first day. Periods without rows are omitted."""


class _Saved(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    @cached_property
    def as_json(self) -> dict[str, Any]:
        """The JSON form, cached because each checkpoint repeats the progress of all API keys, most of it unchanged."""
        return dict(msgspec.to_builtins(self, enc_hook=_written))


class Progress(_Saved, frozen=True):
    """The progress through a series of windows, and how many rows the warehouse might already contain.

    The next sync reads the days after `date`, which is None until a window is complete. If a sync is interrupted or
    leaves a period to be read again, `end` is the last day that it planned to read, and stays set until a later sync
    catches up. If `other_filters` is true, rows after `date` were read with other filters. For an API key, `read_on` is
    the UTC day on which it was last read completely, and `tried_on` is the day of a later attempt that did not finish.
    """

    date: Date | None
    row_counts: RowCounts = msgspec.field(name="rows")
    end: Date | None = None
    other_filters: bool = False
    read_on: Date | None = None
    tried_on: Date | None = None

    def overlapping(self, days: DateRange) -> list[tuple[Granularity, Date]]:
        """Return the periods that have rows and overlap `days`, in ascending order for each granularity."""
        first = {granularity: period_of(days.start, granularity).start for granularity in Granularity}
        return sorted(period for period in self.row_counts if first[period[0]] <= period[1] <= days.end)

    def while_emitting(self, window: DateRange, emitted: RowCounts) -> "Progress":
        """Return the progress to save before a window's rows are emitted. Its counts cover the old and the new rows.

        If the sync is interrupted, the next one reads the window again, however short its lookback is.
        """
        most = {period: max(self.row_counts.get(period, 0), number) for period, number in emitted.items()}
        again = replace(self, row_counts=self.row_counts | most)
        if self.date is None or self.date < window.start:
            return again
        return replace(again, date=window.start.subtract(days=1), end=self.end or self.date)

    def once_emitted(self, window: DateRange, emitted: RowCounts) -> "Progress":
        """Return the progress after a window: for its days, the warehouse now has exactly the rows just emitted."""
        gone = set(self.overlapping(window))
        kept = {period: number for period, number in self.row_counts.items() if period not in gone}
        return replace(self, date=window.end, row_counts=RowCounts(kept) | emitted)


# The progress before the first sync.
NOTHING_READ = Progress(None, RowCounts())


class Settings(_Saved, frozen=True):
    """The settings that rows depend on, and `full_refresh`, which is true while a full refresh is unfinished."""

    granularity: Granularity
    start_date: Date
    filters: dict[str, list[Any]]
    full_refresh: bool = msgspec.field(default=False, name="unfinished_full_refresh")

    def changes_to(self, now: "Settings") -> list[str]:
        """Describe the changes from these settings to `now` that make a sync read everything again."""
        changes = []
        if self.granularity != now.granularity:
            changes.append(f"granularity changed from {self.granularity} to {now.granularity}")
        if self.differs_in_filters(now):
            changes.append("the filters changed")
        if now.start_date < self.start_date:
            changes.append(f"start_date moved from {self.start_date} back to {now.start_date}")
        return changes

    def differs_in_filters(self, now: "Settings") -> bool:
        return _comparable(self.filters) != _comparable(now.filters)


S = TypeVar("S", bound=msgspec.Struct)


def read(state: Mapping[str, Any], kind: type[S], stream: str, *, full_refresh: bool) -> tuple[S, Settings] | None:
    """Return a stream's saved state, converted to `kind`, and the settings saved with it, or None if no state applies.

    A full refresh uses only the state of an unfinished full refresh. Raises a config error for a state that this
    connector did not write: without knowing which rows exist, a sync could count credits twice.
    """
    if all(name.startswith("__ab_") for name in state) or (full_refresh and not state.get("unfinished_full_refresh")):
        return None
    try:
        return msgspec.convert(state, kind, dec_hook=_read), msgspec.convert(state, Settings, dec_hook=_read)
    except (msgspec.ValidationError, OverflowError) as error:
        raise config_error(
            f"The saved state of {stream} cannot be read ({error}). It was edited, or written by another version of "
            "this connector. Clear the stream in Airbyte and sync again; with PyAirbyte, read once with "
            'force_full_refresh=True and write_strategy="replace".'
        ) from None


def first_to_read(progress: Progress, earliest: Date, config: Config, *, full_refresh: bool) -> Date:
    """Return a day in the first period to read. It can precede `earliest` only if an interrupted sync is continued.

    After an interrupted sync, continue where it stopped; otherwise, a history that takes several days to read would
    never be complete. The sync after that looks back from the last day that the interrupted one planned to read.
    """
    if progress.date is None:
        return earliest
    date = min(progress.date, config.end_date)
    end = min(progress.end or date, config.end_date)
    if date < end:
        # Read the days after `date` even if start_date is now later: the table might have outdated rows for these days.
        return date.add(days=1)
    return max(date.add(days=1) if full_refresh else end.subtract(days=config.lookback_days), earliest)


def last_complete(date: Date, granularity: Granularity, today: Date) -> Date:
    """Return `date` if its period ended before `today`, otherwise the last day before that period."""
    days = period_of(date, granularity)
    return date if days.end < today else days.start.subtract(days=1)


def adapted(progress: Progress, saved: Settings, now: Settings, end_date: Date) -> Progress:
    """Adapt saved progress to the settings `now`. If everything must be read again, keep only the row counts.

    An interrupted sync might have left outdated rows after the day on which it stopped. To replace them, continue from
    there, even if that is before `start_date`.
    """
    restarts = bool(saved.changes_to(now))
    if progress.date is not None and not restarts:
        return replace(progress, date=min(progress.date, end_date))
    last_read = progress.date or period_of(saved.start_date, saved.granularity).start.subtract(days=1)
    is_interrupted = progress.date is None or (progress.end or last_read) > last_read
    if restarts:
        other_filters = progress.other_filters or saved.differs_in_filters(now)
        progress = Progress(None, progress.row_counts, other_filters=other_filters)
    starts_later = last_read.add(days=1) < period_of(now.start_date, now.granularity).start
    if progress.row_counts and is_interrupted and starts_later:
        return replace(progress, date=last_read, end=end_date)
    return progress


class _CountsFrom(msgspec.Struct):
    """The row count of every period from `first` on, including zeros. A count over a million cannot be right."""

    first: Date
    counts: list[Annotated[int, msgspec.Meta(ge=0, le=10**6)]] = msgspec.field(name="places")


def _read(kind: type, value: Any) -> Date | RowCounts:
    if kind is RowCounts:
        row_counts = RowCounts()
        for granularity, rows in msgspec.convert(value, dict[Granularity, _CountsFrom], dec_hook=_read).items():
            if period_of(rows.first, granularity).start != rows.first:
                raise ValueError(f"{rows.first} is not the first day of a {granularity}")
            days = first_days(rows.first, Date(9999, 12, 31), granularity)
            numbers = zip(rows.counts, days, strict=False)
            row_counts.data.update({(granularity, day): number for number, day in numbers if number})
        return row_counts
    day = parse_date(value)
    # This day's week and the lookback window before it must stay within the dates that Python supports.
    if not 1990 <= day.year <= 2200:
        raise ValueError("not a plausible date")
    return day


def _written(value: Date | RowCounts) -> Any:
    if not isinstance(value, RowCounts):
        return str(value)
    rows = {}
    for granularity, group in groupby(sorted(value), key=lambda period: period[0]):
        days = [day for _, day in group]
        counts = [value.data.get((granularity, day), 0) for day in first_days(days[0], days[-1], granularity)]
        rows[granularity.value] = {"first": str(days[0]), "places": counts}
    return rows


def _comparable(filters: Mapping[str, Any]) -> dict[str, set[str]]:
    """Make filters comparable: turn values into sets, convert references to lower case, and drop empty filters."""
    same = {"project_references": str.lower}
    return {name: {same.get(name, str)(str(value)) for value in values} for name, values in filters.items() if values}
