"""How long an answer asks to wait, read from its headers."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_WAIT_HEADERS = ("Retry-After", "RateLimit-Reset", "X-RateLimit-Reset")


def server_time(headers: Mapping[str, str]) -> datetime:
    """Now by the server's clock, which its reset times go by; by this machine's where the server tells none."""
    return _http_date(headers.get("Date", "")) or datetime.now(UTC)


def stated_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that the first understandable header asks to wait, never negative; None where none does.

    `Retry-After` is seconds or an HTTP date (RFC 9110); the reset headers are seconds to go or a Unix time in
    seconds or milliseconds, told apart by their size.
    """
    for header in _WAIT_HEADERS:
        text = headers.get(header, "")
        moment = _http_date(text)
        if moment is not None:
            return max((moment - now).total_seconds(), 0.0)
        try:
            seconds = float(text)
        except ValueError:
            continue
        if seconds > 1e12:
            seconds /= 1000
        if seconds > 1e9:
            seconds -= now.timestamp()
            return max(seconds, 0.0)
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
