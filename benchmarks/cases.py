"""The questions: requests, also where a server answers few days; a bulk read, a small team's sync, start-up, growth."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from benchmarks.measure import Command, Rounds, output
from benchmarks.peers import BY_KEY, COMPONENT, CONNECTOR, FLAT, FLOOR, LISTS, NESTED, SINGER, USAGE, Peers
from benchmarks.report import Headline, Table
from benchmarks.requests_sent import (
    BY_KEY_A_DAY,
    GRANULARITIES,
    PLANS,
    SHORTENED_DAYS,
    TODAY,
    ByKey,
    Count,
    Shortened,
    asked,
)
from benchmarks.server import api

# 180 days, both ends counted: the longest range of one request on the Business plan.
BULK_FIRST = date(2026, 1, 2)
# One answer: the connector reads no more than 24 MiB or 200,000 objects and arrays at once.
BULK_ROWS = 140_000
# 365 days.
SMALL_FIRST = date(2025, 7, 1)
SMALL_ROWS = 11_000
GROWTH_FIRST = SMALL_FIRST
GROWTH_ROWS = (10_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
# More rows than this are read once: what they show is not a matter of tenths.
MANY_ROWS = 1_000_000
PER_ROWS = 100_000

Result = tuple[Sequence[Table], Sequence[Headline]]
T = TypeVar("T")


@dataclass(frozen=True)
class Effort:
    """Rounds of each measurement, and the usage rows of the largest growth."""

    runs: int
    most_rows: int


@contextmanager
def _peers(first: date, rows: int, *, day_by_day: bool = False) -> Iterator[Peers]:
    """Everybody's command lines against a running server with `rows` usage rows from `first` to TODAY."""
    with tempfile.TemporaryDirectory() as folder, api(first, TODAY, rows, day_by_day=day_by_day) as base_url:
        yield Peers(Path(folder), base_url, first, TODAY)


def requests(effort: Effort) -> Result:
    """Requests sent against the fewest; `effort` has no say, the count is the same each time."""
    with api(TODAY, TODAY, 0) as base_url:
        command = (sys.executable, "-m", "benchmarks.requests_sent", base_url)
        sent = json.loads(b"".join(output(Command("requests", command))))
    usual, usual_lines = _usual([Count(**count) for count in sent["counts"]])
    less, less_lines = _less([Shortened(**one) for one in sent["shortened"]])
    keys, keys_lines = _by_key([ByKey(**one) for one in sent["by_key"]])
    return [usual, less, keys], [usual_lines, less_lines, keys_lines]


def _lines(
    counts: Sequence[T], heading: Callable[[T], tuple[str, ...]], cells: Callable[[T], tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """A line of a table for each heading: it, and the cells of all counts that have it, which lie side by side."""
    return [(*name, *(cell for one in group for cell in cells(one))) for name, group in groupby(counts, key=heading)]


def _usual(counts: Sequence[Count]) -> tuple[Table, Headline]:
    rows = _lines(
        counts,
        lambda one: (f"{one.days:,}", one.granularity),
        lambda one: (f"{one.first} / {one.first_fewest}", f"{one.daily} / {one.daily_fewest}"),
    )
    more = sum((count.first > count.first_fewest) + (count.daily > count.daily_fewest) for count in counts)
    table = Table(
        "Requests",
        "All five streams: requests sent / the fewest that the rules for windows allow, four lists included. "
        "A daily sync follows one day after the first, with its state and a lookback of seven days.",
        ("days", "granularity", *(f"{plan}, {sync}" for plan in PLANS for sync in ("first", "daily"))),
        rows,
    )
    return table, Headline("syncs that send more requests than the fewest", f"{more} of {2 * len(counts)}", "0")


def _less(counts: Sequence[Shortened]) -> tuple[Table, Headline]:
    rows = _lines(counts, lambda one: (str(one.longest),), lambda one: (f"{one.sent or 'refused'} / {one.fewest}",))
    more = sum(one.sent is not None and one.sent >= 3 * one.fewest + 8 for one in counts)
    table = Table(
        "Requests where a long range is too much",
        f"A first sync of {SHORTENED_DAYS} days of credit usage on Business: requests sent, those that were refused "
        "included / the fewest for a server that answers no more than so many days and anything longer with HTTP 504. "
        "Refused: one period takes more requests than a day has, and the connector advises a smaller granularity.",
        ("days answered", *GRANULARITIES),
        rows,
    )
    return table, Headline(
        "syncs of shortened ranges that send three times the fewest plus eight, or more",
        f"{more} of {len(counts)}",
        "0",
    )


def _by_key(counts: Sequence[ByKey]) -> tuple[Table, Headline]:
    rows = _lines(
        counts,
        lambda one: (str(one.keys), f"{one.days:,}"),
        lambda one: (str(one.syncs), f"{one.sent} / {one.fewest}", f"{one.daily} / {one.daily_fewest}"),
    )
    more = sum((one.sent > one.fewest) + (one.daily > one.daily_fewest) for one in counts)
    table = Table(
        "Requests for usage by API key",
        f"{BY_KEY} alone, granularity day, one sync a day: the syncs until every key is read through, the requests of "
        f"all of them and those of the next day's sync / the fewest, with at most {BY_KEY_A_DAY} a day and the list of "
        "keys beside them.",
        ("keys", "days", *(f"{plan}, {what}" for plan in PLANS for what in ("syncs", "until read", "daily"))),
        rows,
    )
    return table, Headline("syncs by API key that send more than the fewest", f"{more} of {2 * len(counts)}", "0")


def _costs(rounds: Rounds, names: Sequence[str], base: str, rows: int) -> Sequence[Sequence[str]]:
    return [
        (
            name,
            f"{rounds.records[name]:,}",
            f"{rows / rounds.figure(name, 'wall').median:,.0f}",
            f"{rounds.figure(name, 'wall').median:.2f}",
            f"{rounds.figure(name, 'cpu').median:.2f}",
            str(rounds.ratio(name, base, "cpu")),
            f"{rounds.figure(name, 'peak').median:.0f}",
            str(rounds.ratio(name, base, "peak")),
        )
        for name in names
    ]


def _costs_head(base: str) -> Sequence[str]:
    return (
        "", "records", "usage rows/s", "elapsed s", "CPU s", f"CPU / {base}", "peak MiB", f"peak / {base}",
    )  # fmt: skip


def bulk(effort: Effort) -> Result:
    """One answer of the longest range, as large as a large team makes it."""
    with _peers(BULK_FIRST, BULK_ROWS) as each:
        commands = [
            each.floor(),
            each.connector_read([USAGE]),
            each.singer_read([USAGE]),
            *(each.low_code_read(form) for form in (NESTED, COMPONENT, FLAT)),
        ]
        rounds = Rounds(commands, effort.runs)
    table = Table(
        "Bulk read",
        f"Credit usage of 180 days, {BULK_ROWS:,} usage rows in one answer. Low-code nested emits one record a day "
        "and leaves the unnesting to the warehouse; low-code flat loses the name of the tool.",
        _costs_head(FLOOR),
        _costs(rounds, [command.name for command in commands], FLOOR, BULK_ROWS),
    )
    return [table], [
        Headline("bulk read, CPU, to the raw floor", str(rounds.ratio(CONNECTOR, FLOOR, "cpu")), "6.0", "4"),
        Headline("bulk read, CPU, to the Singer tap", str(rounds.ratio(CONNECTOR, SINGER, "cpu")), "0.65", "0.45"),
        Headline(
            "bulk read, peak memory, to the raw floor", str(rounds.ratio(CONNECTOR, FLOOR, "peak")), "0.85", "0.65"
        ),
    ]  # fmt: skip


def small(effort: Effort) -> Result:
    """A small team's first sync of all five streams."""
    with _peers(SMALL_FIRST, SMALL_ROWS) as each:
        commands = [
            each.connector_read((*LISTS, USAGE)),
            each.singer_read((*LISTS, USAGE)),
            each.low_code_read(NESTED, LISTS),
            each.low_code_read(COMPONENT, LISTS),
        ]
        rounds = Rounds(commands, effort.runs)
    table = Table(
        "A small team's sync",
        f"All five streams over 365 days, {SMALL_ROWS:,} usage rows in three answers.",
        _costs_head(NESTED),
        _costs(rounds, [command.name for command in commands], NESTED, SMALL_ROWS),
    )
    return [table], [
        Headline("small sync, CPU, to low-code nested", str(rounds.ratio(CONNECTOR, NESTED, "cpu")), "0.8", "0.65")
    ]  # fmt: skip


def start_up(effort: Effort) -> Result:
    """The commands that move no usage."""
    with _peers(TODAY, 12) as each:
        bare = each.bare_import()
        commands = [bare]
        for verb in ("spec", "check", "discover"):
            commands.append(each.connector(verb, name=f"{CONNECTOR}, {verb}"))
            commands.append(each.low_code(verb, name=f"low-code, {verb}"))
        commands.append(each.singer("--about", "--format=json", name=f"{SINGER}, --about"))
        commands.append(each.singer("--discover", name=f"{SINGER}, --discover"))
        rounds = Rounds(commands, effort.runs)
    table = Table(
        "Start-up",
        "Low-code's spec is the general one, which asks for a manifest. A check sends one request; a tap has no check.",
        ("", "elapsed s", "CPU s", f"CPU / {bare.name}", "peak MiB"),
        [
            (
                command.name,
                f"{rounds.figure(command.name, 'wall').median:.2f}",
                f"{rounds.figure(command.name, 'cpu').median:.2f}",
                str(rounds.ratio(command.name, bare.name, "cpu")),
                f"{rounds.figure(command.name, 'peak').median:.0f}",
            )
            for command in commands
        ],
    )
    return [table], [
        Headline(
            f"{verb}, CPU, to a bare {bare.name}",
            str(rounds.ratio(f"{CONNECTOR}, {verb}", bare.name, "cpu")),
            "1.05",
            "0.6",
        )
        for verb in ("spec", "discover")
    ]


def growth(effort: Effort) -> Result:
    """A year of a team, ever larger: memory, requests, and the cost of 100,000 more rows."""
    measured: list[tuple[int, int, float, float]] = []
    sizes = [rows for rows in GROWTH_ROWS if rows < effort.most_rows]
    for rows in (*sizes, effort.most_rows):
        with _peers(GROWTH_FIRST, rows, day_by_day=True) as each:
            command = each.connector_read([USAGE])
            asked(each.config["base_url"])
            runs = effort.runs if rows <= MANY_ROWS else 1
            rounds = Rounds([command], runs)
            sent = asked(each.config["base_url"]) // (1 + runs)
        if rounds.records[CONNECTOR] < rows:
            raise RuntimeError(f"{rounds.records[CONNECTOR]:,} of {rows:,} rows were read")
        measured.append((rows, sent, rounds.figure(CONNECTOR, "cpu").median, rounds.figure(CONNECTOR, "peak").median))
    lines = []
    for (rows, sent, cpu, peak), before in zip(measured, [None, *measured], strict=False):
        slopes = ["", ""]
        if before:
            steps = (rows - before[0]) / PER_ROWS
            slopes = [f"{(cpu - before[2]) / steps:.2f}", f"{(peak - before[3]) / steps:.1f}"]
        lines.append((f"{rows:,}", str(sent), f"{cpu:.2f}", f"{peak:.0f}", *slopes))
    table = Table(
        "Growth",
        "Credit usage of 365 days on Business, from a server that makes its answers day by day. A body beyond the "
        "connector's bound is not read to its end but asked for in halves, so memory stops growing and requests begin "
        f"to. The last two columns: what {PER_ROWS:,} more rows cost since the line above. More than "
        f"{MANY_ROWS:,} rows are read once.",
        ("usage rows", "requests", "CPU s", "peak MiB", f"CPU s / {PER_ROWS:,}", f"MiB / {PER_ROWS:,}"),
        lines,
    )
    return [table], [Headline("growth, highest peak memory in MiB", f"{max(line[3] for line in measured):.0f}", "256")]


CASES: Mapping[str, Callable[[Effort], Result]] = {
    "requests": requests,
    "bulk": bulk,
    "small": small,
    "start-up": start_up,
    "growth": growth,
}
