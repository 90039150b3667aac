"""Why export and table may differ, in words for an analyst; `differences.sql` finds which reason fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]

LOOKBACK_DAYS = 7
"""The connector's default."""

_WORDS = {
    "empty": "The export has no rows of these days: it was made of other days or with a filter, or is incomplete. "
    "Export these days again, and compare.",
    "repeated": "One side has the row more than once, with the same figures each time: see whether the export repeats "
    "its line, as when two exports were joined, and whether the table repeats a usage_id.",
    "before": "These days lie before the first synced one, {first_day}: set start_date earlier and sync.",
    "never": "Nothing has been synced into the table yet: sync, and compare again.",
    "unsynced": "Not synced yet: the last synced day is {through}. Sync, and compare again.",
    "part": "A {granularity} of which the comparison has some days alone, while the table adds up all of them: "
    "compare whole ones, by an export of theirs and  --from  and  --to .",
    "open": "Still going on when the table was synced ({synced_at} UTC): compare finished days, with  "
    "--to {complete} .",
    "names": "The same figures under another name: it was changed, or the usage given to another, after the table "
    "read these days. To have today's names everywhere, refresh credit_usage.",
    "nobody": "Magnific counts this usage in a tool's total and attributes it to nobody. The table keeps it in rows "
    "without a person; the export has people alone. Nothing is wrong.",
    "moved": "The sums of tool and day agree: Magnific has given the usage to another person, project or group since "
    "one of the two was made. Sync, export again and compare.",
    "filtered": "The sync has filters, and the table has no such row: see the filters below.",
    "recent": "Magnific corrects past days, and each sync reads the last {lookback} (lookback_window_days, unless set "
    "otherwise) again: sync, export at once and compare.",
    "older": "Before the last {lookback} days, which a sync reads again: corrected by Magnific since, or the export "
    "is filtered or in another time zone than UTC. Refresh credit_usage, and compare again.",
    "filters": "The sync has filters, so the table holds this alone: {filters}. Export with the same, or sync without.",
    "repeated_ids": "{repeated_ids:,} rows with a usage_id that the table has already were counted, too, as plain "
    "append leaves them: keep the newest of each, or sync with Append + Deduped.",
    "other_granularity": "{other_granularity:,} rows of another granularity than {granularity} were left out: the "
    "setting was changed, and the sync after it is not complete.",
}


def words(reason: str, synced: Row) -> str:
    """What is so, and what to do; `synced` is what `table.sql` knows of the sync."""
    return _WORDS[reason].format(lookback=LOOKBACK_DAYS, **synced)


def other_things(synced: Row) -> list[str]:
    """What makes a table hold less or more as a whole."""
    return [words(name, synced) for name in ("filters", "repeated_ids", "other_granularity") if synced[name]]
