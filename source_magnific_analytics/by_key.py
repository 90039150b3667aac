"""Read credit usage by API key, one key after another, within the stream's share of the day's requests."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import msgspec
from airbyte_cdk.models import SyncMode
from airbyte_cdk.utils import AirbyteTracedException
from msgspec.structs import replace
from pendulum import Date

from source_magnific_analytics import state
from source_magnific_analytics.client import Client
from source_magnific_analytics.config import EARLIEST_START
from source_magnific_analytics.credit_usage import Item, Slices, UsageStream
from source_magnific_analytics.failures import config_error, listing, one_line
from source_magnific_analytics.policy import REQUESTS_A_DAY
from source_magnific_analytics.quota import Share, ShareUsedError
from source_magnific_analytics.state import Progress, Settings
from source_magnific_analytics.streams import ApiKeys, utc_day_of
from source_magnific_analytics.windows import Request, period_of

# Maps each API key's ID to its progress.
Keys = dict[str, Progress]
# Stop after this many failed keys. If all keys fail for the same reason, requests for the rest would be wasted.
MOST_FAILURES = 3


class _SavedKeys(msgspec.Struct):
    day: Share
    keys: Keys


class CreditUsageByApiKey(UsageStream):
    """Credit usage, requested for one API key at a time; each row has the key's ID in `api_key_id`."""

    def __init__(self, client: Client, api_keys: ApiKeys) -> None:
        super().__init__(client)
        self._api_keys = api_keys

    @property
    def filters(self) -> dict[str, list[Any]]:
        # Choosing different keys does not restart the stream. Rows of keys that are no longer chosen stay in the table.
        return {name: value for name, value in self.config.filters.items() if name != "api_key_ids"}

    def stream_slices(self, *, sync_mode: SyncMode, cursor_field: Any = None, stream_state: Any = None) -> Slices:
        settings = self.settings(sync_mode)
        planned = self._planned(self._keys(settings, stream_state)[0], settings)
        return [{**request.body, "api_key_ids": [name]} for name, requests in planned.items() for request in requests]

    def items(self, settings: Settings, saved: Mapping[str, Any]) -> Iterator[Item]:
        keys, share = self._keys(settings, saved)
        planned = self._planned(keys, settings)
        needed = sum(map(len, planned.values()))
        if settings.full_refresh and needed > REQUESTS_A_DAY - self.client.quota.spent:
            raise config_error(
                f"A full refresh of {self.name} takes {needed} API requests (one for each key and window). With the "
                f"{self.client.quota.spent} already used, this is more than the day's {REQUESTS_A_DAY}. Choose an "
                "incremental sync mode, which spreads requests over several days, or list fewer keys in api_key_ids."
            )
        self.client.quota.limit_to(share)
        yield self._state_of(keys, settings)
        yield from self._read_keys(keys, planned, settings)
        if waiting := [name for name in planned if keys[name].read_on != self.config.today]:
            dates = listing([f"{name} ({keys[name].date or 'nothing yet'})" for name in waiting])
            self.logger.info(
                f"{self.name} may send {share.most} API requests a day, which was not enough for all keys. Tomorrow it "
                f"will read these keys (last day read in parentheses): {dates}."
            )
        if settings.full_refresh:
            yield self._state_of(keys, replace(settings, full_refresh=False))

    def _keys(self, settings: Settings, saved: Mapping[str, Any] | None) -> tuple[Keys, Share]:
        """Return the progress of each key that is listed or saved, and the stream's share of today's requests."""
        keys = dict.fromkeys(self._listed, state.NOTHING_READ)
        most = sys.maxsize if settings.full_refresh else self.client.policy.share_of_keys
        known = self.read_state(saved, _SavedKeys, settings)
        if known is None:
            return keys, Share(self.config.today, 0, most)
        found, then = known
        keys |= {name: state.adapted(key, then, settings, self.config.end_date) for name, key in found.keys.items()}
        return keys, dataclasses.replace(found.day, most=most)

    def _planned(self, keys: Keys, settings: Settings) -> dict[str, list[Request]]:
        """Return the windows to read today for each key, starting with the key that was attempted least recently."""

        def last_attempt(name: str) -> tuple[Date, bool]:
            key = keys[name]
            # On a tie, keys whose latest attempt failed or did not finish come after the others.
            return max(key.read_on or EARLIEST_START, key.tried_on or EARLIEST_START), key.tried_on is not None

        due = [name for name in sorted(self._listed, key=last_attempt) if keys[name].read_on != self.config.today]
        return {name: self.windows(keys[name], self._earliest(name, keys[name]), settings) for name in due}

    @cached_property
    def _listed(self) -> dict[str, Mapping[str, Any]]:
        """The team's API keys by ID, limited to those in `api_key_ids` if it is set."""
        chosen = self.config.filters.get("api_key_ids")
        listed = {row["api_key_id"]: row for row in self._api_keys.rows if not chosen or row["api_key_id"] in chosen}
        if unknown := sorted(set(chosen or ()).difference(listed)):
            self.logger.warning(f"api_key_ids contains {listing(unknown)}, which the team does not have.")
        return listed

    def _earliest(self, name: str, key: Progress) -> Date:
        """Return start_date or, if later, the first day of the last full period before the key was created."""
        start, granularity = self.config.start_date, self.config.granularity
        created = utc_day_of(self._listed[name]["created_at"]) or start
        # Row counts without a `date` remain after a restart or interruption; to delete the counted rows, read all days.
        if created <= start or (key.date is None and key.row_counts):
            return start
        period = period_of(min(created, self.config.today), granularity)
        return max(start, period_of(period.start.subtract(days=1), granularity).start)

    def _read_keys(self, keys: Keys, planned: dict[str, list[Request]], settings: Settings) -> Iterator[Item]:
        """Yield each key's rows and states, and update `keys`. At the end, raise the first error, if any."""
        errors: list[AirbyteTracedException] = []
        series, today = self.series(settings), self.config.today
        for name, requests in planned.items():
            spent, is_used_up = self.client.quota.spent, False
            try:
                series_of_key = dataclasses.replace(series, api_key_id=name, reach=dataclasses.replace(series.reach))
                for item in series_of_key.read(keys[name], requests):
                    if isinstance(item, Progress):
                        keys[name] = item
                    yield self._state_of(keys, settings) if isinstance(item, Progress) else item
                # The next key starts with the range length that worked for this one.
                series = series_of_key
                keys[name] = replace(keys[name], read_on=today, tried_on=None)
            except ShareUsedError:
                is_used_up = True
                # A key that needs more than a day's share must not come first again the next day.
                if self.client.quota.spent > spent:
                    keys[name] = replace(keys[name], tried_on=today)
            except AirbyteTracedException as error:
                errors.append(error)
                self.logger.warning(f"The usage of the API key {one_line(name, 80)} could not be read: {error.message}")
                keys[name] = replace(keys[name], tried_on=today)
            yield self._state_of(keys, settings)
            if is_used_up or len(errors) == MOST_FAILURES or self.client.quota.ended_by is not None:
                break
        if errors:
            raise errors[0]

    def _state_of(self, keys: Keys, settings: Settings) -> dict[str, Any]:
        day = {"date": str(self.client.quota.share.date), "requests": self.client.quota.share.requests}
        return {**settings.as_json, "day": day, "keys": {name: key.as_json for name, key in keys.items()}}
