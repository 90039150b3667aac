"""How many requests the connector sends, beside the fewest that its rules allow.

`python -m benchmarks.requests_sent BASE_URL` syncs every combination against a server that counts, and writes the
counts as JSON. Each sync is the console script's own function in a process forked after the imports, so that hundreds
of syncs take seconds.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import entry_points
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.peers import BY_KEY, LISTS, USAGE, configured_catalog

# A first sync ends on the day before, a daily sync on this one. A Tuesday, past two leap years and a month's end.
TODAY = date(2026, 6, 30)
SPANS = (1, 90, 180, 365, 1_000, 3_650)
GRANULARITIES = ("day", "week", "month", "year")
PLANS = {"business": 180, "enterprise": 365}
LOOKBACK_DAYS = 7
# What a server answers at most, in days, where a longer range is too much for it; and the range that is read then.
LONGEST_ANSWERS = (100, 60, 45, 20, 10, 1)
SHORTENED_DAYS = 365
# Keys and days of usage by API key, and the requests that it may cost a day.
KEYS = (3, 20, 50, 150)
KEY_SPANS = (90, 365, 1_000)
BY_KEY_A_DAY = 60
# What the connector says where a period takes more requests than a day has.
REFUSAL = "Choose a smaller granularity"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Count:
    """Requests of a first sync over `days` days and of the sync one day later: sent, and the fewest possible."""

    days: int
    granularity: str
    plan: str
    first: int
    first_fewest: int
    daily: int
    daily_fewest: int


@dataclass(frozen=True)
class Shortened:
    """Requests of a first sync of credit usage from a server that answers `longest` days: sent, the fewest possible.

    None where the connector advises a smaller granularity.
    """

    longest: int
    granularity: str
    sent: int | None
    fewest: int


@dataclass(frozen=True)
class ByKey:
    """Requests for usage by API key until all keys are read through, in one sync a day for `syncs` days, and after."""

    keys: int
    days: int
    plan: str
    syncs: int
    sent: int
    fewest: int
    daily: int
    daily_fewest: int


def period_start(day: date, granularity: str) -> date:
    """The first day of the period that holds `day`; a week is an ISO week."""
    return {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "year": day.replace(month=1, day=1),
    }[granularity]


def _starts(first: date, last: date, granularity: str) -> Iterator[date]:
    """Every day from `first` to `last`, both inclusive, on which a period starts."""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day == period_start(day, granularity):
            yield day


def fewest_windows(first: date, last: date, granularity: str, longest: int) -> int:
    """The fewest requests for usage of `first` to `last`, both inclusive, none longer than `longest` days.

    Every cut between two periods is tried, without a word of the connector's own arithmetic. A period is asked for
    whole, from its first day to its last or to `last`; one longer than `longest` by itself, in as many ranges as its
    days need.
    """
    end = last + ONE_DAY
    cuts = [*_starts(period_start(first, granularity), last, granularity), end]
    # best[i]: the fewest requests for everything before cuts[i].
    best = [0] + [sys.maxsize] * (len(cuts) - 1)
    for here in range(1, len(cuts)):
        for there in reversed(range(here)):
            if (cuts[here] - cuts[there]).days > longest:
                break
            best[here] = min(best[here], best[there] + 1)
        if (days := (cuts[here] - cuts[here - 1]).days) > longest:
            best[here] = best[here - 1] + ceil(days / longest)
    return best[-1]


def _sync(folder: Path, config: dict[str, Any], state: Sequence[Any]) -> Sequence[Any]:
    """Sync all streams in a forked process; the state that it leaves.

    Raises RuntimeError where the sync fails.
    """
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    options = ("config", "catalog", "state")
    arguments = [part for option in options for part in (f"--{option}", str(folder / f"{option}.json"))]
    states: dict[str, Any] = {}
    for line in _run(["read", *arguments]):
        message = json.loads(line)
        if message["type"] == "STATE":
            stream = message["state"]["stream"]
            states[stream["stream_descriptor"]["name"]] = {"type": "STREAM", "stream": stream}
    return list(states.values())


def _run(arguments: Sequence[str]) -> Sequence[bytes]:
    """What the console script writes when it is called with `arguments`, line by line."""
    (script,) = entry_points(group="console_scripts", name="source-magnific-analytics")
    main = script.load()
    with tempfile.TemporaryFile() as stdout:
        child = os.fork()
        if not child:
            os.dup2(stdout.fileno(), 1)
            sys.argv = [script.name, *arguments]
            # The script may leave by an exception; what follows belongs to the parent alone.
            code = 1
            try:
                main()
                code = 0
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else bool(stop.code)
            finally:
                sys.stdout.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        stdout.seek(0)
        if status:
            raise RuntimeError(f"{arguments} failed: {stdout.read()[-2000:].decode(errors='replace')}")
        return stdout.readlines()


def asked(base_url: str) -> int:
    """Requests that the server has seen since this was last called."""
    with urlopen(f"{base_url}/requests") as answer:
        return int(answer.read())


def count(base_url: str, folder: Path, days: int, granularity: str, plan: str) -> Count:
    """Sync `days` days up to yesterday, then once more today with the state of the first."""
    yesterday = TODAY - ONE_DAY
    first = TODAY - timedelta(days=days)
    config = {
        "api_key": "benchmark",
        "base_url": base_url,
        "granularity": granularity,
        "plan": plan,
        "lookback_window_days": LOOKBACK_DAYS,
        "start_date": first.isoformat(),
    }
    asked(base_url)
    state = _sync(folder, {**config, "end_date": yesterday.isoformat()}, [])
    first_sent = asked(base_url)
    _sync(folder, {**config, "end_date": TODAY.isoformat()}, state)
    resumed = max(first, yesterday - timedelta(days=LOOKBACK_DAYS))
    longest = PLANS[plan]
    return Count(
        days,
        granularity,
        plan,
        first_sent,
        len(LISTS) + fewest_windows(first, yesterday, granularity, longest),
        asked(base_url),
        len(LISTS) + fewest_windows(resumed, TODAY, granularity, longest),
    )


def shortened(base_url: str, folder: Path, longest: int, granularity: str) -> Shortened:
    """Sync a year of credit usage from a server for which more than `longest` days are too much."""
    first = TODAY - timedelta(days=SHORTENED_DAYS - 1)
    config = {
        "api_key": "benchmark",
        "base_url": base_url,
        "granularity": granularity,
        "start_date": first.isoformat(),
        "end_date": TODAY.isoformat(),
    }
    urlopen(f"{base_url}/longest-answer/{longest}").close()
    asked(base_url)
    try:
        _sync(folder, config, [])
        sent = asked(base_url) - len(LISTS)
    except RuntimeError as error:
        if REFUSAL not in str(error):
            raise
        sent = None
    urlopen(f"{base_url}/longest-answer/0").close()
    return Shortened(longest, granularity, sent, fewest_windows(first, TODAY, granularity, longest))


def by_key(base_url: str, folder: Path, keys: int, days: int, plan: str) -> ByKey:
    """Sync usage by API key alone, day after day, until every key is read through, and once more on the next day.

    A sync costs the list of keys and at most `BY_KEY_A_DAY` requests more: of a key that was read, one a day.
    """
    first = TODAY - timedelta(days=days - 1)
    config = {"api_key": "benchmark", "base_url": base_url, "granularity": "day", "plan": plan}
    config |= {"start_date": first.isoformat(), "end_date": TODAY.isoformat()}
    urlopen(f"{base_url}/keys/{keys}").close()
    asked(base_url)
    state: Sequence[Any] = []
    windows = keys * fewest_windows(first, TODAY, "day", PLANS[plan])
    syncs = ceil(windows / BY_KEY_A_DAY)
    sent = fewest = 0
    for earlier in range(syncs):
        state = _sync(folder, config, _a_day_later(state))
        sent += asked(base_url)
        read = earlier * BY_KEY_A_DAY
        fewest += 1 + min(BY_KEY_A_DAY, windows - read + read * keys // windows)
    _sync(folder, config, _a_day_later(state))
    return ByKey(keys, days, plan, syncs, sent, fewest, asked(base_url), 1 + min(BY_KEY_A_DAY, keys))


def _a_day_later(states: Sequence[Any]) -> Sequence[Any]:
    """The states as if the sync that left them had been a day earlier."""
    yesterday = str(datetime.now(UTC).date() - ONE_DAY)
    for state in states:
        found = state["stream"]["stream_state"]
        found["day"]["date"] = yesterday
        for key in found["keys"].values():
            key.update((name, yesterday) for name in ("read_on", "tried_on") if key.get(name))
    return states


def main() -> None:
    """Count every combination and write the counts."""
    (base_url,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = {"api_key": "benchmark", "base_url": base_url, "start_date": TODAY.isoformat()}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        discovered = _run(["discover", "--config", str(folder / "config.json")])
        catalog = configured_catalog(discovered, (*LISTS, USAGE))
        (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
        counts = [count(base_url, folder, *combination) for combination in product(SPANS, GRANULARITIES, PLANS)]
        less = [shortened(base_url, folder, *combination) for combination in product(LONGEST_ANSWERS, GRANULARITIES)]
        catalog = configured_catalog(discovered, [BY_KEY])
        (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
        keys = [by_key(base_url, folder, *combination) for combination in product(KEYS, KEY_SPANS, PLANS)]
    found: dict[str, Sequence[Any]] = {"counts": counts, "shortened": less, "by_key": keys}
    json.dump({name: [asdict(one) for one in several] for name, several in found.items()}, sys.stdout)


if __name__ == "__main__":
    main()
