"""Track what a sync's streams share: the day's requests, the retries, and the time since the last message."""

import sys
import time
from dataclasses import dataclass, field, replace
from typing import Annotated

import msgspec
import pendulum
from airbyte_cdk.utils import AirbyteTracedException
from pendulum import Date


class ShareUsedError(Exception):
    """A stream has sent as many requests as it may send in a day. This is not a failure."""


@dataclass(frozen=True)
class Share:
    """A stream's share of a UTC day's requests: the stream may send `most` and has sent `requests` on `date`."""

    date: Date
    requests: Annotated[int, msgspec.Meta(ge=0)]
    most: int = sys.maxsize

    def rolled_over(self) -> "Share":
        """Return the share as it stands today. On a new day, no requests have been sent yet."""
        today = pendulum.now("UTC").date()
        return self if self.date == today else Share(today, 0, self.most)


@dataclass
class Quota:
    """Count a sync's requests and retries, and remember the error that ends it.

    `spent` counts requests. `returnable_tries` counts failed tries that made the sync request fewer days; the next
    success adds them to `retries_left`. `ended_by` is the error that ends the sync. `share` limits the current stream.
    """

    retries_left: int
    spent: int = 0
    returnable_tries: int = 0
    ended_by: AirbyteTracedException | None = None
    # Use lambdas, so that tests can replace the clock.
    share: Share = field(default_factory=lambda: Share(pendulum.now("UTC").date(), 0))
    emitted_at: float = field(default_factory=lambda: time.monotonic())

    def admit(self, requests: int = 1) -> None:
        """Raise if the sync is over or the share has fewer than `requests` left, unless none of it is used."""
        if self.ended_by is not None:
            raise self.ended_by
        share = self.share.rolled_over()
        if share.requests + min(requests, share.most) > share.most:
            raise ShareUsedError

    def count_request(self) -> None:
        """Count a request that is about to be sent."""
        self.spent += 1
        share = self.share.rolled_over()
        self.share = replace(share, requests=share.requests + 1)

    def limit_to(self, share: Share) -> None:
        """Limit the rest of the sync's requests to `share`."""
        self.share = share

    def count_retry(self, returnable: int) -> None:
        """Count a retry. If it asks for fewer days, `returnable` is the number of failed tries for the longer range."""
        self.retries_left -= 1
        self.returnable_tries += returnable

    def settle(self, *, answered: bool) -> None:
        """Finish a request. If it was answered, there is no outage, so give back the retries spent on longer ranges."""
        self.retries_left += self.returnable_tries if answered else 0
        self.returnable_tries = 0

    def end_sync_with(self, error: AirbyteTracedException) -> AirbyteTracedException:
        """Make every stream of this sync fail with `error` before it sends another request; return `error`."""
        self.ended_by = error
        return error

    def end_silence(self) -> None:
        """Store the time at which a RECORD or STATE was sent."""
        self.emitted_at = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds since the last RECORD or STATE."""
        return time.monotonic() - self.emitted_at
