"""The questions: requests, a bulk read, a small team's sync, start-up, growth."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise, product
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Command, Rounds
from benchmarks.peers import BY_KEY, CONNECTOR, FLAT, FLOOR, LISTS, NESTED, SINGER, USAGE, peers
from benchmarks.report import Headline, Table
from benchmarks.requests_sent import BY_KEY_A_DAY, PLANS, TODAY, Count, Syncs
from benchmarks.server import api, asked

GRANULARITIES = ("day", "week", "month", "year")
SPANS = (1, 90, 180, 365, 1_000, 3_650)
SHORTENED_DAYS, LONGEST_ANSWERS = 365, (100, 60, 45, 20, 10, 1)
KEYS, KEY_SPANS = (3, 20, 50, 150), (90, 365, 1_000)
# 180 days, both ends counted: the longest range of one request on the Business plan. One answer: the connector reads no
# more than 24 MiB or 200,000 objects and arrays at once.
BULK_FIRST, BULK_ROWS = date(2026, 1, 2), 140_000
# 365 days.
YEAR_FIRST, SMALL_ROWS = date(2025, 7, 1), 11_000
GROWTH_ROWS = (10_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
# More rows than this are read once: what they show is not a matter of tenths.
MANY_ROWS, PER_ROWS = 1_000_000, 100_000
ALL = (*LISTS, USAGE)

Result = tuple[Sequence[Table], Sequence[Headline]]


@dataclass(frozen=True)
class Effort:
    """Rounds of each measurement; `quick` shows that a case runs, and nothing about speed."""

    runs: int
    quick: bool

    def rows(self, usual: int) -> int:
        return usual // 100 if self.quick else usual

    def few(self, usual: Sequence[int]) -> Sequence[int]:
        return usual[:1] if self.quick else usual


def requests(effort: Effort) -> Result:
    """Requests sent against the fewest; the count is the same each time."""
    with TemporaryDirectory() as folder, api(TODAY, TODAY, 0) as base_url:
        syncs = Syncs(Path(folder), base_url)
        few = effort.few
        usual = {
            (f"{days:,}", granularity): [count for plan in PLANS for count in syncs.usual(days, granularity, plan)]
            for days, granularity in product(few(SPANS), GRANULARITIES)
        }
        less = {
            (str(longest),): [syncs.shortened(SHORTENED_DAYS, longest, granularity) for granularity in GRANULARITIES]
            for longest in few(LONGEST_ANSWERS)
        }
        keys = {
            (str(keys), f"{days:,}"): [cell for plan in PLANS for cell in syncs.by_key(keys, days, plan)]
            for keys, days in product(few(KEYS), few(KEY_SPANS))
        }
    tables = [
        _counts(
            "Requests",
            "All five streams: requests sent / the fewest that the rules for windows allow, four lists included. "
            "A daily sync follows one day after the first, with its state and a lookback of seven days.",
            ("days", "granularity", *(f"{plan}, {sync}" for plan in PLANS for sync in ("first", "daily"))),
            usual,
        ),
        _counts(
            "Requests where a long range is too much",
            f"A first sync of {SHORTENED_DAYS} days of credit usage on Business: requests sent, those that were "
            "refused included / the fewest for a server that answers no more than so many days and anything longer "
            "with HTTP 504. Refused: one period takes more requests than a day has, and the connector advises a "
            "smaller granularity.",
            ("days answered", *GRANULARITIES),
            less,
        ),
        _counts(
            "Requests for usage by API key",
            f"{BY_KEY} alone, granularity day, one sync a day: the syncs until every key is read through, the requests "
            f"of all of them and those of the next day's sync / the fewest, with at most {BY_KEY_A_DAY} a day and the "
            "list of keys beside them.",
            ("keys", "days", *(f"{plan}, {what}" for plan in PLANS for what in ("syncs", "until read", "daily"))),
            keys,
        ),
    ]
    return tables, [
        _above("syncs that send more requests than the fewest", usual),
        _above("syncs of shortened ranges that send three times the fewest plus eight, or more", less, 3, 7),
        _above("syncs by API key that send more than the fewest", keys),
    ]


Lines = Mapping[tuple[str, ...], Sequence[Count | int]]


def _counts(title: str, note: str, head: Sequence[str], lines: Lines) -> Table:
    return Table(title, note, head, [(*name, *map(str, cells)) for name, cells in lines.items()])


def _above(subject: str, lines: Lines, times: int = 1, more: int = 0) -> Headline:
    """How many counts are above so many times the fewest and some more."""
    counts = [cell for cells in lines.values() for cell in cells if isinstance(cell, Count)]
    above = sum(count.sent is not None and count.sent > times * count.fewest + more for count in counts)
    return subject, f"{above} of {len(counts)}", "0", ""


def _costs(title: str, note: str, rounds: Rounds, base: str, rows: int) -> Table:
    head = ("", "records", "usage rows/s", "elapsed s", "CPU s", f"CPU / {base}", "peak MiB", f"peak / {base}")
    lines = [
        (
            name,
            f"{records:,}",
            f"{rows / rounds.median(name, 'wall'):,.0f}",
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
    """One answer of the longest range, as large as a large team makes it."""
    rows = effort.rows(BULK_ROWS)
    with peers(BULK_FIRST, TODAY, rows) as each:
        low_code = [each.low_code("read", form) for form in (NESTED, FLAT)]
        rounds = Rounds([each.floor(), each.connector("read"), each.singer_read([USAGE]), *low_code], effort.runs)
    note = (
        f"Credit usage of 180 days, {rows:,} usage rows in one answer. Low-code nested emits one record a day and "
        "leaves the unnesting to the warehouse."
    )
    return [_costs("Bulk read", note, rounds, FLOOR, rows)], [
        ("bulk read, CPU, to the raw floor", rounds.ratio(CONNECTOR, FLOOR, "cpu"), "6.0", "4"),
        ("bulk read, CPU, to the Singer tap", rounds.ratio(CONNECTOR, SINGER, "cpu"), "0.65", "0.45"),
        ("bulk read, peak memory, to the raw floor", rounds.ratio(CONNECTOR, FLOOR, "peak"), "0.85", "0.65"),
    ]


def small(effort: Effort) -> Result:
    """A small team's first sync of all five streams."""
    rows = effort.rows(SMALL_ROWS)
    with peers(YEAR_FIRST, TODAY, rows) as each:
        low_code = [each.low_code("read", form, LISTS) for form in (NESTED, FLAT)]
        rounds = Rounds([each.connector("read", streams=ALL), each.singer_read(ALL), *low_code], effort.runs)
    note = f"All five streams over 365 days, {rows:,} usage rows in three answers."
    return [_costs("A small team's sync", note, rounds, NESTED, rows)], [
        ("small sync, CPU, to low-code nested", rounds.ratio(CONNECTOR, NESTED, "cpu"), "0.8", "0.65")
    ]


def start_up(effort: Effort) -> Result:
    """The commands that move no usage, beside what every connector on the CDK pays before its first line runs."""
    bare = Command("import airbyte_cdk", (sys.executable, "-c", "import airbyte_cdk"))
    with peers(TODAY, TODAY, 12) as each:
        commands = [bare]
        for verb in ("spec", "check", "discover"):
            commands += [each.connector(verb, f"{CONNECTOR}, {verb}"), each.low_code(verb, f"low-code, {verb}")]
        commands.append(each.singer("--about", "--format=json", name=f"{SINGER}, --about"))
        commands.append(each.singer("--discover", name=f"{SINGER}, --discover"))
        rounds = Rounds(commands, effort.runs)
    lines = [
        (
            name,
            f"{rounds.median(name, 'wall'):.2f}",
            f"{rounds.median(name, 'cpu'):.2f}",
            rounds.ratio(name, bare.name, "cpu"),
            f"{rounds.median(name, 'peak'):.0f}",
        )
        for name in rounds.records
    ]
    note = "Low-code's spec is the general one, which asks for a manifest. A check sends one request; a tap has no check."
    head = ("", "elapsed s", "CPU s", f"CPU / {bare.name}", "peak MiB")
    return [Table("Start-up", note, head, lines)], [
        (f"{verb}, CPU, to a bare {bare.name}", rounds.ratio(f"{CONNECTOR}, {verb}", bare.name, "cpu"), "1.05", "0.6")
        for verb in ("spec", "discover")
    ]


def growth(effort: Effort) -> Result:
    """A year of a team, ever larger: memory, requests, and the cost of 100,000 more rows."""
    measured = [_grown(rows, effort.runs if rows <= MANY_ROWS else 1) for rows in map(effort.rows, GROWTH_ROWS)]
    slopes = [("", "")]
    for (rows, _, cpu, peak), (more_rows, _, more_cpu, higher_peak) in pairwise(measured):
        steps = (more_rows - rows) / PER_ROWS
        slopes.append((f"{(more_cpu - cpu) / steps:.2f}", f"{(higher_peak - peak) / steps:.1f}"))
    lines = [
        (f"{rows:,}", str(sent), f"{cpu:.2f}", f"{peak:.0f}", *slope)
        for (rows, sent, cpu, peak), slope in zip(measured, slopes, strict=True)
    ]
    note = (
        "Credit usage of 365 days on Business, from a server that makes its answers while it sends them. A body beyond "
        "the connector's bound is not read to its end but asked for in halves, so memory stops growing and requests "
        f"begin to. The last two columns: what {PER_ROWS:,} more rows cost since the line above. More than "
        f"{MANY_ROWS:,} rows are read once."
    )
    head = ("usage rows", "requests", "CPU s", "peak MiB", f"CPU s / {PER_ROWS:,}", f"MiB / {PER_ROWS:,}")
    highest = max(peak for *_, peak in measured)
    return [Table("Growth", note, head, lines)], [("growth, highest peak memory in MiB", f"{highest:.0f}", "256", "")]


def _grown(rows: int, runs: int) -> tuple[int, int, float, float]:
    """The rows, the requests of a sync, CPU seconds and peak MiB."""
    with peers(YEAR_FIRST, TODAY, rows, streamed=True) as each:
        rounds = Rounds([each.connector("read")], runs)
        sent = asked(each.base_url) // (1 + runs)
    if rounds.records[CONNECTOR] < rows:
        raise RuntimeError(f"{rounds.records[CONNECTOR]:,} of {rows:,} rows were read")
    return rows, sent, rounds.median(CONNECTOR, "cpu"), rounds.median(CONNECTOR, "peak")


CASES: Mapping[str, Callable[[Effort], Result]] = {
    "requests": requests, "bulk": bulk, "small": small, "start-up": start_up, "growth": growth,
}  # fmt: skip
