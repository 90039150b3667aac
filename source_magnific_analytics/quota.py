"""What the streams of one sync share: the day's requests, the tries, and the time since they last sent a message."""

import sys
import time
from dataclasses import dataclass, field, replace
from typing import Annotated

import msgspec
import pendulum
from airbyte_cdk.utils import AirbyteTracedException
from pendulum import Date


class ShareUsedError(Exception):
    """A stream has sent as many requests as it may in a day; nothing is wrong."""


@dataclass(frozen=True)
class Share:
    """At most `most` requests a UTC day for one stream, which has sent `requests` on `date`."""

    date: Date
    requests: Annotated[int, msgspec.Meta(ge=0)]
    most: int = sys.maxsize

    def rolled_over(self) -> "Share":
        """The share as it is now: a new day begins with nothing sent."""
        today = pendulum.now("UTC").date()
        return self if self.date == today else Share(today, 0, self.most)


@dataclass
class Quota:
    """The requests and tries that one sync uses, and what else ends it.

    `spent` counts requests, `returnable_tries` the tries since the last answer that found a range too large. `ended_by`
    is the error that ends every stream, `share` what the current stream may send a day.
    """

    retries_left: int
    spent: int = 0
    returnable_tries: int = 0
    ended_by: AirbyteTracedException | None = None
    # Lambdas, so that tests can replace the clock.
    share: Share = field(default_factory=lambda: Share(pendulum.now("UTC").date(), 0))
    emitted_at: float = field(default_factory=lambda: time.monotonic())

    def admit(self, requests: int = 1) -> None:
        """Raise if the share has no room for `requests`; an unused share has room for any number."""
        if self.ended_by is not None:
            raise self.ended_by
        share = self.share.rolled_over()
        if share.requests + min(requests, share.most) > share.most:
            raise ShareUsedError

    def count_request(self) -> None:
        """A request is sent."""
        self.spent += 1
        share = self.share.rolled_over()
        self.share = replace(share, requests=share.requests + 1)

    def limit_to(self, share: Share) -> None:
        """Limit the rest of the sync's requests to `share`."""
        self.share = share

    def count_retry(self, returnable: int = 0) -> None:
        """Count a retry; `returnable` of this request only found its range too large."""
        self.retries_left -= 1
        self.returnable_tries += returnable

    def settle(self, *, answered: bool) -> None:
        """End a request. An answer shows that there is no outage: retries for too large ranges are given back."""
        self.retries_left += self.returnable_tries if answered else 0
        self.returnable_tries = 0

    def end_sync_with(self, error: AirbyteTracedException) -> AirbyteTracedException:
        """Send nothing more in this sync: every stream fails with `error`, which is returned."""
        self.ended_by = error
        return error

    def end_silence(self) -> None:
        """A RECORD or STATE was sent."""
        self.emitted_at = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds since the last RECORD or STATE."""
        return time.monotonic() - self.emitted_at
