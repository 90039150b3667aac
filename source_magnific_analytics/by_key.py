"""What each API key spends: credit usage again, one key after another, within a share of the day's requests."""

import sys
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any

import msgspec
import pendulum
from airbyte_cdk.models import SyncMode
from airbyte_cdk.utils import AirbyteTracedException
from pendulum import Date

from source_magnific_analytics import state
from source_magnific_analytics.client import Client
from source_magnific_analytics.config import Config, config_error
from source_magnific_analytics.credit_usage import Item, UsageStream
from source_magnific_analytics.failures import one_line
from source_magnific_analytics.policy import REQUESTS_A_DAY
from source_magnific_analytics.quota import Share, ShareUsedError
from source_magnific_analytics.series import Checkpoint
from source_magnific_analytics.state import Progress, SavedProgress, Settings
from source_magnific_analytics.streams import ApiKeys
from source_magnific_analytics.windows import period_of

# What is wrong with every key must not cost as many requests as there are keys.
MOST_FAILURES = 3


@dataclass(frozen=True)
class Key:
    """One key: how far it came, the day it was last read on and, since then, the day on which a try failed.

    Both are days of syncs, in UTC.
    """

    progress: Progress = field(default_factory=Progress)
    read_on: Date | None = None
    tried_on: Date | None = None

    @cached_property
    def as_json(self) -> dict[str, Any]:
        """As it stands in the state, worked out once: most keys do not change between two checkpoints."""
        read_on = None if self.read_on is None else str(self.read_on)
        tried_on = {} if self.tried_on is None else {"tried_on": str(self.tried_on)}
        return {**self.progress.as_json(), "read_on": read_on, **tried_on}

    @property
    def turn(self) -> tuple[str, bool]:
        """Keys are read by this: the one read or tried longest ago first, of one day the one tried in vain last."""
        return max(str(self.read_on or ""), str(self.tried_on or "")), self.tried_on is not None


class _SavedDay(msgspec.Struct):
    date: Date
    requests: Annotated[int, msgspec.Meta(ge=0)]


class _SavedKey(SavedProgress):
    read_on: Date | None = None
    tried_on: Date | None = None


class _SavedKeys(msgspec.Struct):
    day: _SavedDay
    keys: dict[str, _SavedKey]


class CreditUsageByApiKey(UsageStream):
    """The rows of credit usage under the filter of each API key in turn, with `api_key_id` beside them."""

    def __init__(self, config: Config, client: Client, api_keys: ApiKeys) -> None:
        super().__init__(config, client)
        self._api_keys = api_keys

    @property
    def settings(self) -> Settings:
        # Another choice of keys reads other keys; what was read of the rest stays.
        filters = {name: value for name, value in self.config.filters.items() if name != "api_key_ids"}
        return Settings(self.config.granularity, self.config.start_date, filters)

    def stream_slices(
        self, *, sync_mode: SyncMode, cursor_field: Any = None, stream_state: Mapping[str, Any] | None = None
    ) -> list[Mapping[str, Any]]:
        full_refresh = sync_mode == SyncMode.full_refresh
        keys, _ = self._keys(stream_state or {}, full_refresh=full_refresh)
        planned = self._planned(keys, full_refresh=full_refresh)
        return [{**window, "api_key_ids": [name]} for name, windows in planned.items() for window in windows]

    def items(self, saved: Mapping[str, Any], *, full_refresh: bool) -> Iterator[Item]:
        keys, share = self._keys(saved, full_refresh=full_refresh)
        planned = self._planned(keys, full_refresh=full_refresh)
        if full_refresh:
            self._check_affordable(sum(map(len, planned.values())))
        self.client.quota.limit(share)
        try:
            yield self._saved(keys, unfinished=full_refresh)
            errors = yield from self._read_keys(keys, planned, full_refresh=full_refresh)
            for error in errors:
                raise error
            waiting = [name for name in planned if keys[name].read_on != self.config.today]
            if waiting:
                self._log_waiting(keys, waiting)
            if full_refresh:
                yield self._saved(keys, unfinished=False)
        finally:
            self.client.quota.limit(None)

    def _keys(self, saved: Mapping[str, Any], *, full_refresh: bool) -> tuple[dict[str, Key], Share]:
        """The listed keys and those of the state, under today's settings; and what may be sent today."""
        keys: dict[str, Key] = {}
        share = Share(sys.maxsize if full_refresh else self.client.policy.requests_by_key, self.config.today)
        if known := self.saved(saved, _SavedKeys, full_refresh=full_refresh):
            found, settings = known
            share = replace(share, day=found.day.date, sent=found.day.requests)
            is_same = not settings.changes_to(self.settings)
            for name, key in found.keys.items():
                progress = state.resumed(key.progress, settings, self.settings, self.config)
                keys[name] = Key(progress, key.read_on, key.tried_on) if is_same else Key(progress)
        return {**dict.fromkeys(self._listed, Key()), **keys}, share

    def _planned(self, keys: Mapping[str, Key], *, full_refresh: bool) -> dict[str, list[dict[str, Any]]]:
        """The windows of each key to read today, in turn."""
        planned = {}
        for name in sorted(self._listed, key=lambda name: keys[name].turn):
            progress = keys[name].progress
            if keys[name].read_on != self.config.today:
                earliest = self._earliest(progress, _day(self._listed[name]["created_at"]))
                planned[name] = self.windows(progress, earliest, full_refresh=full_refresh)
        return planned

    @cached_property
    def _listed(self) -> dict[str, Mapping[str, Any]]:
        """The rows of the team's keys, or of those that `api_key_ids` names, by their IDs."""
        chosen = self.config.filters.get("api_key_ids")
        listed = {row["api_key_id"]: row for row in self._api_keys.rows if not chosen or row["api_key_id"] in chosen}
        if unknown := sorted(set(chosen or ()).difference(listed)):
            self.logger.warning(f"The team has no API key {one_line(', '.join(unknown), 500)} as api_key_ids says.")
        return listed

    def _earliest(self, progress: Progress, created: Date | None) -> Date:
        """The first day that a key is read from; none of those long before it was created."""
        start, granularity = self.config.start_date, self.config.granularity
        # Places without a date are those of before a restart: they have to go, whenever the key was created.
        if created is None or created <= start or (progress.date is None and progress.places):
            return start
        period = period_of(min(created, self.config.today), granularity)
        return max(start, period_of(period.start.subtract(days=1), granularity).start)

    def _read_keys(
        self, keys: dict[str, Key], planned: Mapping[str, list[dict[str, Any]]], *, full_refresh: bool
    ) -> Generator[Item, None, list[AirbyteTracedException]]:
        """The rows and states of one key after another, kept in `keys`; returns the errors of keys that failed."""
        errors: list[AirbyteTracedException] = []
        reach, today, most_parts = self.reach, self.config.today, self.client.policy.most_parts_of_a_key
        for name, windows in planned.items():
            key = keys[name]
            series = self.series(name, most_parts, full_refresh=full_refresh)
            try:
                for item in series.read(key.progress, windows, learned := reach):
                    if isinstance(item, Checkpoint):
                        keys[name], learned = replace(keys[name], progress=item.progress), item.reach
                        yield self._saved(keys, unfinished=full_refresh)
                    else:
                        yield item
                # A key that fails says nothing about how far others reach.
                reach = learned
                keys[name] = replace(keys[name], read_on=today, tried_on=None)
            except ShareUsedError:
                # A key that takes more than a day's share is not the first again.
                if keys[name] is not key:
                    keys[name] = replace(keys[name], tried_on=today)
                yield self._saved(keys, unfinished=full_refresh)
                break
            except AirbyteTracedException as error:
                errors.append(error)
                keys[name] = replace(keys[name], tried_on=today)
            yield self._saved(keys, unfinished=full_refresh)
            if len(errors) == MOST_FAILURES or self.client.quota.reached is not None:
                break
        return errors

    def _saved(self, keys: Mapping[str, Key], *, unfinished: bool) -> dict[str, Any]:
        share = self.client.quota.share
        day = {} if share is None else {"date": str(share.day), "requests": share.sent}
        saved = {name: key.as_json for name, key in keys.items()}
        return {**self.settings.as_json(unfinished=unfinished), "day": day, "keys": saved}

    def _check_affordable(self, needed: int) -> None:
        """Raise before the first request where a full refresh takes more than a day has."""
        if needed > REQUESTS_A_DAY - self.client.quota.spent:
            raise config_error(
                f"A full refresh of {self.name} takes {needed} API requests (one for each key and window), and "
                f"Magnific allows {REQUESTS_A_DAY} a day. Choose an incremental sync mode, which spreads them over "
                "the days, or name fewer keys in api_key_ids."
            )

    def _log_waiting(self, keys: Mapping[str, Key], waiting: list[str]) -> None:
        """Name the keys that wait for the next day."""
        dates = [f"{name} ({keys[name].progress.date or 'nothing yet'})" for name in waiting[:20]]
        more = f" and {len(waiting) - 20} more" if len(waiting) > 20 else ""
        self.logger.info(
            f"The {self.client.policy.requests_by_key} API requests a day of {self.name} are used up. Keys that wait "
            f"for the next day, and the day through which they were read: {', '.join(dates)}{more}."
        )


def _day(moment: str | None) -> Date | None:
    """The UTC day of a date-time; None where it is none of the calendar's."""
    if moment is None:
        return None
    parsed = datetime.fromisoformat(moment)
    try:
        return pendulum.instance(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).in_timezone("UTC").date()
    except OverflowError:
        return None
