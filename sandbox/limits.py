"""The requests a key may send in a minute and in a day, and how a refusal states the wait."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import formatdate

MINUTE = timedelta(seconds=60)


def _seconds(now: datetime, until: datetime) -> str:
    return str(max(1, math.ceil((until - now).total_seconds())))


LIMIT_HEADERS: dict[str, Callable[[datetime, datetime], dict[str, str]]] = {
    "none": lambda now, until: {},
    "retry-after": lambda now, until: {"Retry-After": _seconds(now, until)},
    "retry-after-date": lambda now, until: {"Retry-After": formatdate(until.timestamp(), usegmt=True)},
    "ratelimit-reset": lambda now, until: {"RateLimit-Reset": _seconds(now, until)},
    "x-ratelimit-reset-epoch": lambda now, until: {"X-RateLimit-Reset": str(math.ceil(until.timestamp()))},
}
"""The headers of a refusal, from the time of the request and the time the limit ends."""


@dataclass(frozen=True)
class Refusal:
    message: str
    headers: dict[str, str]


class Limits:
    """Counts the requests of the one key. A limit of 0 is none; a refused request does not count.

    A minute starts with its first request, so that a test can fill one without watching the clock.
    """

    def __init__(self, per_minute: int, per_day: int, header: str) -> None:
        self.per_minute = per_minute
        self.per_day = per_day
        self.header = header
        self.reset()

    def reset(self) -> None:
        """Forget all requests so far."""
        self._day: date | None = None
        self._in_day = 0
        self._minute: datetime | None = None
        self._in_minute = 0

    @property
    def left(self) -> int:
        """Requests of the day that are left."""
        return max(self.per_day - self._in_day, 0)

    def take(self, now: datetime, today: date) -> Refusal | None:
        """Count one request at `now` (UTC) on the sandbox's `today`, or say why not."""
        if today != self._day:
            self._day, self._in_day = today, 0
        if self._minute is None or now >= self._minute + MINUTE:
            self._minute, self._in_minute = now, 0
        if self.per_day and self._in_day >= self.per_day:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            return self._refuse(f"Daily limit of {self.per_day} requests exceeded", now, midnight)
        if self.per_minute and self._in_minute >= self.per_minute:
            return self._refuse(f"Limit of {self.per_minute} requests per minute exceeded", now, self._minute + MINUTE)
        self._in_day += 1
        self._in_minute += 1
        return None

    def _refuse(self, message: str, now: datetime, until: datetime) -> Refusal:
        return Refusal(message, LIMIT_HEADERS[self.header](now, until))
