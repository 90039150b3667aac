"""Limits on requests per minute and per day. A refusal states how long to wait."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

MINUTE = timedelta(seconds=60)


class Limits:
    """Counts the requests made with the sandbox's key. A limit of 0 means no limit; a refused request does not count.

    A minute starts with its first request, so a test can reach the limit without watching the clock.
    """

    def __init__(self, per_minute: int = 0, per_day: int = 0) -> None:
        self.change(per_minute, per_day, reset=True)

    def change(self, per_minute: int, per_day: int, reset: bool = False) -> None:
        """Change the limits, and reset the counts if `reset` is true. Raise ValueError if a limit is not valid."""
        if not all(isinstance(n, int) and n >= 0 for n in (per_minute, per_day)):
            raise ValueError("per_minute and per_day must be non-negative integers")
        self.per_minute, self.per_day = per_minute, per_day
        if reset:
            self._day: date | None = None
            self._minute: datetime | None = None
            self._in_day = self._in_minute = 0

    def left(self) -> int:
        """Return the number of requests left today."""
        return max(self.per_day - self._in_day, 0)

    def take(self, now: datetime, today: date) -> tuple[str, dict[str, str]] | None:
        """Count a request at `now` (UTC) on the sandbox's day `today`, or return a refusal's message and headers."""
        if today != self._day:
            self._day, self._in_day = today, 0
        if self._minute is None or now >= self._minute + MINUTE:
            self._minute, self._in_minute = now, 0
        if self.per_day and self._in_day >= self.per_day:
            return self._refusal(f"Daily limit of {self.per_day} requests exceeded", until_midnight(now))
        if self.per_minute and self._in_minute >= self.per_minute:
            return self._refusal(f"Limit of {self.per_minute} requests a minute exceeded", self._minute + MINUTE - now)
        self._in_day += 1
        self._in_minute += 1
        return None

    def _refusal(self, words: str, wait: timedelta) -> tuple[str, dict[str, str]]:
        return words, {"Retry-After": str(math.ceil(wait.total_seconds()))}


def until_midnight(now: datetime) -> timedelta:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now
