"""Why the two sides may differ, in words for an analyst: pure functions over what is known of export and sync."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from demo.changes import LOOKBACK_DAYS
from demo.comparison.differences import Comparison, Difference
from demo.comparison.table import Synced, last_day
from demo.periods import Days

ORDER = (
    "empty",
    "repeated",
    "before",
    "unsynced",
    "part",
    "open",
    "names",
    "nobody",
    "moved",
    "filtered",
    "recent",
    "older",
)
"""Each row that differs has the first of these that fits."""


@dataclass(frozen=True)
class Known:
    """What is known beside the figures. days: the compared ones, both ends included.

    exported: how many rows the export has, and has on these days. names_nobody: whether it has rows without a person.
    people: whether it has a column for them.
    """

    days: Days
    synced: Synced
    exported: tuple[int, int]
    people: bool
    names_nobody: bool


def reasons(comparison: Comparison, known: Known) -> dict[str, list[Difference]]:
    """The rows that differ by a word of `ORDER`, in that order."""
    found: dict[str, list[Difference]] = {word: [] for word in ORDER}
    for difference in comparison.differences:
        found[_reason(difference, comparison, known)].append(difference)
    return {word: differences for word, differences in found.items() if differences}


def _reason(difference: Difference, comparison: Comparison, known: Known) -> str:
    synced, place = known.synced, difference.place
    day = place.day
    end = last_day(day, synced.granularity)
    lookback = (synced.through or date.max) - timedelta(days=LOOKBACK_DAYS)
    fits = {
        "empty": not known.exported[1],
        "repeated": _is_repeated(difference),
        "before": bool(synced.first and end < synced.first) or synced.through is None,
        "unsynced": bool(synced.through and day > synced.through),
        "part": day < known.days.first or end > known.days.last,
        "open": bool(synced.complete and end > synced.complete),
        "names": difference.in_names_alone,
        "nobody": difference.export is None and place.person is None and known.people and not known.names_nobody,
        "moved": comparison.sums[day, place.tool].agree,
        "filtered": bool(synced.filters) and difference.table is None,
        "recent": end >= lookback,
        "older": True,
    }
    return next(word for word in ORDER if fits[word])


def _is_repeated(difference: Difference) -> bool:
    """Whether one side has more rows of it than the other, with the same figures each."""
    export, table = difference.export, difference.table
    if not (export and table) or len(export.found_at) == len(table.found_at):
        return False
    (uses, credits), lines, rows = export.figures, len(export.found_at), len(table.found_at)
    return (uses * rows, credits * rows) == tuple(figure * lines for figure in table.figures)


def words(reason: str, known: Known) -> str:
    """One or two sentences: what is so, and what to do."""
    synced = known.synced
    return {
        "empty": f"The export has {'headings, but no rows' if not known.exported[0] else 'no rows of these days'}: it "
        "was made of other days or with a filter, or is cut off. Export these days again, and compare.",
        "repeated": "One side has the row more than once, with the same figures each time: see whether the export "
        "repeats its line, as when two exports were joined, and whether the table repeats a usage_id.",
        "before": f"These days lie before the first synced one, {synced.first}: set start_date earlier and sync."
        if synced.first
        else "Nothing has been synced into the table yet: sync, and compare again.",
        "unsynced": f"Not synced yet: the last synced day is {synced.through}. Sync, and compare again.",
        "part": f"A {synced.granularity} of which the comparison has some days alone, while the table adds up all of "
        "them: compare whole ones, by an export of theirs and --from and --to.",
        "open": f"Still going on when the table was synced ({synced.synced_at:%Y-%m-%d %H:%M} UTC): "
        f"compare finished days, with  --to {synced.complete} ."
        if synced.synced_at
        else "Possibly still going on when the table was synced: compare finished days, with --to.",
        "names": "The same figures under another name: it was changed, or the usage given to another, after the table "
        "read these days. To have today's names everywhere, refresh credit_usage.",
        "nobody": "Magnific counts this usage in a tool's total and attributes it to nobody. The table keeps it in "
        "rows without a person; the export has people alone. Nothing is wrong.",
        "moved": "The sums of tool and day agree: Magnific has given the usage to another person, project or group "
        "since one of the two was made. Sync, export again and compare.",
        "filtered": "The sync has filters, and the table has no such row: see the filters below.",
        "recent": f"Magnific corrects past days, and each sync reads the last {LOOKBACK_DAYS} (lookback_window_days, "
        "unless set otherwise) again: sync, export at once and compare.",
        "older": f"Before the last {LOOKBACK_DAYS} days, which a sync reads again: corrected by Magnific since, or the "
        "export is filtered or in another time zone than UTC. Refresh credit_usage, and compare again.",
    }[reason]


def other_things(known: Known) -> Iterator[str]:
    """What makes a table hold less or more as a whole."""
    synced = known.synced
    if synced.filters:
        kept = "; ".join(f"{name} {_listed(ids)}" for name, ids in synced.filters.items())
        yield f"The sync has filters, so the table holds this alone: {kept}. Export with the same, or sync without."
    if synced.repeated:
        yield (
            f"Rows with a usage_id that the table has already ({synced.repeated:,}) were counted, too, as plain append "
            "leaves them: keep the newest of each, or sync with Append + Deduped."
        )
    if synced.other_granularity:
        yield (
            f"Rows of another granularity than {synced.granularity} ({synced.other_granularity:,}) were left out: the "
            "setting was changed, and the sync after it is not complete."
        )


def _listed(ids: Sequence[object]) -> str:
    shown = ", ".join(str(one) for one in ids[:5])
    return f"{shown} and {len(ids) - 5} more" if len(ids) > 5 else shown


def letters(found: Mapping[str, Sequence[Difference]]) -> dict[str, str]:
    """A letter for each reason that occurs, from a."""
    return {word: chr(ord("a") + number) for number, word in enumerate(found)}
