"""Explain to an analyst why the export and the table can differ. `differences.sql` finds the reason that applies."""

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]

LOOKBACK_DAYS = 7
"""The connector's default for lookback_window_days."""

_WORDS = {
    "empty": "The export has no rows for these days: it covers other days, was filtered, or is incomplete. Export "
    "these days again and compare.",
    "repeated": "One side has the row more than once, with the same figures each time. Check whether the export "
    "repeats the line, for example because two exports were joined, and whether the table repeats a usage_id.",
    "before": "These days are before the first synced day, {first_day}. Set start_date to an earlier day "
    "and sync, or compare fewer days, with  --from {first_day} .",
    "never": "Nothing has been synced into the table yet. Sync and compare again.",
    "unsynced": "Not synced yet: the last synced day is {through}. Sync and compare again.",
    "part": "Only some days of this {granularity} are compared, but the table has the total for the "
    "whole {granularity}. Export whole {granularity}s, and choose them with  --from  and  --to .",
    "open": "These days were not over when the table was synced ({synced_at} UTC). Compare only finished days, with  "
    "--to {complete} .",
    "names": "The figures are the same under another name. The name has been changed since these days were synced, or "
    "the usage has been reassigned. To use today's names everywhere, refresh credit_usage.",
    "nobody": "Magnific counts this usage in a tool's total but attributes it to nobody. The table keeps it in rows "
    "without a person; the export has only rows with a person. Nothing is wrong.",
    "moved": "The sums by tool and day agree. Magnific has reassigned the usage to another person, project or group "
    "since the sync or the export. Sync, export again and compare.",
    "filtered": "The sync has filters, and the table has no row for this usage. See the filters below.",
    "recent": "Magnific may have corrected these days. The next sync reads the last {lookback} days again (the default "
    "of lookback_window_days). Sync, export immediately and compare.",
    "older": "These days are older than the last {lookback} days, so syncs do not reread them. Magnific has corrected "
    "them since they were read, or the export is filtered or not in UTC. Refresh credit_usage and compare again.",
    "filters": "The sync has filters, so the table has only usage that matches {filters}. Export with the same "
    "filters, or sync without them.",
    "repeated_ids": "{repeated_ids:,} rows repeat a usage_id, as happens with plain append, and were counted too. Keep "
    "only the newest row of each ID, or sync with Append + Deduped.",
    "other_granularity": "{other_granularity:,} rows of a granularity other than {granularity} were left out: the "
    "setting was changed, and no sync has been completed since.",
}


def words(reason: str, synced: Row) -> str:
    """Explain a reason and say what to do about it. `synced` is the row of the table `synced` (`synced_table.sql`)."""
    return _WORDS[reason].format(lookback=LOOKBACK_DAYS, **synced)


def other_things(synced: Row) -> list[str]:
    """Explain the reasons that affect the whole table."""
    return [words(name, synced) for name in ("filters", "repeated_ids", "other_granularity") if synced[name]]
