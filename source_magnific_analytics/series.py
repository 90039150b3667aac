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

# What a series yields: how far it came, or rows to emit behind that.
Item = Progress | Iterator[Row]
# Asks for a key or the team; returns the answer and the UTC day on which Magnific gave it, where it says so.
Ask = Callable[[Request, Span, str | None], tuple[Answer, Date | None]]


class _Window(NamedTuple):
    """A window that was answered. `doubtful` are first days of periods that the next sync has to read again."""

    days: DateRange
    answer: Answer
    server_day: Date | None
    doubtful: list[Date]


@dataclass
class Series:
    """Windows to read up to the day `end`: the team's or, with an ID, one API key's.

    `end` and `span`, how many days at once, are what is known of how far requests reach.
    """

    client: Client
    ask: Ask
    summary: Summary
    logger: logging.Logger
    end: Date
    span: Span
    full_refresh: bool
    api_key_id: str | None = None

    def read(self, progress: Progress, planned: Sequence[Mapping[str, Any]]) -> Iterator[Item]:
        """The rows of each window from the first that is planned on, between the progress before and after them.

        Raises `ShareUsedError` before a period that the day's share does not pay for, and what `ask` raises.
        """
        interrupted = progress.end if progress.date and progress.end and progress.date < progress.end else None
        # The next sync reads a doubtful period again, so the saved date stays before the first one.
        doubtful: list[Date] = []
        first = Request.read(planned[0]).range.start if planned else self.end.add(days=1)
        while first <= self.end:
            # Begin no period whose parts the day's share does not pay for: all would be asked for again tomorrow.
            self.client.quota.admit(self._number_of_requests(first))
            window = yield from self._window(progress, first)
            if window is None:
                return
            doubtful += window.doubtful
            emitted = Places({(self.granularity, day): found.places for day, found in window.answer.items()})
            yield progress.before(window.days, emitted)
            yield from self._rows(progress, window, emitted)
            through, is_last = self._through(window, doubtful), window.days.end >= self.end
            is_complete = is_last and not doubtful and not (interrupted and interrupted < through)
            end = None if is_complete else interrupted or min(self.end, window.server_day or self.end)
            others = progress.other_filters and not is_last
            progress = replace(progress.after(window.days, emitted), date=through, end=end, other_filters=others)
            yield progress
            self._log_progress(window.days)
            first = window.days.end.add(days=1)
            # Two answers at once are more memory than one.
            del window

    @property
    def granularity(self) -> Granularity:
        return self.client.config.granularity

    def _number_of_requests(self, first: Date) -> int:
        """How many requests the period that holds `first` takes."""
        end = min(period_of(first, self.granularity).end, self.end)
        return len(plan(first, end, self.granularity, self.span.days))

    def _through(self, window: _Window, doubtful: list[Date]) -> Date:
        """The last day that the next sync need not read but for the lookback."""
        # By the server's clock, where it is stated: with this machine's a day ahead, today would not be read again.
        through = min(window.days.end, window.server_day or window.days.end)
        if self.full_refresh:
            through = state.last_complete(through, self.granularity, window.server_day or self.client.config.today)
        return min([through, *(day.subtract(days=1) for day in doubtful)])

    def _window(self, progress: Progress, first: Date) -> Generator[Item, None, _Window | None]:
        """The window that starts on `first`, as long as Magnific answers at once, or one period in parts.

        None where Magnific's day ends before it: the next sync reads it.
        """
        joined: Answer = {}
        empty: list[DateRange] = []
        position, policy = first, self.client.policy
        most_parts = policy.most_parts if self.api_key_id is None else policy.most_parts_of_a_key
        while True:
            answered = self._next(progress, position)
            if answered is None:
                return None
            request, answer, server_day = answered
            if request.granularity is self.granularity:
                return _Window(request.range, answer, server_day, self._lost(progress, request, answer))
            if self._number_of_requests(first) > most_parts:
                raise failures.too_many_parts(self.granularity, self.span.days)
            joined = self._joined(first, joined, answer)
            empty += [] if answer else [request.range]
            position = request.range.end.add(days=1)
            if position > min(period_of(first, self.granularity).end, self.end):
                days = DateRange(first, request.range.end)
                return _Window(days, joined, server_day, self._doubtful(progress, days, joined, empty))
            # A sign of life: reading all parts may take longer than the platform waits for one.
            yield progress

    def _next(self, progress: Progress, first: Date) -> tuple[Request, Answer, Date | None] | None:
        """The longest request from `first` on that Magnific answers, with its answer; None before its day has come."""
        while first <= self.end:
            request = next_request(first, self.end, self.granularity, self.span.days)
            days = request.range.days
            try:
                answer, server_day = self._answer(progress, request)
            except TooMuchError as error:
                self.span = self.span.after_failure(days, error.tries)
                self.logger.warning(
                    f"{days} days at once are too much for Magnific now ({error}); asking for {self.span.days}."
                )
            except failures.AheadOfServerError as error:
                # Read up to Magnific's day, where this machine's clock is ahead of it, even if all of that is saved.
                earliest = first if progress.date is None else first.subtract(days=1)
                if error.server_day is None or not earliest <= error.server_day < self.end:
                    raise
                self.logger.warning(f"{error.message} Until then usage is read through {error.server_day}.")
                self.end = error.server_day
            else:
                self.span = self.span.after_success(days)
                return request, answer, server_day
        return None

    def _answer(self, progress: Progress, request: Request) -> tuple[Answer, Date | None]:
        """What Magnific says of a range, asked for once more where it lacks all usage of a period that had some.

        A period is empty only where both answers lack it; where both have it, the second counts. A part alone is not
        asked for again: where usage covers one week of a year, the other parts are empty every day.
        """
        answer, server_day = self.ask(request, self.span, self.api_key_id)
        if request.granularity is not self.granularity or not self._lost(progress, request, answer):
            return answer, server_day
        self.logger.warning(
            f"From {request.range.start} to {request.range.end} Magnific has no usage where the table may have some; "
            "asking again."
        )
        again, server_day = self.ask(request, self.span, self.api_key_id)
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
        rows of another granularity where a part is empty: that part may be a wrong answer.
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

    def _log_progress(self, window: DateRange) -> None:
        if window.end < self.end:
            self.logger.info(
                f"{window.start} to {window.end} is read, {DateRange(window.end, self.end).days - 1:,} days are left; "
                f"{self.client.quota.spent} of the day's {REQUESTS_A_DAY} API requests used by this sync."
            )
