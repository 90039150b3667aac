"""The base class of both usage streams, and the stream of the whole team's credit usage."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

import pendulum
import requests
from airbyte_cdk.models import AirbyteMessage, AirbyteRecordMessage, ConfiguredAirbyteStream, SyncMode, Type
from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from msgspec.structs import replace
from pendulum import Date

from source_magnific_analytics import state, usage
from source_magnific_analytics.client import Client
from source_magnific_analytics.series import Reach, Series, Summary
from source_magnific_analytics.shrinking import Span
from source_magnific_analytics.state import Progress, S, Settings
from source_magnific_analytics.streams import MagnificStream
from source_magnific_analytics.windows import Request, plan

# What a usage stream yields: a state to save, or rows to emit.
Item = Mapping[str, Any] | Iterator[usage.Row]
Slices = list[Mapping[str, Any]]


class UsageStream(MagnificStream, ABC):
    """A stream of usage by period, tool, user and project, for the whole team or by API key. It is read in windows."""

    endpoint = "team-credit-usage"
    http_method = "POST"
    primary_key = "usage_id"
    cursor_field = "date"

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.summary = Summary()

    @property
    def filters(self) -> dict[str, list[Any]]:
        return dict(self.config.filters)

    def settings(self, sync_mode: SyncMode) -> Settings:
        """Return the settings that a sync's rows depend on."""
        config = self.config
        return Settings(config.granularity, config.start_date, self.filters, sync_mode == SyncMode.full_refresh)

    @abstractmethod
    def items(self, settings: Settings, saved: Mapping[str, Any]) -> Iterator[Item]:
        """Yield a sync's rows and the states to save; resume from the state `saved`."""

    def read(
        self,
        configured_stream: ConfiguredAirbyteStream,
        logger: Any,
        slice_logger: Any,
        stream_state: MutableMapping[str, Any],
        state_manager: ConnectorStateManager | None,
        internal_config: Any,
    ) -> Iterable[AirbyteMessage]:
        """Yield a state before and after each window's records, so that a killed sync resumes where it stopped."""
        # Read `name` once, because the CDK computes it at each access and there can be millions of rows.
        name = self.name
        for item in self.items(self.settings(configured_stream.sync_mode), stream_state):
            if not isinstance(item, Mapping):
                emitted_at = int(pendulum.now("UTC").timestamp() * 1000)
                for row in item:
                    yield AirbyteMessage(Type.RECORD, record=AirbyteRecordMessage(name, row, emitted_at))
            elif state_manager is not None:
                state_manager.update_state_for_stream(name, self.namespace, item)
                yield state_manager.create_state_message(name, self.namespace)
            self.client.quota.end_silence()

    def parse_response(self, response: requests.Response, **_: Any) -> Iterable[Any]:
        """Yield the parsed response without checking its dates. Raises `ContractError` if the response is invalid."""
        yield usage.decode(self.client.session.read(response))

    def fetch(self, request: Request, span: Span, api_key_id: str | None) -> tuple[usage.Answer, Date | None]:
        """Request the team's usage or one API key's usage. Returns and raises the same as `Client.ask`."""
        body = {**self.filters, **request.body, **({} if api_key_id is None else {"api_key_ids": [api_key_id]})}
        call = self.call_for(body, divisible=request.range.length > 1, divide_at_once=bool(span.failed))
        return self.client.ask(call, lambda response: usage.decode(self.client.session.read(response), request))

    def series(self, settings: Settings) -> Series:
        """Return a series that begins with the longest range that the plan allows."""
        longest = self.config.longest_range_days
        reach = Reach(self.config.end_date, Span(longest, longest))
        return Series(self.client, self.fetch, self.summary, self.logger, reach, settings)

    def windows(self, progress: Progress, earliest: Date, settings: Settings) -> list[Request]:
        """Plan a sync's requests, given `progress`. If one is too much for Magnific, the sync requests fewer days."""
        config = self.config
        first = state.first_to_read(progress, earliest, config, full_refresh=settings.full_refresh)
        return plan(first, config.end_date, config.granularity, config.longest_range_days)

    def read_state(
        self, saved: Mapping[str, Any] | None, kind: type[S], settings: Settings
    ) -> tuple[S, Settings] | None:
        """Return the saved progress and its settings, or None if nothing is saved. If the sync starts over, log why."""
        known = state.read(saved or {}, kind, self.name, full_refresh=settings.full_refresh)
        changes = " and ".join(known[1].changes_to(settings)) if known else ""
        if changes:
            self.logger.warning(
                f"{changes[:1].upper()}{changes[1:]}, so {self.name} is read again from {self.config.start_date} on. "
                "From that day on, new rows replace rows read with the old settings. You do not need to do anything."
            )
        return known


class CreditUsage(UsageStream):
    """The whole team's credit usage, read as one series of windows."""

    saved_through: Date | None = None

    @property
    def about_next_sync(self) -> str:
        if self.saved_through is None:
            return super().about_next_sync
        return f"Credit usage is saved through {self.saved_through}, and the next sync continues from there."

    def stream_slices(self, *, sync_mode: SyncMode, cursor_field: Any = None, stream_state: Any = None) -> Slices:
        settings = self.settings(sync_mode)
        planned = self.windows(self._progress(settings, stream_state), self.config.start_date, settings)
        return [request.body for request in planned]

    def items(self, settings: Settings, saved: Mapping[str, Any]) -> Iterator[Item]:
        progress = self._progress(settings, saved)
        self.saved_through = progress.date
        planned = self.windows(progress, self.config.start_date, settings)
        for item in self.series(settings).read(progress, planned):
            if isinstance(item, Progress):
                progress, self.saved_through = item, item.date
            yield {**settings.as_json, **progress.as_json} if isinstance(item, Progress) else item
        if settings.full_refresh:
            yield {**replace(settings, full_refresh=False).as_json, **progress.as_json}

    def _progress(self, settings: Settings, saved: Mapping[str, Any] | None) -> Progress:
        known = self.read_state(saved, Progress, settings)
        return state.adapted(*known, settings, self.config.end_date) if known else state.NOTHING_READ
