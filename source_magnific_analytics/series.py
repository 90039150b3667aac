"""Read a series of windows. For each window, yield a checkpoint, the rows and another checkpoint."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pendulum
from msgspec.structs import replace
from pendulum import Date

from source_magnific_analytics import failures, state, usage
from source_magnific_analytics.client import Client, TooMuchError
from source_magnific_analytics.policy import REQUESTS_A_DAY
from source_magnific_analytics.shrinking import Span
from source_magnific_analytics.state import Progress, RowCounts, Settings
from source_magnific_analytics.usage import Answer, Row
from source_magnific_analytics.windows import DateRange, Request, next_request, period_of, plan

# What a series yields: its progress, or rows to emit.
Step = Progress | Iterator[Row]
# Fetches the usage of the team or one API key, plus Magnific's current UTC day if a header of the response states it.
Fetch = Callable[[Request, Span, str | None], tuple[Answer, Date | None]]


class _Window(NamedTuple):
    """A window and its answer. `doubtful` lists the first day of each period that the next sync must read again."""

    days: DateRange
    answer: Answer
    server_day: Date | None
    doubtful: list[Date]


@dataclass
class Summary:
    """What to log at the end of a sync: deleted rows, and tools whose breakdown exceeds their totals."""

    # The number of deleted rows in each period that has any.
    deleted: list[int] = field(default_factory=list)
    # The period's first day, the tool, and the uses and credits by which the tool's breakdown exceeds its totals.
    excesses: list[tuple[Date, str, int, int]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield a log line about deleted rows and another about excesses, if there are any."""
        if self.deleted:
            yield (
                f"Rows deleted: {sum(self.deleted):,} (periods affected: {len(self.deleted):,}). Magnific's "
                "figures or the source's settings have changed since an earlier sync emitted these rows."
            )
        if self.excesses:
            days, tools, uses, credits = zip(*self.excesses, strict=True)
            yield (
                f"In some periods, a tool's breakdown by user exceeds its totals, by {sum(uses)} uses and "
                f"{sum(credits)} credits altogether (cases: {len(tools)}; first: {failures.one_line(tools[0], 80)} on "
                f"{days[0]}). The rows are emitted as Magnific reports them."
            )


@dataclass
class Reach:
    """The last day to read and the most days to request at once, both adjusted to Magnific's responses."""

    last_day: Date
    span: Span


@dataclass(frozen=True)
class Series:
    """A series of windows to read, for the whole team or, if `api_key_id` is set, for one API key."""

    client: Client
    fetch: Fetch
    summary: Summary
    logger: logging.Logger
    reach: Reach
    settings: Settings
    api_key_id: str | None = None

    def read(self, progress: Progress, planned: Sequence[Request]) -> Iterator[Step]:
        """Yield a checkpoint before and after each window's rows. Raises `ShareUsedError` or an error from `fetch`."""
        # The last day that an interrupted sync planned to read, if this sync continues where that one stopped.
        old_end = progress.end if progress.date and progress.end and progress.date < progress.end else None
        doubtful: list[Date] = []
        first = planned[0].range.start if planned else self.reach.last_day.add(days=1)
        while first <= self.reach.last_day:
            # Check that the stream's share of the day's requests is enough: an unfinished period starts over tomorrow.
            self.client.quota.admit(self._number_of_requests(first))
            window = yield from self._window(progress, first)
            if window is None:
                return
            doubtful += window.doubtful
            counts = ((day, period.row_count) for day, period in window.answer.items())
            emitted = RowCounts({(self.settings.granularity, day): count for day, count in counts})
            yield progress.while_emitting(window.days, emitted)
            yield from self._rows(progress, window, emitted)
            progress = self._progress_to_save(progress.once_emitted(window.days, emitted), window, doubtful, old_end)
            yield progress
            if days_left := self.reach.last_day.toordinal() - window.days.end.toordinal():
                self.logger.info(
                    f"Read {window.days.start} to {window.days.end}; {days_left:,} days are left. "
                    f"This sync has used {self.client.quota.spent} of the day's {REQUESTS_A_DAY} API requests."
                )
            first = window.days.end.add(days=1)
            # Free this window's memory before the next request.
            del window

    def _number_of_requests(self, first: Date) -> int:
        """Return how many requests the period that contains `first` needs."""
        end = min(period_of(first, self.settings.granularity).end, self.reach.last_day)
        return len(plan(first, end, self.settings.granularity, self.reach.span.days))

    def _progress_to_save(
        self, progress: Progress, window: _Window, doubtful: list[Date], old_end: Date | None
    ) -> Progress:
        """Return the progress to save after a window. The next sync reads the days after the saved `date`."""
        last_day = self.reach.last_day
        # Prefer the server's clock: this machine's might be a day ahead, and then today would not be read again.
        server_day = window.server_day or self.client.config.today
        date = min([window.days.end, server_day, *(day.subtract(days=1) for day in doubtful)])
        if self.settings.full_refresh:
            date = state.last_complete(date, self.settings.granularity, server_day)
        is_last = window.days.end >= last_day
        # A sync that continues an interrupted one has no lookback, so keep `old_end`: the next sync looks back from it.
        is_complete = is_last and not doubtful and (old_end is None or date <= old_end)
        end = None if is_complete else old_end or min(last_day, server_day)
        return replace(progress, date=date, end=end, other_filters=progress.other_filters and not is_last)

    def _window(self, progress: Progress, first: Date) -> Generator[Step, None, _Window | None]:
        """Read the window from `first`, or a long period in parts. Return None if `first` is after Magnific's date."""
        joined: Answer = {}
        empty: list[DateRange] = []
        position, policy, server_day = first, self.client.policy, None
        most_parts = policy.most_parts if self.api_key_id is None else policy.most_parts_of_a_key
        last_of_period = period_of(first, self.settings.granularity).end
        spent = self.client.quota.spent
        while position <= last_of_period and (answered := self._fetch_longest(progress, position)):
            request, answer, server_day = answered
            if request.granularity is self.settings.granularity:
                return _Window(request.range, answer, server_day, self._missing(progress, request, answer))
            # After an outage, longer ranges might work again, so let the span grow for some requests before giving up.
            is_settled = self.reach.span.is_barred or self.client.quota.spent - spent > most_parts // 4
            if is_settled and self._number_of_requests(first) > most_parts:
                raise failures.too_many_parts(self.settings.granularity, self.reach.span.days, most_parts)
            joined = self._joined(first, joined, answer)
            empty += [] if answer else [request.range]
            position = request.range.end.add(days=1)
            # Yield after each part, because reading all parts can take longer than the platform waits for a message.
            yield progress
        days = DateRange(first, position.subtract(days=1))
        return _Window(days, joined, server_day, self._doubtful(progress, days, joined, empty)) if days.length else None

    def _fetch_longest(self, progress: Progress, first: Date) -> tuple[Request, Answer, Date | None] | None:
        """Fetch the longest possible range from `first` on. Return None if `first` is after the last day to read."""
        while first <= self.reach.last_day:
            request = next_request(first, self.reach.last_day, self.settings.granularity, self.reach.span.days)
            days = request.range.length
            try:
                answer, server_day = self._fetch_twice_if_missing(progress, request)
            except TooMuchError as error:
                self.reach.span = self.reach.span.after_failure(days, error.tries)
                self.logger.warning(f"A request for {days} days failed ({error}); now trying {self.reach.span.days}.")
            except failures.AheadOfServerError as error:
                # If this machine's clock is ahead, end with Magnific's current day, even if that is before `first`.
                has_earlier = progress.date is not None or period_of(first, self.settings.granularity).start < first
                earliest = first.subtract(days=1) if has_earlier else first
                if error.server_day is None or not earliest <= error.server_day < self.reach.last_day:
                    raise
                self.logger.warning(f"{error.message} This sync reads usage through {error.server_day}.")
                self.reach.last_day = error.server_day
            else:
                self.reach.span = self.reach.span.after_success(days)
                return request, answer, server_day
        return None

    def _fetch_twice_if_missing(self, progress: Progress, request: Request) -> tuple[Answer, Date | None]:
        """Request a range, and request it once more if the answer has no usage for a period that had some before.

        A period is treated as empty only if both answers lack it. If both contain it, the second answer counts. Parts
        of a period are not requested again, because empty parts are normal, as in a year with usage in only one week.
        """
        answer, server_day = self.fetch(request, self.reach.span, self.api_key_id)
        if request.granularity is not self.settings.granularity or not self._missing(progress, request, answer):
            return answer, server_day
        self.logger.warning(
            f"Magnific's response for {request.range.start} to {request.range.end} lacks usage that an earlier sync "
            "emitted; requesting these days again."
        )
        again, server_day = self.fetch(request, self.reach.span, self.api_key_id)
        return dict(sorted({**answer, **again}.items())), server_day

    def _missing(self, progress: Progress, request: Request, answer: Answer) -> list[Date]:
        """Return the first day of each period that has rows in the warehouse but no usage in the answer."""
        used = [period_of(day, request.granularity) for day in answer]
        known = (period_of(day, granularity) for granularity, day in progress.overlapping(request.range))
        missing = [days.start for days in known if all(days.end < one.start or one.end < days.start for one in used)]
        # After the filters have changed, periods without usage are normal.
        return [] if progress.other_filters else missing

    def _doubtful(self, progress: Progress, days: DateRange, joined: Answer, empty: list[DateRange]) -> list[Date]:
        """Return the first day of a period that was read in parts, if the next sync must read the period again.

        Do not trust an empty part if the period now has fewer rows than before, or if the warehouse has rows of another
        granularity for that part.
        """
        needed = sum(period.row_count for period in joined.values())
        is_smaller = bool(empty) and needed < progress.row_counts.get((self.settings.granularity, days.start), 0)
        replaced = (other is not self.settings.granularity for part in empty for other, _ in progress.overlapping(part))
        return [days.start] if (is_smaller or any(replaced)) and not progress.other_filters else []

    def _joined(self, date: Date, joined: Answer, answer: Answer) -> Answer:
        """Add up the parts of the period that starts on `date`; raise if that would take too much memory."""
        policy, parts = self.client.policy, [*joined.values(), *answer.values()]
        if not parts:
            return {}
        period = usage.added_up(parts, policy.most_rows_in_parts)
        if period is None or memoryview(period.consumptions).nbytes > policy.largest_body:
            raise failures.too_large_period(self.settings.granularity, policy)
        return {date: period}

    def _rows(self, progress: Progress, window: _Window, emitted: RowCounts) -> Iterator[Iterator[Row]]:
        """Yield a window's rows, then deleted rows to replace the warehouse's other rows for these days."""
        for day, period in window.answer.items():
            rows, excesses = usage.rows(day, period, self.settings.granularity, self.api_key_id)
            yield rows
            self.summary.excesses += [(day, *excess) for excess in excesses]
        read_at = pendulum.now("UTC")
        for granularity, first in progress.overlapping(window.days):
            places = range(emitted.get((granularity, first), 0), progress.row_counts[granularity, first])
            if places:
                self.summary.deleted.append(len(places))
                yield usage.deleted_rows(first, granularity, places, read_at, self.api_key_id)
