"""How many requests the connector sends, beside the fewest that its rules allow.

Each sync is the console script's own function in a process forked from one that has imported it, so that hundreds of
syncs take a minute.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import BY_KEY, LISTS, USAGE, airbyte_catalog, written
from benchmarks.server import asked

# A first sync ends on the day before, a daily sync on this one. A Tuesday, past two leap years and a month's end.
TODAY = date(2026, 6, 30)
ONE_DAY = timedelta(days=1)
YESTERDAY = TODAY - ONE_DAY
LOOKBACK_DAYS = 7
PLANS = {"business": 180, "enterprise": 365}
# The requests that usage by API key may cost a day.
BY_KEY_A_DAY = 60
# What the connector says where a period takes more requests than a day has.
REFUSAL = "Choose a smaller granularity"
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["source_magnific_analytics.run"])


class Count(NamedTuple):
    """Requests that were sent, None where the connector advises a smaller granularity, and the fewest possible."""

    sent: int | None
    fewest: int

    def __str__(self) -> str:
        return f"{'refused' if self.sent is None else self.sent} / {self.fewest}"


def period_start(day: date, granularity: str) -> date:
    """The first day of the period that holds `day`; a week is an ISO week."""
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(**{"day": {}, "month": {"day": 1}, "year": {"day": 1, "month": 1}}[granularity])


def fewest_windows(first: date, last: date, granularity: str, longest: int) -> int:
    """The fewest requests for usage of `first` to `last`, both inclusive, none longer than `longest` days.

    Every cut between two periods is tried, without a word of the connector's own arithmetic. A period longer than
    `longest` is asked for by itself, in as many ranges as its days need.
    """
    start = period_start(first, granularity)
    days = [start + timedelta(days=number) for number in range((last - start).days + 1)]
    cuts = [*(day for day in days if day == period_start(day, granularity)), last + ONE_DAY]
    # best[i]: the fewest requests for everything before cuts[i].
    best = [0]
    for here in range(1, len(cuts)):
        length = (cuts[here] - cuts[here - 1]).days
        tried = [best[there] + 1 for there in range(here) if (cuts[here] - cuts[there]).days <= longest]
        best.append(min(tried, default=best[-1] + ceil(length / longest)))
    return best[-1]


def _run(arguments: Sequence[str], stdout: Path) -> None:
    from source_magnific_analytics.run import run

    os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(1, 2)
    sys.argv[1:] = arguments
    run()


@dataclass(frozen=True)
class Syncs:
    """Syncs of the connector against one server that counts."""

    folder: Path
    base_url: str

    def sync(
        self, streams: Sequence[str], state: Any, *, longest_answer: int = 0, keys: int = 6, **config: Any
    ) -> tuple[int | None, list[Any]]:
        """The requests that a sync sends, None where it is refused, and the state that it leaves."""
        config = {"api_key": "benchmark", "base_url": self.base_url, "lookback_window_days": LOOKBACK_DAYS, **config}
        files = {"config": config, "catalog": airbyte_catalog(streams), "state": state}
        options = [
            part for name, content in files.items()
            for part in (f"--{name}", written(self.folder / f"{name}.json", content))
        ]  # fmt: skip
        stdout = self.folder / "stdout"
        asked(self.base_url, longest_answer=longest_answer, keys=keys)
        process = FORKS.Process(target=_run, args=(["read", *options], stdout))
        process.start()
        process.join()
        said = stdout.read_text(encoding="utf-8")
        if process.exitcode and REFUSAL not in said:
            raise RuntimeError(f"A sync of {config} failed: {said[-2000:]}")
        sent = asked(self.base_url)
        if process.exitcode:
            return None, []
        states = [json.loads(line)["state"] for line in said.splitlines() if '"type":"STATE"' in line]
        return sent, list({one["stream"]["stream_descriptor"]["name"]: one for one in states}.values())

    def usual(self, days: int, granularity: str, plan: str) -> tuple[Count, Count]:
        """A first sync of all streams over `days` days up to yesterday; the one of today, with its state."""
        first, longest, streams = TODAY - timedelta(days=days), PLANS[plan], (*LISTS, USAGE)
        config = {"granularity": granularity, "plan": plan, "start_date": str(first)}
        sent, state = self.sync(streams, [], end_date=str(YESTERDAY), **config)
        again, _ = self.sync(streams, state, end_date=str(TODAY), **config)
        resumed = max(first, YESTERDAY - timedelta(days=LOOKBACK_DAYS))
        return (
            Count(sent, len(LISTS) + fewest_windows(first, YESTERDAY, granularity, longest)),
            Count(again, len(LISTS) + fewest_windows(resumed, TODAY, granularity, longest)),
        )

    def shortened(self, days: int, longest: int, granularity: str) -> Count:
        """A first sync of credit usage from a server for which more than `longest` days are too much."""
        first = TODAY - timedelta(days=days - 1)
        config = {"granularity": granularity, "start_date": str(first), "end_date": str(TODAY)}
        sent, _ = self.sync([USAGE], [], longest_answer=longest, **config)
        return Count(sent, fewest_windows(first, TODAY, granularity, longest))

    def by_key(self, keys: int, days: int, plan: str) -> tuple[int, Count, Count]:
        """Usage by API key, a sync a day until every key is read through, how many that are; and the day after.

        A sync costs the list of keys and at most `BY_KEY_A_DAY` requests more: of a key that was read, one a day.
        """
        first = TODAY - timedelta(days=days - 1)
        config = {"granularity": "day", "plan": plan, "start_date": str(first), "end_date": str(TODAY)}
        windows = keys * fewest_windows(first, TODAY, "day", PLANS[plan])
        syncs = ceil(windows / BY_KEY_A_DAY)
        state: list[Any] = []
        sent = fewest = 0
        for day in range(syncs + 1):
            now, state = self.sync([BY_KEY], _a_day_later(state), keys=keys, **config)
            assert now is not None
            if day < syncs:
                read = day * BY_KEY_A_DAY
                sent += now
                fewest += 1 + min(BY_KEY_A_DAY, windows - read + read * keys // windows)
        return syncs, Count(sent, fewest), Count(now, 1 + min(BY_KEY_A_DAY, keys))


def _a_day_later(states: list[Any]) -> list[Any]:
    """The states as if the sync that left them had been a day earlier."""
    yesterday = str(datetime.now(UTC).date() - ONE_DAY)
    for state in states:
        saved = state["stream"]["stream_state"]
        saved["day"]["date"] = yesterday
        for key in saved["keys"].values():
            key.update((name, yesterday) for name in ("read_on", "tried_on") if key.get(name))
    return [{"type": "STREAM", **state} for state in states]
