"""Read a response's headers for the server's time and the wait that the server asks for."""

from collections.abc import Mapping
from datetime import MAXYEAR, UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pendulum
from pendulum import DateTime

_WAIT_HEADERS = ("Retry-After", "RateLimit-Reset", "X-RateLimit-Reset")
_YEAR = 366 * 24 * 3600
# Correct clocks differ only by seconds. A server clock that is off by days is wrong, so it is ignored.
_BELIEVED = timedelta(days=2)


def server_time(headers: Mapping[str, str], now: datetime) -> DateTime | None:
    """Return the server's time in UTC, or None if it is missing or two or more days away from `now`."""
    moment = http_date(headers.get("Date", ""))
    return pendulum.instance(moment).in_tz("UTC") if moment is not None and abs(moment - now) < _BELIEVED else None


def stated_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the first readable wait (0 seconds to a year) that a header states, or None if there is none.

    `Retry-After` contains seconds or an HTTP date (RFC 9110). The reset headers contain the seconds left or a Unix
    time in seconds or milliseconds; the number's size shows which. A time in the past means a wait of 0.
    """
    waits = (_seconds(headers[header], now) for header in _WAIT_HEADERS if header in headers)
    return next((seconds for seconds in waits if seconds is not None and 0 <= seconds <= _YEAR), None)


def _seconds(text: str, now: datetime) -> float | None:
    if moment := http_date(text):
        return max((moment - now).total_seconds(), 0.0)
    try:
        number = float(text)
    except ValueError:
        return None
    number /= 1000 if number > 1e12 else 1
    return max(number - now.timestamp(), 0.0) if number > 1e9 else number


def http_date(text: str) -> datetime | None:
    """Parse an HTTP date into a datetime with a time zone. Return None for any other string."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # Adding a wait to a date in the year 9999 would overflow.
    if moment.year == MAXYEAR:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
