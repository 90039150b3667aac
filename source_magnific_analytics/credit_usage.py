"""What the team spends: one series of windows."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from airbyte_cdk.models import AirbyteMessage
from airbyte_cdk.sources.streams.http.request_window_split_exception import RequestWindowSplitRequiredException

from source_magnific_analytics import state, usage
from source_magnific_analytics.exchange import Exchange, read_body
from source_magnific_analytics.state import Progress
from source_magnific_analytics.usage_stream import Save, Series, UsageStream
from source_magnific_analytics.windows import DateRange, Granularity, Request


class CreditUsage(UsageStream):
    """Credit usage by period, tool, user and project."""

    def follow(self, saved: Mapping[str, Any], save: Save, *, full_refresh: bool) -> Iterator[AirbyteMessage]:
        start = state.start(saved, self.config, self.settings, full_refresh=full_refresh)
        for remark in start.remarks:
            self.logger.warning(remark)
        progress = start.progress
        first = state.first_to_read(progress, self.config.start_date, self.config, full_refresh=full_refresh)
        series = Series(self.config.filters, full_refresh=full_refresh)
        self.sync.saved_through = progress.date
        found = state.progress_as_json(progress)

        def keep(progress: Progress) -> AirbyteMessage:
            nonlocal found
            found = state.progress_as_json(progress)
            self.sync.saved_through = progress.date
            return save({**self.saved(unfinished=full_refresh), **found})

        yield from self.windows(series, progress, first, keep)
        if full_refresh:
            yield save({**self.saved(unfinished=False), **found})

    def note(self, answer: usage.Answer) -> None:
        self.sync.totals.update({day: found.credits for day, found in answer.items()})

    def probe(self) -> bool:
        """Prove key, plan and its maximum by one small answer: the longest range by year.

        False where that range is too much for Magnific, so that only one day could be tried.
        """
        today = self.config.today
        longest = DateRange(today.subtract(days=self.config.longest_range_days - 1), today)
        exchange = Exchange(self.sync, self.logger, lambda response: usage.decode(read_body(response)), True)
        try:
            self.send(exchange, Request(longest, Granularity.YEAR).body)
        except RequestWindowSplitRequiredException:
            time.sleep(exchange.wait)
            single = Exchange(self.sync, self.logger, lambda response: usage.decode(read_body(response)))
            self.send(single, Request(DateRange(today, today), Granularity.DAY).body)
            return False
        return True
