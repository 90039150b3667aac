"""A series of windows, of the team or of one API key: ask, yield the checkpoint, the rows and the next checkpoint."""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pendulum
from msgspec.structs import replace
from pendulum import Date

from source_magnific_analytics import failures, state, usage
from source_magnific_analytics.client import Client, TooMuchError
from source_magnific_analytics.decoding import ContractError
from source_magnific_analytics.policy import REQUESTS_A_DAY
from source_magnific_analytics.shrinking import Span
from source_magnific_analytics.state import Places, Progress
from source_magnific_analytics.summary import Summary
from source_magnific_analytics.usage import Answer, Row
from source_magnific_analytics.windows import DateRange, Granularity, Request, next_request, period_of, plan


class Reach(NamedTuple):
    """How far requests may reach: not beyond the day `end`, and no more days at once than `span` says."""

    end: Date
    span: Span


class Checkpoint(NamedTuple):
    """How far a series came, and what is known of how far requests reach."""

    progress: Progress
    reach: Reach


# What a series yields: a checkpoint, or rows to emit behind it.
Item = Checkpoint | Iterator[Row]
# A request of at most the span's days, to its answer and the UTC day on which Magnific gave it, where it says so.
Ask = Callable[[Request, Span], tuple[Answer, Date | None]]


class _Window(NamedTuple):
    """A window that was answered. `doubtful` are first days of periods that the next sync has to read again."""

    days: DateRange
    answer: Answer
    server_day: Date | None
    doubtful: list[Date]
    reach: Reach


@dataclass(frozen=True)
class Series:
    """Windows to read: the team's or, with an ID, one API key's. A period takes at most `most_parts` requests."""

    client: Client
    ask: Ask
    summary: Summary
    logger: logging.Logger
    most_parts: int
    api_key_id: str | None = None
    full_refresh: bool = False

    def read(self, progress: Progress, planned: Sequence[Mapping[str, Any]], reach: Reach) -> Iterator[Item]:
        """The rows of each window from the first that is planned on, between the checkpoints before and after them.

        Raises `ShareUsedError` before a period that the day's share does not pay for, and what `ask` raises.
        """
        interrupted = progress.end if progress.date and progress.end and progress.date < progress.end else None
        # The next sync reads a doubtful period again, so the saved date stays before the first one.
        doubtful: list[Date] = []
        first = Request.read(planned[0]).range.start if planned else reach.end.add(days=1)
        while first <= reach.end:
            # Begin no period whose parts the day's share does not pay for: all would be asked for again tomorrow.
            self.client.quota.admit(self._number_of_requests(first, reach))
            window = yield from self._window(progress, first, reach)
            reach = window.reach
            doubtful += window.doubtful
            emitted = Places({(self.granularity, day): found.places for day, found in window.answer.items()})
            yield Checkpoint(progress.before(window.days, emitted), reach)
            yield from self._rows(progress, window, emitted)
            through, is_last = self._through(window, doubtful), window.days.end >= reach.end
            is_complete = is_last and not doubtful and not (interrupted and interrupted < through)
            end = None if is_complete else interrupted or min(reach.end, window.server_day or reach.end)
            others = progress.other_filters and not is_last
            progress = replace(progress.after(window.days, emitted), date=through, end=end, other_filters=others)
            yield Checkpoint(progress, reach)
            self._log_progress(window.days, reach.end)
            first = window.days.end.add(days=1)
            # Two answers at once are more memory than one.
            del window

    @property
    def granularity(self) -> Granularity:
        return self.client.config.granularity

    def _number_of_requests(self, first: Date, reach: Reach) -> int:
        """How many requests the period that holds `first` takes."""
        end = min(period_of(first, self.granularity).end, reach.end)
        return len(plan(first, end, self.granularity, reach.span.days))

    def _through(self, window: _Window, doubtful: list[Date]) -> Date:
        """The last day that the next sync need not read but for the lookback."""
        # By the server's clock, where it is stated: with this machine's a day ahead, today would not be read again.
        through = min(window.days.end, window.server_day or window.days.end)
        if self.full_refresh:
            through = state.last_complete(through, self.granularity, window.server_day or self.client.config.today)
        return min([through, *(day.subtract(days=1) for day in doubtful)])

    def _window(self, progress: Progress, first: Date, reach: Reach) -> Generator[Item, None, _Window]:
        """The window that starts on `first`, as long as Magnific answers at once, or one period in parts."""
        joined: Answer = {}
        empty: list[DateRange] = []
        position = first
        while True:
            request, answer, server_day, reach = self._next(progress, position, reach)
            if request.granularity is self.granularity:
                return _Window(request.range, answer, server_day, self._lost(progress, request, answer), reach)
            if self._number_of_requests(first, reach) > self.most_parts:
                raise failures.too_many_parts(self.granularity, reach.span.days)
            joined = self._joined(first, joined, answer)
            empty += [] if answer else [request.range]
            position = request.range.end.add(days=1)
            if position > min(period_of(first, self.granularity).end, reach.end):
                days = DateRange(first, request.range.end)
                return _Window(days, joined, server_day, self._doubtful(progress, days, joined, empty), reach)
            # A sign of life: reading all parts may take longer than the platform waits for one.
            yield Checkpoint(progress, reach)

    def _next(self, progress: Progress, first: Date, reach: Reach) -> tuple[Request, Answer, Date | None, Reach]:
        """The longest request from `first` on that Magnific answers, its answer, and what that says about the reach."""
        while True:
            request = next_request(first, reach.end, self.granularity, reach.span.days)
            try:
                answer, server_day = self._answer(progress, request, reach.span)
            except TooMuchError as error:
                days = request.range.days
                span = reach.span.after_failure(days, error.tries)
                self.logger.warning(
                    f"{days} days at once are too much for Magnific now ({error}); asking for {span.days}."
                )
                reach = Reach(reach.end, span)
            except failures.AheadOfServerError as error:
                # Read up to Magnific's day, where this machine's clock is ahead of it.
                if error.server_day is None or not first <= error.server_day < reach.end:
                    raise
                self.logger.warning(f"{error.message} Until then usage is read through {error.server_day}.")
                reach = Reach(error.server_day, reach.span)
            else:
                return request, answer, server_day, Reach(reach.end, reach.span.after_success(request.range.days))

    def _answer(self, progress: Progress, request: Request, span: Span) -> tuple[Answer, Date | None]:
        """What Magnific says of a range, asked for once more where it lacks all usage of a period that had some.

        A period is empty only where both answers lack it; where both have it, the second counts. A part alone is not
        asked for again: where usage covers one week of a year, the other parts are empty every day.
        """
        answer, server_day = self.ask(request, span)
        if request.granularity is not self.granularity or not self._lost(progress, request, answer):
            return answer, server_day
        self.logger.warning(
            f"From {request.range.start} to {request.range.end} Magnific has no usage where the table may have some; "
            "asking again."
        )
        again, server_day = self.ask(request, span)
        return dict(sorted({**answer, **again}.items(), key=lambda found: found[0])), server_day

    def _lost(self, progress: Progress, request: Request, answer: Answer) -> list[Date]:
        """The first days of periods that the warehouse has rows of in the range, and the answer no usage at all."""
        found = [period_of(day, request.granularity) for day in answer]
        known = (period_of(day, granularity) for granularity, day in progress.overlapping(request.range))
        lost = [days.start for days in known if not any(days.overlaps(other) for other in found)]
        # Under other filters, periods without usage are to be expected.
        return [] if progress.other_filters else lost

    def _doubtful(self, progress: Progress, days: DateRange, joined: Answer, empty: list[DateRange]) -> list[Date]:
        """The first day of a period in parts, where the next sync has to read it again.

        It has to where the period has no usage any more, needs fewer places than before while a part is empty, or had
        rows of another granularity where a part is empty: one wrong part must not cost anything for good.
        """
        is_lost = not joined and bool(progress.overlapping(days))
        needed = sum(found.places for found in joined.values())
        is_smaller = bool(empty) and needed < progress.places.get((self.granularity, days.start), 0)
        others = (other is not self.granularity for part in empty for other, _ in progress.overlapping(part))
        return [days.start] if (is_lost or is_smaller or any(others)) and not progress.other_filters else []

    def _joined(self, date: Date, joined: Answer, answer: Answer) -> Answer:
        """One period, that starts on `date`, from its parts; raises where adding them up takes too much memory."""
        policy, parts = self.client.policy, [*joined.values(), *answer.values()]
        if not parts:
            return {}
        try:
            found = usage.added_up(parts, policy.most_rows_in_parts)
        except usage.TooManyRowsError:
            raise failures.too_large_period(self.granularity, policy) from None
        except ContractError as error:
            raise failures.unreadable(str(error), 1, "", True) from None
        if memoryview(found.consumptions).nbytes > policy.largest_body:
            raise failures.too_large_period(self.granularity, policy)
        return {date: found}

    def _rows(self, progress: Progress, window: _Window, emitted: Places) -> Iterator[Iterator[Row]]:
        """The rows of a window, and the deletions of what else the warehouse holds of its days, of any granularity."""
        for day, found in window.answer.items():
            rows, excesses = usage.rows(day, found, self.granularity, self.api_key_id)
            yield rows
            self.summary.add_excesses(str(day), excesses)
        read_at = pendulum.now("UTC")
        for granularity, first in progress.overlapping(window.days):
            places = range(emitted.get((granularity, first), 0), progress.places[granularity, first])
            if places:
                self.summary.add_deleted(len(places))
                yield usage.deleted_rows(first, granularity, places, read_at, self.api_key_id)

    def _log_progress(self, window: DateRange, end: Date) -> None:
        if window.end < end:
            self.logger.info(
                f"{window.start} to {window.end} is read, {DateRange(window.end, end).days - 1:,} days are left; "
                f"{self.client.quota.spent} of the day's {REQUESTS_A_DAY} API requests used by this sync."
            )
