"""The five streams: what to ask Magnific for, and what to hand on."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from time import time_ns
from typing import Any

import msgspec
import requests
from airbyte_cdk.models import AirbyteMessage, AirbyteRecordMessage, ConfiguredAirbyteStream, SyncMode, Type
from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from airbyte_cdk.sources.streams.http import HttpStream
from airbyte_cdk.sources.utils.schema_helpers import InternalConfig
from airbyte_cdk.sources.utils.slice_logger import SliceLogger
from pendulum import Date
from requests.auth import AuthBase

from source_magnific_analytics import usage
from source_magnific_analytics.config import Config, parse_date
from source_magnific_analytics.failures import CONNECT_TIMEOUT, READ_TIMEOUT, Judge, Sync
from source_magnific_analytics.state import KnownRows, after_window, first_day, next_first_bucket, read_state
from source_magnific_analytics.windows import DateRange, Granularity, Window, plan_windows


class _ApiKey(AuthBase):
    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-magnific-api-key"] = self._key
        request.register_hook("response", _forget_redirect)  # type: ignore[no-untyped-call]
        return request


def _forget_redirect(response: requests.Response, **_: Any) -> None:
    """Leave a redirect without target: requests would read its body and parse the address, followed or not."""
    response.headers.pop("Location", None)


class MagnificStream(HttpStream, ABC):
    """One endpoint of the analytics API. None of them is paginated."""

    def __init__(self, config: Config, sync: Sync) -> None:
        # Both before super().__init__, which asks for the error handler.
        self.config = config
        self.judge = Judge(sync, config.plan, self.logger)
        self.sync = sync
        super().__init__(authenticator=_ApiKey(config.api_key))

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """The last part of the endpoint's path."""

    @property
    def url_base(self) -> str:
        return f"{self.config.base_url}/v1/analytics/"

    def path(self, **_: Any) -> str:
        return self.endpoint

    def get_error_handler(self) -> Judge:
        return self.judge

    def get_backoff_strategy(self) -> Judge:
        return self.judge

    def request_kwargs(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        # Never to another host with the key. Streaming leaves the body to the judge.
        return {"timeout": (CONNECT_TIMEOUT, READ_TIMEOUT), "allow_redirects": False, "stream": True}

    def next_page_token(self, response: requests.Response) -> None:
        return None

    def parse_response(self, response: requests.Response, **_: Any) -> Iterable[Mapping[str, Any]]:
        yield from self.judge.understood

    def ask(self, decode: Callable[[bytearray], Any], body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, tried again where that helps, and return its answer as `decode` understood it."""
        self.judge.begin(decode)
        self._fetch_next_page(body)
        return self.judge.understood


class _Rows(msgspec.Struct):
    data: list[dict[str, Any]]


_rows = msgspec.json.Decoder(_Rows)


class ListStream(MagnificStream, ABC):
    """A list of the team, small and always read whole; its rows are handed on as they come."""

    primary_key: str
    # It has no cursor of any kind: the CDK would otherwise skip it when it meets its own "complete" state.
    is_resumable = False
    key_type: type = str

    def __init__(self, config: Config, sync: Sync) -> None:
        super().__init__(config, sync)
        self.cursor = None

    def read_records(self, *_: Any, **__: Any) -> Iterable[Mapping[str, Any]]:
        yield from self.ask(self.decode)

    def decode(self, body: bytearray) -> list[dict[str, Any]]:
        """The rows of `body`; raises `ContractError` where one lacks its primary key."""
        try:
            rows = _rows.decode(body).data
        except usage.UNREADABLE as error:
            raise usage.contract_error(error) from None
        if not all(type(row.get(self.primary_key)) is self.key_type for row in rows):
            raise usage.ContractError(f"a row has no {self.primary_key}")
        return rows


class Members(ListStream):
    endpoint = "team-members"
    primary_key = "email"


class ApiKeys(ListStream):
    endpoint = "team-api-keys"
    primary_key = "api_key_id"


class Groups(ListStream):
    endpoint = "team-groups"
    primary_key = "group_id"
    key_type = int


class Projects(ListStream):
    endpoint = "team-projects"
    primary_key = "project_reference"


class CreditUsage(MagnificStream):
    """Credit usage by bucket, tool, user and project: read in windows, saved after each."""

    endpoint = "team-credit-usage"
    http_method = "POST"
    primary_key = "usage_id"
    cursor_field = "date"

    def __init__(self, config: Config, sync: Sync) -> None:
        super().__init__(config, sync)
        self.excesses: list[usage.Excess] = []
        self.forgotten_periods = 0
        self._known: KnownRows = {}
        self.state = {}

    def read(
        self,
        configured_stream: ConfiguredAirbyteStream,
        logger: logging.Logger,
        slice_logger: SliceLogger,
        stream_state: MutableMapping[str, Any],
        state_manager: ConnectorStateManager | None,
        internal_config: InternalConfig,
    ) -> Iterable[AirbyteMessage]:
        """The records of window after window, each followed by the state, which so never runs ahead of them.

        The CDK's own loop does the same but asks for state, cursor and schema again for every record: a seventh of the
        time of a large sync.
        """
        mode = configured_stream.sync_mode
        for window in self.stream_slices(sync_mode=mode, stream_state=stream_state):
            yield from self.read_records(mode, stream_slice=window)
            if state_manager is not None:
                yield self._checkpoint_state(self.state, state_manager)

    def stream_slices(
        self, *, sync_mode: SyncMode, stream_state: Mapping[str, Any] | None = None, **_: Any
    ) -> Iterable[Mapping[str, Any]]:
        """The windows that are left to read, as `{"start_date", "end_date"}`, both included."""
        saved = read_state(stream_state or {}, self.config)
        for remark in saved.remarks:
            self.logger.warning(remark)
        self._known = saved.rows
        self.sync.saved_through = saved.date
        start = first_day(saved, self.config, again=sync_mode == SyncMode.incremental)
        for window in self._windows(start, self.config.end_date):
            yield {"start_date": str(window.range.start), "end_date": str(window.range.end)}

    def read_records(
        self,
        sync_mode: SyncMode,
        cursor_field: list[str] | None = None,
        stream_slice: Mapping[str, Any] | None = None,
        stream_state: Mapping[str, Any] | None = None,
    ) -> Iterable[AirbyteMessage]:
        """The records of one window of `stream_slices`; the state moves on once all of them were taken."""
        start, end = (parse_date((stream_slice or {})[name]) for name in ("start_date", "end_date"))
        [window] = self._windows(start, end)
        answers = [self._ask_range(asked, window.asked_by) for asked in window.requests]
        # By the server's clock, where it tells: with this machine's a day ahead, today would never be read again.
        through = min(end, self.judge.day)
        yield from self._records(window, answers, through)
        self.state, forgotten = after_window(through, self._known, self.config)
        self.forgotten_periods = max(self.forgotten_periods, forgotten)
        self.sync.saved_through = through

    def probe(self) -> None:
        """Ask for the plan's longest range by year: one small answer proves the key, the plan and its maximum."""
        today = self.config.today
        longest = DateRange(today.subtract(days=self.config.longest_range_days - 1), today)
        self.ask(usage.decode, _body(longest, Granularity.YEAR))

    def request_body_json(
        self, stream_state: Any, stream_slice: Mapping[str, Any] | None = None, next_page_token: Any = None
    ) -> Mapping[str, Any] | None:
        return stream_slice

    def _windows(self, start: Date, end: Date) -> Iterable[Window]:
        return plan_windows(start, end, self.config.granularity, self.config.longest_range_days)

    def _ask_range(self, asked: DateRange, asked_by: Granularity) -> usage.Answer:
        def decode(body: bytearray) -> usage.Answer:
            answer = usage.decode(body)
            usage.check_dates(answer, asked, asked_by)
            return answer

        answer: usage.Answer = self.ask(decode, {**_body(asked, asked_by), **self.config.filters})
        return answer

    def _records(self, window: Window, answers: list[usage.Answer], through: Date) -> Iterable[AirbyteMessage]:
        granularity = self.config.granularity
        first, last = str(window.range.start), str(window.range.end)
        earlier = {day: ids for day, ids in self._known.items() if first <= day <= last}
        remembered = str(next_first_bucket(through, self.config))
        handed_on: dict[str, list[str]] = {}
        for bucket, tools in usage.tools_by_bucket(answers, granularity):
            rows, excesses = usage.rows(bucket, granularity, tools)
            yield from self._messages(rows)
            self.excesses += excesses
            if str(bucket) >= remembered or str(bucket) in earlier:
                handed_on[str(bucket)] = [usage.shorten(row["usage_id"]) for row in rows]
        for day, ids in earlier.items():
            gone = sorted(set(ids).difference(handed_on.get(day, ())))
            yield from self._messages(usage.withdrawn_row(day, granularity, usage.lengthen(short)) for short in gone)
        self._known = {day: ids for day, ids in self._known.items() if day not in earlier} | handed_on

    def _messages(self, rows: Iterable[usage.Row]) -> Iterable[AirbyteMessage]:
        emitted_at = time_ns() // 1_000_000
        for row in rows:
            record = AirbyteRecordMessage(stream="credit_usage", data=row, emitted_at=emitted_at)
            yield AirbyteMessage(type=Type.RECORD, record=record)


def _body(asked: DateRange, asked_by: Granularity) -> dict[str, Any]:
    return {"granularity": asked_by.value, "start_date": str(asked.start), "end_date": str(asked.end)}
