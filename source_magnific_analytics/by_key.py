"""What each API key spends: credit usage again, one key after another, within a budget of requests a day."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pendulum
from airbyte_cdk.models import AirbyteMessage, FailureType
from airbyte_cdk.utils import AirbyteTracedException
from pendulum import Date

from source_magnific_analytics import state, usage
from source_magnific_analytics.config import Config, config_error, parse_date
from source_magnific_analytics.exchange import AllowanceSpentError, Sync
from source_magnific_analytics.policy import REQUESTS_A_DAY
from source_magnific_analytics.state import Progress
from source_magnific_analytics.streams import ApiKeys
from source_magnific_analytics.usage_stream import Save, Series, UsageStream
from source_magnific_analytics.windows import number_of_requests, period_of

# Of an incremental sync, in a UTC day: the rest of the day's 100 is for the other streams and for tries.
MOST_REQUESTS_A_DAY = 60
# A key that was read before and has waited this long is not only waiting for its turn.
LONGEST_WAIT_DAYS = 7


@dataclass(frozen=True)
class Key:
    """One key: how far it came, and the UTC days on which it was read through last and, since then, tried in vain."""

    progress: Progress = field(default_factory=Progress)
    read_on: Date | None = None
    tried_on: Date | None = None

    def as_json(self) -> dict[str, Any]:
        read_on = None if self.read_on is None else str(self.read_on)
        return {
            **state.progress_as_json(self.progress),
            "read_on": read_on,
            **({} if self.tried_on is None else {"tried_on": str(self.tried_on)}),
        }


@dataclass
class Saved:
    """What the state says: each key by its ID, the day of the last sync, and the requests sent today.

    `as_json` keeps what did not change.
    """

    keys: dict[str, Key] = field(default_factory=dict)
    day: Date | None = None
    requests: int = 0
    _json: dict[str, Any] = field(default_factory=dict)

    def keys_as_json(self, changed: str | None = None) -> dict[str, Any]:
        for name in self.keys if changed is None else (changed,):
            self._json[name] = self.keys[name].as_json()
        return dict(self._json)


class CreditUsageByApiKey(UsageStream):
    """The rows of credit usage under the filter of each API key in turn, with `api_key_id` beside them."""

    # The rest of a day's share pays for finding the length that is answered.
    most_parts = MOST_REQUESTS_A_DAY - 20

    def __init__(self, config: Config, sync: Sync, api_keys: ApiKeys) -> None:
        super().__init__(config, sync)
        self._api_keys = api_keys
        self._spent: dict[Date, int] = {}

    @property
    def settings(self) -> state.Settings:
        # Another choice of keys reads other keys; what was read of the rest stays.
        filters = {name: value for name, value in self.config.filters.items() if name != "api_key_ids"}
        return state.Settings(self.config.granularity, self.config.start_date, filters)

    def follow(self, saved: Mapping[str, Any], save: Save, *, full_refresh: bool) -> Iterator[AirbyteMessage]:
        known = self._start(saved, full_refresh)
        due = self._due(known)
        if full_refresh:
            self._check_affordable(known, due)
        before = self.sync.requests - known.requests
        self.sync.allowance = None if full_refresh else before + MOST_REQUESTS_A_DAY

        def keep(changed: str | None = None, *, unfinished: bool = full_refresh) -> AirbyteMessage:
            day = {"date": str(self.config.today), "requests": self.sync.requests - before}
            return save({**self.saved(unfinished=unfinished), "day": day, "keys": known.keys_as_json(changed)})

        yield keep()
        try:
            failures = yield from self._read_keys(known, due, keep, full_refresh=full_refresh)
        finally:
            self.sync.allowance = None
        self._compare()
        waiting = [name for name in due if known.keys[name].read_on != self.config.today and name not in failures]
        if waiting and not failures:
            self._tell_of_waiting(known, waiting)
        for failure in failures.values():
            raise failure
        self._check_none_is_late(known, waiting)
        if full_refresh:
            yield keep(unfinished=False)

    def note(self, answer: usage.Answer) -> None:
        for day, found in answer.items():
            self._spent[day] = self._spent.get(day, 0) + found.credits

    def admit(self, first: Date) -> None:
        """Begin no period whose parts the allowance does not pay for: they would be asked for again tomorrow."""
        if self.sync.allowance is None:
            return
        left = self.sync.allowance - self.sync.requests
        end = min(period_of(first, self.config.granularity).end, self.end)
        parts = number_of_requests(first, end, self.config.granularity, self.longest)
        if left < min(parts, MOST_REQUESTS_A_DAY):
            raise AllowanceSpentError

    def _start(self, saved: Mapping[str, Any], full_refresh: bool) -> Saved:
        """What `saved` means under today's settings; nothing where a full refresh begins."""
        if not saved or (full_refresh and state.UNFINISHED not in saved):
            return Saved()
        try:
            settings = state.read_settings(saved)
            keys = {str(name): _read_key(key) for name, key in dict(saved["keys"]).items()}
            day = parse_date(saved["day"]["date"])
            requests = saved["day"]["requests"] if day == self.config.today else 0
            if type(requests) is not int or requests < 0:
                raise ValueError("requests")
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            self.logger.warning(state.unreadable(self.name, self.config))
            return Saved()
        changes = settings.changes_to(self.settings)
        if changes:
            self.logger.warning(state.started_over("each API key's usage", changes, self.config))
            other = settings.other_filters(self.settings)
            keys = {name: Key(key.progress.begun_over(other)) for name, key in keys.items()}
        return Saved(keys, day, requests)

    def _due(self, known: Saved) -> list[str]:
        """The keys to read today: first those read or tried longest ago, of one day those tried in vain last."""
        chosen = self.config.filters.get("api_key_ids", [])
        listed = [row["api_key_id"] for row in self._api_keys.rows if not chosen or row["api_key_id"] in chosen]
        due = []
        for name in dict.fromkeys(listed):
            key = known.keys.setdefault(name, Key())
            if key.read_on != self.config.today:
                due.append(name)
        unknown = sorted(set(chosen).difference(listed))
        if unknown:
            self.logger.warning(f"The team has no API key {', '.join(unknown)} as api_key_ids says.")

        def turn(name: str) -> tuple[str, bool]:
            key = known.keys[name]
            return max(str(key.read_on or ""), str(key.tried_on or "")), key.tried_on is not None

        return sorted(due, key=turn)

    def _first(self, name: str, key: Key, *, full_refresh: bool) -> Date:
        """The first day to read of a key; none of those long before it was made."""
        earliest = self.config.start_date
        created = next(_day(row.get("created_at")) for row in self._api_keys.rows if row["api_key_id"] == name)
        if created is not None and created > earliest:
            created = min(created, self.config.today)
            before = period_of(created, self.config.granularity).start.subtract(days=1)
            earliest = max(earliest, period_of(before, self.config.granularity).start)
        return state.first_to_read(key.progress, earliest, self.config, full_refresh=full_refresh)

    def _read_keys(
        self, known: Saved, due: Iterable[str], keep: Callable[[str], AirbyteMessage], *, full_refresh: bool
    ) -> Generator[AirbyteMessage, None, dict[str, AirbyteTracedException]]:
        """The records and states of one key after another; returns the keys that failed, with their errors."""
        failures: dict[str, AirbyteTracedException] = {}
        for name in due:
            key = known.keys[name]
            series = Series({**self.settings.filters, "api_key_ids": [name]}, name, full_refresh)
            first = self._first(name, key, full_refresh=full_refresh)
            span = self._span
            try:
                yield from self.windows(series, key.progress, first, partial(self._keep_progress, known, name, keep))
                known.keys[name] = replace(known.keys[name], read_on=self.config.today, tried_on=None)
            except AllowanceSpentError:
                # What was spent in vain counts, too. A key that takes more than a day's share is not the first again.
                if known.keys[name] is not key:
                    known.keys[name] = replace(known.keys[name], tried_on=self.config.today)
                yield keep(name)
                break
            except AirbyteTracedException as error:
                failures[name] = error
                known.keys[name] = replace(known.keys[name], tried_on=self.config.today)
                # A key that is not answered says nothing of what others are, and its tries are not given back.
                self._span = span
                self.sync.halvings = 0
            yield keep(name)
            # The day's limit, a refused key and an outage are no matter of one key, nor is what the first two are told.
            refused = [str(one) for one in failures.values() if one.failure_type is not FailureType.transient_error]
            none_read = not any(known.keys[one].read_on == self.config.today for one in due)
            of_all = none_read and len(refused) == 2 and refused[0] == refused[1]
            if failures and (self.sync.closed is not None or self.sync.tries_left <= 0 or of_all):
                break
        return failures

    def _keep_progress(
        self, known: Saved, name: str, keep: Callable[[str], AirbyteMessage], progress: Progress
    ) -> AirbyteMessage:
        known.keys[name] = replace(known.keys[name], progress=progress)
        return keep(name)

    def _check_affordable(self, known: Saved, due: Iterable[str]) -> None:
        """Raise before the first request where a full refresh takes more than a day has."""
        needed = 0
        for name in due:
            first = self._first(name, known.keys[name], full_refresh=True)
            needed += number_of_requests(first, self.end, self.config.granularity, self.config.longest_range_days)
        if needed > REQUESTS_A_DAY - self.sync.requests:
            raise config_error(
                f"A full refresh of {self.name} takes {needed} API requests (one for each key and window), and "
                f"Magnific allows {REQUESTS_A_DAY} a day. Choose an incremental sync mode, which spreads them over "
                "the days, or name fewer keys in api_key_ids."
            )

    def _tell_of_waiting(self, known: Saved, waiting: list[str]) -> None:
        """Name the keys that wait for the next day."""
        dates = [f"{name} ({known.keys[name].progress.date or 'nothing yet'})" for name in waiting]
        self.logger.info(
            f"The {MOST_REQUESTS_A_DAY} API requests a day of {self.name} are used up. Keys that wait for the next "
            f"day, and the day through which they were read: {_named(dates)}."
        )

    def _check_none_is_late(self, known: Saved, waiting: list[str]) -> None:
        """Raise where other keys were read on too many days since a key was; days without a sync do not count."""
        days = {key.read_on for key in known.keys.values() if key.read_on is not None}
        late = [
            name
            for name in waiting
            if (read_on := known.keys[name].read_on) is not None
            and sum(day > read_on for day in days) >= LONGEST_WAIT_DAYS
        ]
        if late:
            raise config_error(
                f"Some API keys were not read for {LONGEST_WAIT_DAYS} days, since {self.name} sends at most "
                f"{MOST_REQUESTS_A_DAY} API requests a day: {_named(late)}. Name the keys that matter in "
                "api_key_ids; what was read is saved."
            )

    def _compare(self) -> None:
        """Say by how much the keys exceed the team's total, in periods that are over and were read in this sync."""
        over = 0
        for day, spent in self._spent.items():
            if day in self.sync.totals and period_of(day, self.config.granularity).end < self.config.today:
                over += max(spent - self.sync.totals[day], 0)
        if over:
            self.logger.warning(
                f"The API keys' usage exceeds the team's total by {over} credits. The rows are handed on as Magnific "
                "states them; usage without a key cannot be told from them by subtraction."
            )


def _named(several: list[str], most: int = 20) -> str:
    more = f" and {len(several) - most} more" if len(several) > most else ""
    return ", ".join(several[:most]) + more


def _read_key(saved: Mapping[str, Any]) -> Key:
    read_on = None if saved["read_on"] is None else parse_date(saved["read_on"])
    tried_on = parse_date(saved["tried_on"]) if "tried_on" in saved else None
    return Key(state.read_progress(saved), read_on, tried_on)


def _day(moment: Any) -> Date | None:
    """The UTC day of a date-time; None where it is none."""
    try:
        parsed = datetime.fromisoformat(moment)
        return pendulum.instance(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).in_timezone("UTC").date()
    except (TypeError, ValueError, OverflowError):
        return None
