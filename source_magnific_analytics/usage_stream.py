"""The way from a window to rows, of the whole team or of one API key: ask, save the places, hand on, save the day."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

import pendulum
import requests
from airbyte_cdk.models import AirbyteMessage, AirbyteRecordMessage, ConfiguredAirbyteStream, SyncMode, Type
from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from airbyte_cdk.sources.streams.http.request_window_split_exception import RequestWindowSplitRequiredException
from airbyte_cdk.sources.utils.schema_helpers import InternalConfig
from airbyte_cdk.sources.utils.slice_logger import SliceLogger
from pendulum import Date

from source_magnific_analytics import failures, state, usage
from source_magnific_analytics.config import Config
from source_magnific_analytics.decoding import ContractError
from source_magnific_analytics.exchange import Exchange, Sync, read_body
from source_magnific_analytics.policy import POLICY, REQUESTS_A_DAY
from source_magnific_analytics.shrinking import Span
from source_magnific_analytics.state import Progress
from source_magnific_analytics.streams import MagnificStream
from source_magnific_analytics.summary import Summary
from source_magnific_analytics.windows import (
    DateRange,
    Granularity,
    Request,
    first_day,
    next_request,
    number_of,
    number_of_requests,
    period,
    period_of,
)

# From a stream's state to the message that saves it.
Save = Callable[[Mapping[str, Any]], AirbyteMessage]


@dataclass(frozen=True)
class Series:
    """Whose usage is read, and how the sync started: all of the team under the filters or, with an ID, one key's."""

    filters: Mapping[str, Any]
    api_key_id: str | None = None
    full_refresh: bool = False


class UsageStream(MagnificStream, ABC):
    """The way from a window to rows, for the whole team or for one API key."""

    endpoint = "team-credit-usage"
    http_method = "POST"
    primary_key = "usage_id"
    # A period that takes more requests than this is not read.
    most_parts = POLICY.most_requests_a_period
    cursor_field = "date"

    def __init__(self, config: Config, sync: Sync) -> None:
        super().__init__(config, sync)
        self.summary = Summary()
        # An end that Magnific's own day does not reach yet is lowered to it.
        self.end = config.end_date
        self._span = Span.of_plan(config.longest_range_days)
        self._told_of_span = False

    @property
    def settings(self) -> state.Settings:
        return state.Settings(self.config.granularity, self.config.start_date, self.config.filters)

    def read(
        self,
        configured_stream: ConfiguredAirbyteStream,
        logger: Any,
        slice_logger: SliceLogger,
        stream_state: MutableMapping[str, Any],
        state_manager: ConnectorStateManager | None,
        internal_config: InternalConfig,
    ) -> Iterable[AirbyteMessage]:
        """The records of window after window, each between the states that make a kill at any message exact."""
        full_refresh = configured_stream.sync_mode == SyncMode.full_refresh
        manager = state_manager or ConnectorStateManager()

        def save(found: Mapping[str, Any]) -> AirbyteMessage:
            manager.update_state_for_stream(self.name, self.namespace, found)
            return manager.create_state_message(self.name, self.namespace)

        messages = self.follow(stream_state, save, full_refresh=full_refresh)
        return messages if state_manager else (message for message in messages if message.type is Type.RECORD)

    @abstractmethod
    def follow(self, saved: Mapping[str, Any], save: Save, *, full_refresh: bool) -> Iterator[AirbyteMessage]:
        """The records of a sync behind the state `saved`, and between them the states to `save`."""

    def saved(self, *, unfinished: bool) -> dict[str, Any]:
        """What every state of this stream begins with."""
        return {**state.settings_as_json(self.settings), **({state.UNFINISHED: True} if unfinished else {})}

    @property
    def longest(self) -> int:
        """The longest range to ask for now, in days."""
        return self._span.days

    def admit(self, first: Date) -> None:
        """Raise what forbids a window that starts on `first`."""

    def note(self, answer: usage.Answer) -> None:
        """Keep of a window's answer what is compared at the end of the sync."""

    def parse_response(
        self, response: requests.Response, *, stream_slice: Mapping[str, Any] | None = None, **_: Any
    ) -> Iterable[Any]:
        """The one answer to the request in `stream_slice`; raises `ContractError`."""
        yield usage.decode(read_body(response), (stream_slice or {})["request"])

    def windows(
        self, series: Series, progress: Progress, first: Date, save: Callable[[Progress], AirbyteMessage]
    ) -> Iterator[AirbyteMessage]:
        """The records of each window from `first` on, between the progress to `save` before and after them."""
        granularity = self.config.granularity
        first = period_of(first, granularity).start
        begun = first
        cut_off = progress.cut_off
        # A period that vanished whole is read again by the next sync, so the saved date stays before it.
        latest: Date | None = None
        while first <= self.end:
            self.admit(first)
            window, answer, server_day = self._next_window(series, progress, first)
            # Under other filters, periods without usage are what one expects.
            lost = [] if progress.other_filters else self._lost(progress, window, granularity, answer)
            if lost and latest is None:
                latest = min(lost).subtract(days=1)
            self.note(answer)
            handed_on = {number_of(day, granularity): found.places for day, found in answer.items()}
            yield save(progress.before(granularity, window, handed_on))
            yield from self._rows(series, answer)
            yield from self._withdrawals(series, progress, window, handed_on)
            progress = progress.after(granularity, window, handed_on)
            # By the server's clock, where it tells: with this machine's a day ahead, today would not be read again.
            through = min(window.end, server_day or window.end)
            if series.full_refresh:
                through = state.last_complete(through, granularity, server_day or self.config.today)
            through = through if latest is None else min(through, latest)
            unfinished = window.end < self.end
            is_complete = not unfinished and latest is None and not (cut_off and cut_off < through)
            end = None if is_complete else cut_off or min(self.end, server_day or self.end)
            progress = replace(progress, date=through, end=end, other_filters=progress.other_filters and unfinished)
            # Two answers at once are more memory than one.
            del answer
            yield save(progress)
            self._tell_progress(begun, window)
            first = window.end.add(days=1)

    def ask(self, series: Series, request: Request) -> tuple[usage.Answer, Date | None]:
        """The answer to one request, and the UTC day on which Magnific gave it, where it tells."""
        exchange = Exchange(
            self.sync,
            self.logger,
            lambda response: next(iter(self.parse_response(response, stream_slice={"request": request}))),
            divisible=request.range.days > 1,
            divide_at_once=bool(self._span.failed),
        )
        try:
            answer: usage.Answer = self.send(exchange, {**request.body, **series.filters})
        except RequestWindowSplitRequiredException:
            self._span = self._span.after_failure(request.range.days, exchange.faults)
            self.logger.info(
                f"Magnific did not answer {request.range.days} days at once ({exchange.fault}); "
                f"asking for {self._span.days}."
            )
            time.sleep(exchange.wait)
            raise
        # The range was at fault, so its tries are not those of an outage: the length may grow again.
        self.sync.retries -= self.sync.halvings
        self.sync.halvings = 0
        self._span = self._span.after_success(request.range.days)
        self._tell_span()
        return answer, exchange.server_day

    def _next_window(
        self, series: Series, progress: Progress, first: Date
    ) -> tuple[DateRange, usage.Answer, Date | None]:
        """The window that starts on `first`, as long as Magnific answers at once, or one period in parts."""
        granularity = self.config.granularity
        whole = period_of(first, granularity)
        parts: usage.Answer = {}
        position = first
        while True:
            asked = next_request(position, self.end, granularity, self._span.days)
            try:
                answer, server_day = self._answer(series, progress, asked)
            except RequestWindowSplitRequiredException:
                continue
            except failures.AheadOfServerError as error:
                self._lower_end(error, position)
                continue
            if asked.unit is granularity:
                return asked.range, answer, server_day
            self._check_parts(whole)
            parts = _joined(whole.start, granularity, [*parts.values(), *answer.values()], self.sync.progress)
            position = asked.range.end.add(days=1)
            if position > min(whole.end, self.end):
                return DateRange(first, asked.range.end), parts, server_day

    def _answer(self, series: Series, progress: Progress, asked: Request) -> tuple[usage.Answer, Date | None]:
        """What Magnific says of a range, asked for once more where it lacks all usage of a period that had some.

        A period is empty only where both answers lack it; where both have it, the second counts.
        """
        answer, server_day = self.ask(series, asked)
        if progress.other_filters or not self._lost(progress, asked.range, asked.unit, answer):
            return answer, server_day
        self.logger.warning(
            f"From {asked.range.start} to {asked.range.end} Magnific has no usage where the table may have some; "
            "asking again."
        )
        again, server_day = self.ask(series, asked)
        return dict(sorted({**answer, **again}.items(), key=lambda found: found[0])), server_day

    def _lost(self, progress: Progress, asked: DateRange, unit: Granularity, answer: usage.Answer) -> list[Date]:
        """The first days of periods that the warehouse has rows of in `asked`, and the answer no usage at all."""
        found = [period_of(day, unit) for day in answer]
        known = (period(number, size) for size, number in progress.overlapping(asked))
        return [days.start for days in known if not any(days.overlaps(other) for other in found)]

    def _rows(self, series: Series, answer: usage.Answer) -> Iterator[AirbyteMessage]:
        for day, found in answer.items():
            rows, excesses = usage.rows(day, found, self.config.granularity, series.api_key_id)
            yield from self._records(rows)
            self.summary.add_excesses(excesses)

    def _withdrawals(
        self, series: Series, progress: Progress, window: DateRange, handed_on: Mapping[int, int]
    ) -> Iterator[AirbyteMessage]:
        """What the warehouse holds of the window's days beyond what was handed on, of every granularity."""
        read_at = pendulum.now("UTC")
        for size, number in progress.overlapping(window):
            kept = handed_on.get(number, 0) if size is self.config.granularity else 0
            places = range(kept, progress.places[size][number])
            if places:
                self.summary.add_withdrawn(len(places))
                date = first_day(number, size)
                yield from self._records(usage.withdrawn_rows(date, size, places, read_at, series.api_key_id))

    def _records(self, rows: Iterable[usage.Row]) -> Iterator[AirbyteMessage]:
        # Looked up once, not for each of perhaps millions of rows.
        name, kind = self.name, Type.RECORD
        emitted_at = int(pendulum.now("UTC").timestamp() * 1000)
        for row in rows:
            record = AirbyteRecordMessage(stream=name, data=row, emitted_at=emitted_at)
            yield AirbyteMessage(type=kind, record=record)

    def _lower_end(self, error: failures.AheadOfServerError, position: Date) -> None:
        """Read up to Magnific's day, once, where this machine's clock is ahead of it."""
        if error.server_day is None or not position <= error.server_day < self.end:
            raise error
        self.logger.warning(f"{error.message} Until then usage is read through {error.server_day}.")
        self.end = error.server_day

    def _check_parts(self, whole: DateRange) -> None:
        """Raise where the period takes more than a day's requests."""
        granularity, days = self.config.granularity, self._span.days
        if number_of_requests(whole.start, min(whole.end, self.end), granularity, days) > self.most_parts:
            raise failures.too_many_parts(granularity, days)

    def _tell_span(self) -> None:
        if self._span.failed and not self._told_of_span:
            self._told_of_span = True
            self.logger.warning(
                f"Ranges of more than {self._span.days} days are too much for Magnific now: for this sync they are "
                f"shortened to {self._span.days} days at most."
            )

    def _tell_progress(self, begun: Date, window: DateRange) -> None:
        if window == DateRange(begun, self.end):
            return
        done, left = DateRange(begun, window.end).days, DateRange(window.end, self.end).days - 1
        self.logger.info(
            f"{window.start} to {window.end} is read: {done:,} days done, {left:,} left; "
            f"{self.sync.requests} of the day's {REQUESTS_A_DAY} API requests used by this sync."
        )


def _joined(date: Date, granularity: Granularity, parts: list[usage.Period], progress: str) -> usage.Answer:
    """One period, that starts on `date`, from its parts; raises where adding them up would take too much memory."""
    if not parts:
        return {}
    try:
        joined = usage.added_up(parts)
    except usage.TooManyRowsError:
        raise failures.too_large_period(granularity) from None
    except ContractError as error:
        raise failures.unreadable(str(error), 1, progress, not_the_contract=True) from None
    if joined.size > POLICY.largest_body:
        raise failures.too_large_period(granularity)
    return {date: joined}
