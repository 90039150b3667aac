"""The benchmark cases: requests, a bulk read, start-up and growth."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Command, Rounds
from benchmarks.peers import CONNECTOR, FLAT, FLOOR, LOW_CODE, NESTED, OURS, SINGER, peers
from benchmarks.report import Headline, Table
from benchmarks.requests_sent import PLANS, TODAY, count
from benchmarks.server import api, asked

GRANULARITIES = ("day", "week", "month", "year")
SPANS = (1, 90, 180, 365, 1_000, 3_650)
# The bulk read covers 180 days (both ends included), the longest range of one request on the Business plan. All rows
# fit into one response, which stays below the connector's limits of 24 MiB and of 200,000 objects and arrays.
BULK_FIRST, BULK_ROWS = date(2026, 1, 2), 140_000
# The growth case starts on this day and covers 365 days.
GROWTH_FIRST = date(2025, 7, 1)
GROWTH_ROWS = (10_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
# With more rows than this, the growth case measures only one round, because small differences no longer matter.
MANY_ROWS = 1_000_000

Result = tuple[Table, Sequence[Headline]]


@dataclass(frozen=True)
class Effort:
    """How many runs to measure. A `quick` run uses few rows: it shows that a case works, but not how fast it is."""

    runs: int
    quick: bool

    def rows(self, usual: int) -> int:
        return usual // 100 if self.quick else usual


def requests(effort: Effort) -> Result:
    """Compare the number of requests sent with the smallest number possible. Every run gives the same counts."""
    counts = {}
    with TemporaryDirectory() as folder, api(TODAY, TODAY, 0) as base_url:
        for days, granularity in product(SPANS[:2] if effort.quick else SPANS, GRANULARITIES):
            pairs = [count(base_url, Path(folder), days, granularity, plan) for plan in PLANS]
            counts[days, granularity] = [one for pair in pairs for one in pair]
    each = [one for several in counts.values() for one in several]
    more = sum(one.sent > one.fewest for one in each)
    table = Table(
        "Requests",
        "Requests for the four lists and credit usage: the number sent / the fewest that the window rules allow. "
        "The daily sync runs one day after the first sync and continues from its state, with a lookback of seven days.",
        ("days", "granularity", *(f"{plan}, {sync}" for plan in PLANS for sync in ("first", "daily"))),
        [(f"{days:,}", granularity, *map(str, several)) for (days, granularity), several in counts.items()],
    )
    return table, [("syncs that send more requests than necessary", f"{more} of {len(each)}", "0", "")]


def _costs(title: str, note: str, rounds: Rounds, base: str) -> Table:
    head = ("", "records", "elapsed s", "CPU s", f"CPU / {base}", "peak MiB", f"peak / {base}")
    lines = [
        (
            name,
            f"{records:,}",
            f"{rounds.median(name, 'wall'):.2f}",
            f"{rounds.median(name, 'cpu'):.2f}",
            rounds.ratio(name, base, "cpu"),
            f"{rounds.median(name, 'peak'):.0f}",
            rounds.ratio(name, base, "peak"),
        )
        for name, records in rounds.records.items()
    ]
    return Table(title, note, head, lines)


def bulk(effort: Effort) -> Result:
    """Read a large team's usage in one response, over the longest range that a request may cover."""
    rows = effort.rows(BULK_ROWS)
    with peers(BULK_FIRST, TODAY, rows) as each:
        commands = [
            each.floor(),
            each.airbyte(OURS, "read", CONNECTOR),
            each.singer(),
            each.airbyte(LOW_CODE, "read", NESTED),
            each.airbyte(LOW_CODE, "read", FLAT, "credit_usage_flat"),
        ]
        rounds = Rounds(commands, effort.runs)
    note = (
        f"180 days of credit usage, with {rows:,} usage rows in one response. The nested low-code connector emits one "
        "record per day and leaves the unnesting to the warehouse."
    )
    return _costs("Bulk read", note, rounds, FLOOR), [
        ("bulk read, CPU relative to the raw floor", rounds.ratio(CONNECTOR, FLOOR, "cpu"), "6.0", "4"),
        ("bulk read, CPU relative to the Singer tap", rounds.ratio(CONNECTOR, SINGER, "cpu"), "0.65", "0.45"),
        ("bulk read, peak memory relative to the raw floor", rounds.ratio(CONNECTOR, FLOOR, "peak"), "0.85", "0.65"),
    ]


def start_up(effort: Effort) -> Result:
    """Compare the commands that emit no records with a bare `import airbyte_cdk`, which every CDK connector needs."""
    bare = Command("import airbyte_cdk", (sys.executable, "-c", "import airbyte_cdk"))
    with peers(TODAY, TODAY, 12) as each:
        commands = [bare]
        for verb in ("spec", "check", "discover"):
            commands.append(each.airbyte(OURS, verb, f"{CONNECTOR}, {verb}"))
            commands.append(each.airbyte(LOW_CODE, verb, f"low-code, {verb}"))
        for option in ("--about", "--discover"):
            commands.append(each.singer(option, name=f"{SINGER}, {option}"))
        rounds = Rounds(commands, effort.runs)
    note = "The low-code connector's `spec` is generic: it only asks for a manifest. A Singer tap has no `check`."
    label = f"CPU relative to a bare `{bare.name}`"
    return _costs("Start-up", note, rounds, bare.name), [
        (f"{verb}, {label}", rounds.ratio(f"{CONNECTOR}, {verb}", bare.name, "cpu"), "1.05", "0.6")
        for verb in ("spec", "discover")
    ]


def growth(effort: Effort) -> Result:
    """Read a year of usage for increasingly large teams, and measure requests, CPU and memory."""
    lines, highest = [], 0.0
    for rows in map(effort.rows, GROWTH_ROWS):
        runs = effort.runs if rows <= MANY_ROWS else 1
        with peers(GROWTH_FIRST, TODAY, rows, streamed=True) as each:
            rounds = Rounds([each.airbyte(OURS, "read", CONNECTOR)], runs)
            sent = asked(each.base_url) // (1 + runs)
        if rounds.records[CONNECTOR] < rows:
            raise RuntimeError(f"only {rounds.records[CONNECTOR]:,} of {rows:,} rows were read")
        cpu, peak = rounds.median(CONNECTOR, "cpu"), rounds.median(CONNECTOR, "peak")
        lines.append((f"{rows:,}", str(sent), f"{cpu:.2f}", f"{peak:.0f}"))
        highest = max(highest, peak)
    note = (
        "365 days of credit usage on the Business plan, from a server that generates its responses while sending them. "
        "If a response is too large, the connector requests each half of the range instead. More rows therefore "
        f"need more requests, but little more memory. With more than {MANY_ROWS:,} rows, only one round is measured."
    )
    table = Table("Growth", note, ("usage rows", "requests", "CPU s", "peak MiB"), lines)
    return table, [("growth, highest peak memory in MiB", f"{highest:.0f}", "256", "")]


CASES: Mapping[str, Callable[[Effort], Result]] = {
    "requests": requests, "bulk": bulk, "start-up": start_up, "growth": growth,
}  # fmt: skip
