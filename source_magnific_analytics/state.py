"""What one sync leaves for the next: how far it came, under which settings, and which rows it handed on.

The state is `{"date", "granularity", "start_date", "filters", "rows"}`. `date` is the last day of the last finished
window; `rows` maps the first day of each bucket that the next sync reads again to the short `usage_id`s in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pendulum import Date

from source_magnific_analytics.config import Config, parse_date
from source_magnific_analytics.usage import lengthen
from source_magnific_analytics.windows import bucket_start

# About half a megabyte of state: the most that platforms carry around without trouble.
MOST_ROWS = 20_000

KnownRows = Mapping[str, list[str]]


@dataclass(frozen=True)
class Saved:
    """A state that was understood, cut to what is still true under today's configuration.

    `date` is None where the sync has to start over. `remarks` are for the log, a sentence or two each.
    """

    date: Date | None = None
    rows: KnownRows = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def read_state(state: Mapping[str, Any], config: Config) -> Saved:
    """What `state` still says under `config`; never less data follows from it than from no state."""
    if not state:
        return Saved()
    try:
        date = parse_date(state["date"])
        start_date = parse_date(state.get("start_date", str(config.start_date)))
        rows = {str(parse_date(day)): [str(short) for short in ids] for day, ids in state.get("rows", {}).items()}
        for ids in rows.values():
            for short in ids:
                lengthen(short)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Saved(
            remarks=(
                f"The saved state cannot be read, so credit usage is read again from {config.start_date}. Rows are "
                "replaced, not doubled, in a deduplicated table; clear the stream if yours is not.",
            )
        )
    if state.get("granularity", config.granularity) != config.granularity:
        return Saved(
            remarks=(
                f"The granularity changed from {state['granularity']} to {config.granularity}, so credit usage is read "
                f"again from {config.start_date}. Rows of the old granularity stay beside the new ones: clear the "
                "stream to remove them.",
            )
        )
    if state.get("filters", config.filters) != config.filters:
        return Saved(
            rows=rows,
            remarks=(
                f"The filters changed, so credit usage is read again from {config.start_date}. Older rows that only "
                "the old filters let through stay: clear the stream to remove them.",
            ),
        )
    if config.start_date < start_date:
        return Saved(
            rows=rows,
            remarks=(
                f"start_date moved from {start_date} back to {config.start_date}, so credit usage is read again from "
                "there. There is nothing you need to do.",
            ),
        )
    if date > config.end_date:
        return Saved(
            date=config.end_date,
            rows=rows,
            remarks=(
                f"The saved date {date} lies after {config.end_date}, the last day to sync, and is taken as that day. "
                "Check end_date and the machine's clock if you did not expect this.",
            ),
        )
    return Saved(date=date, rows=rows)


def first_day(saved: Saved, config: Config, *, again: bool) -> Date:
    """The day whose bucket a sync starts with, not before `start_date`.

    With `again` the days of the lookback are read once more (an incremental sync: rows replace rows). Without, the
    sync goes on behind the saved date (a full refresh that was cut off: rows are appended).
    """
    if saved.date is None or saved.date < config.start_date:
        return config.start_date
    resume = saved.date.subtract(days=config.lookback_days) if again else saved.date.add(days=1)
    return max(resume, config.start_date)


def next_first_bucket(date: Date, config: Config) -> Date:
    """The first bucket that the next incremental sync reads after one that was saved through `date`."""
    return bucket_start(first_day(Saved(date), config, again=True), config.granularity)


def after_window(date: Date, rows: KnownRows, config: Config) -> tuple[dict[str, Any], int]:
    """The state once the window that ends on `date` is finished, and how many buckets of `rows` it cannot hold.

    `rows` is everything known to be in the warehouse, newer buckets than `date` included.
    """
    first = str(next_first_bucket(date, config))
    read_again = {day: rows[day] for day in sorted(rows, reverse=True) if day >= first}
    kept: dict[str, list[str]] = {}
    room = MOST_ROWS
    for day, ids in read_again.items():
        room -= len(ids)
        if room < 0:
            break
        kept[day] = ids
    state = {
        "date": str(date),
        "granularity": config.granularity.value,
        "start_date": str(config.start_date),
        "filters": dict(config.filters),
        "rows": kept,
    }
    return state, len(read_again) - len(kept)
