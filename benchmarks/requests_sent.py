"""Compare the number of requests that the connector sends with the smallest number that its window rules allow.

Each sync runs in a fork of a process that has already imported the connector, so all syncs together take only a minute.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import LISTS, USAGE, airbyte_catalog, written
from benchmarks.server import asked

# The daily sync ends on this Tuesday; the first sync ends a day earlier. The longest of cases.SPANS has two leap days.
TODAY = date(2026, 6, 30)
ONE_DAY = timedelta(days=1)
YESTERDAY = TODAY - ONE_DAY
LOOKBACK_DAYS = 7
PLANS = {"business": 180, "enterprise": 365}
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["source_magnific_analytics.run"])


class Count(NamedTuple):
    """The number of requests sent, and the smallest number possible."""

    sent: int
    fewest: int

    def __str__(self) -> str:
        return f"{self.sent} / {self.fewest}"


def period_start(day: date, granularity: str) -> date:
    """Return the first day of the period that contains `day`. Weeks are ISO weeks."""
    starts = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}
    return starts.get(granularity, day - timedelta(days=day.weekday()))


def fewest_requests(first: date, last: date, granularity: str, longest: int) -> int:
    """Return the smallest number of requests for all lists and for usage from `first` to `last`, both inclusive.

    A request covers at most `longest` days. A longer period is split over several requests of its own.
    The function tries every way to split the range at period boundaries. It does not use the connector's code.
    """
    start = period_start(first, granularity)
    days = [start + timedelta(days=number) for number in range((last - start).days + 1)]
    cuts = [*(day for day in days if day == period_start(day, granularity)), last + ONE_DAY]
    # fewest[i] is the smallest number of requests for the lists and for all days before cuts[i].
    fewest = [len(LISTS)]
    for here in range(1, len(cuts)):
        in_ranges = fewest[-1] + ceil((cuts[here] - cuts[here - 1]).days / longest)
        whole = [fewest[there] + 1 for there in range(here) if (cuts[here] - cuts[there]).days <= longest]
        fewest.append(min(whole, default=in_ranges))
    return fewest[-1]


def _run(arguments: list[str], stdout: Path) -> None:
    from source_magnific_analytics.run import run

    os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    sys.argv[1:] = arguments
    run()


def _sync(folder: Path, config: Mapping[str, Any], state: list[Any]) -> list[Any]:
    """Sync all streams in a fork and return the final state; raise RuntimeError if the sync fails."""
    arguments, stdout = ["read"], folder / "stdout"
    for name, content in {"config": config, "catalog": airbyte_catalog((*LISTS, USAGE)), "state": state}.items():
        arguments += [f"--{name}", written(folder / f"{name}.json", content)]
    process = FORKS.Process(target=_run, args=(arguments, stdout))
    process.start()
    process.join()
    said = stdout.read_text(encoding="utf-8")
    if process.exitcode:
        raise RuntimeError(f"The sync with {config} failed: {said[-2000:]}")
    states = [json.loads(line)["state"] for line in said.splitlines() if '"type":"STATE"' in line]
    return list({one["stream"]["stream_descriptor"]["name"]: one for one in states}.values())


def count(base_url: str, folder: Path, days: int, granularity: str, plan: str) -> tuple[Count, Count]:
    """Sync `days` days up to yesterday, then resume from the saved state up to today. Return both syncs' counts."""
    first, longest = TODAY - timedelta(days=days), PLANS[plan]
    resumed = max(first, YESTERDAY - timedelta(days=LOOKBACK_DAYS))
    config: dict[str, Any] = {"api_key": "benchmark", "base_url": base_url, "start_date": str(first)}
    config |= {"granularity": granularity, "plan": plan, "lookback_window_days": LOOKBACK_DAYS}
    asked(base_url)
    state = _sync(folder, {**config, "end_date": str(YESTERDAY)}, [])
    of_first = Count(asked(base_url), fewest_requests(first, YESTERDAY, granularity, longest))
    _sync(folder, {**config, "end_date": str(TODAY)}, state)
    return of_first, Count(asked(base_url), fewest_requests(resumed, TODAY, granularity, longest))
