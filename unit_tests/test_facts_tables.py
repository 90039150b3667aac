"""A Magnific of other facts: the tables are exact, the sync fails with a clear error, or the documentation says so."""

import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from builders import raw_config
from in_process import error, rows, sync
from pendulum import Date
from sandbox_api import SandboxApi

from sandbox.quirks import FACTS
from sandbox.team import API_KEYS
from source_magnific_analytics.usage import Row

# A Wednesday.
TODAY = Date(2026, 11, 25)
STREAMS = ("api_keys", "credit_usage", "credit_usage_by_api_key")
# A Monday: a day and a week begin there.
START = "2026-08-31"
PROMISED = "not what the API promises"
REFUSED = "does not accept the request"
RELIABILITY = (Path(__file__).parent.parent / "docs" / "reliability.md").read_text()

# The error that a sync ends with, and the settings under which it does.
FAILS: dict[str, tuple[str, dict[str, Any]]] = {
    "half-credits": (PROMISED, {}),
    "evening-dates": (PROMISED, {}),
    "sunday-weeks": (PROMISED, {"granularity": "week"}),
    "shorter-range": (REFUSED, {"start_date": "2026-01-01"}),
    "old-dates-refused": (REFUSED, {"start_date": "2025-01-01"}),
}
# What the connector cannot know, the line of the documentation that says so, and where the table differs.
RESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "end-excluded": ("A range holds its first and its last day", {}),
    "sizes-differ": ("The same days add up to the same by day, week and month", {"granularity": "week"}),
    "rebate": ("No breakdown exceeds its total", {}),
    "keys-exceed": ("What goes through API keys is part of the team's usage", {}),
}
# Of no-today the ledger does not know.
EXACT = sorted(FACTS.keys() - FAILS.keys() - RESTS.keys() - {"no-today"})


class Synced:
    """Tables after a sync from a sandbox with these oddities, and what its ledger says they are."""

    def __init__(self, oddity: str, **settings: Any) -> None:
        self.api = SandboxApi(today=TODAY, people=5, quirks=(oddity,))
        self.settings = {"granularity": "day", "start_date": START, **settings}
        with self.api.serving():
            self.output = sync(raw_config(**self.settings), *STREAMS, today=TODAY)

    def truth(self, what: str, **filters: Any) -> list[Row]:
        query = {"granularity": self.settings["granularity"], "start_date": self.settings["start_date"], **filters}
        found: list[Row] = self.api.control(f"{what}?{urlencode({**query, 'end_date': TODAY}, doseq=True)}")
        return found

    def table(self, stream: str = "credit_usage", api_key_id: str | None = None) -> list[Row]:
        return [row for row in rows(self.output, stream) if row.get("api_key_id") == api_key_id]


def sums(found: list[Row], *columns: str) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for row in found:
        for figure in ("user_uses", "user_credits"):
            total[(*(row.get(column) for column in columns), figure)] += row[figure]
    return +total


def differing(synced: Synced) -> list[str]:
    """The tables that do not equal the ledger: by tool, by user, of each API key."""
    by_tool, by_user = ("date", "tool"), ("date", "tool", "user_email", "project_reference")
    named = [row for row in synced.table() if row.get("user_email")]
    pairs = {
        "by tool": (sums(synced.table(), *by_tool), sums(synced.truth("ledger"), *by_tool)),
        "by user": (sums(named, *by_user), sums(synced.truth("rows"), *by_user)),
    }
    for key in API_KEYS:
        of_key = sums(synced.table("credit_usage_by_api_key", key.api_key_id), *by_tool)
        pairs[key.display_name] = (of_key, sums(synced.truth("ledger", api_key_ids=[key.api_key_id]), *by_tool))
    return [name for name, (found, truth) in pairs.items() if found != truth]


@pytest.mark.parametrize(
    ("oddity", "granularity"),
    [
        *((oddity, "day") for oddity in EXACT),
        *((oddity, "week") for oddity in EXACT if "edges" in oddity or oddity == "edge-dates"),
    ],
)
def test_the_tables_are_exact_under(oddity: str, granularity: str) -> None:
    synced = Synced(oddity, granularity=granularity)
    assert synced.output.errors == []
    assert synced.table()
    # What names nobody is in the sums by tool alone.
    assert differing(synced) == (["by user"] if oddity == "no-breakdown" else [])


@pytest.mark.parametrize("oddity", FAILS)
def test_the_sync_fails_with_a_clear_error_under(oddity: str) -> None:
    words, settings = FAILS[oddity]
    synced = Synced(oddity, **settings)
    assert words in error(synced.output)[1]
    assert synced.table() == []


@pytest.mark.parametrize("oddity", RESTS)
def test_the_documentation_names_what_the_connector_rests_on_for(oddity: str) -> None:
    assumption, settings = RESTS[oddity]
    synced = Synced(oddity, **settings)
    assert synced.output.errors == []
    assert differing(synced)
    assert f"| {assumption} | **" in RELIABILITY


def test_nothing_else_is_named_as_what_the_connector_rests_on() -> None:
    named = set(re.findall(r"(?m)^\| (.+?) \| \*\*", RELIABILITY))
    assert named == {assumption for assumption, _ in RESTS.values()}
