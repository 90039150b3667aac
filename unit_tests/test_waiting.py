"""Test that the connector turns the wait time in response headers into a number of seconds to sleep, or into None."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import isfinite

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from source_magnific_analytics.waiting import http_date, server_time, stated_wait

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
HEADERS = ["Retry-After", "RateLimit-Reset", "X-RateLimit-Reset"]
YEAR = 366 * 24 * 3600


@pytest.mark.parametrize("header", HEADERS)
@given(st.integers(0, YEAR))
@example(0)
@example(YEAR)
def test_every_number_of_seconds_is_waited_as_stated(header: str, seconds: int) -> None:
    assert stated_wait({header: str(seconds)}, NOW) == seconds


@pytest.mark.parametrize("header", HEADERS)
@given(st.integers(-YEAR, YEAR))
@example(-1)
@example(1)
def test_every_moment_is_waited_for_and_one_that_passed_is_no_wait(header: str, seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    epoch = round(moment.timestamp())
    for text in (format_datetime(moment, usegmt=True), str(epoch), str(epoch * 1000)):
        assert stated_wait({header: text}, NOW) == max(seconds, 0)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Sun, 22 Nov 2026 13:35:00 -0500"}, 300),
        # A time without a time zone counts as UTC.
        ({"Retry-After": "Sun, 22 Nov 2026 18:31:00 -0000"}, 60),
        # No server would ask for a wait of 31 years.
        ({"X-RateLimit-Reset": "1000000000"}, None),
        ({"X-RateLimit-Reset": "1000000001"}, 0),
        ({"X-RateLimit-Reset": "1000000000000"}, None),
        ({"X-RateLimit-Reset": "1000000000001"}, 0),
        ({"X-RateLimit-Reset": "1000000000001000"}, None),
        # Among headers with valid values, Retry-After takes precedence and X-RateLimit-Reset comes last.
        ({"X-RateLimit-Reset": "3", "RateLimit-Reset": "2", "Retry-After": "1"}, 1),
        ({"X-RateLimit-Reset": "3", "RateLimit-Reset": "2"}, 2),
        ({"Retry-After": "soon", "RateLimit-Reset": "-1", "X-RateLimit-Reset": "3"}, 3),
    ],
)
def test_what_headers_ask_to_wait(headers: dict[str, str], wait: float | None) -> None:
    assert stated_wait(headers, NOW) == wait


@pytest.mark.parametrize(
    "garbage",
    [
        *["", "soon", "nan", "inf", "-inf", "-1", "1e300", "9" * 400, str(YEAR + 1), "0x10", "1,5", "12 minutes"],
        *["Sun, 31 Dec 9999 23:59:59 GMT", "Sun, 99 Nov 2026 18:31:00 GMT", "Sun, 22 Nov 2026"],
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Wed, 21 Oct 2026 07:28:00 +9999999999999999999999",
    ],
)
def test_what_cannot_be_understood_is_no_stated_wait(garbage: str) -> None:
    assert stated_wait({"Retry-After": garbage}, NOW) is None


@pytest.mark.parametrize("header", [*HEADERS, "Date"])
@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]?\w+", fullmatch=True))
def test_no_header_whatsoever_breaks_the_waiting(header: str, text: str) -> None:
    wait = stated_wait({header: text}, NOW)
    assert wait is None or (isfinite(wait) and 0 <= wait <= YEAR)
    moment = server_time({header: text}, NOW)
    assert moment is None or abs(moment - NOW) < timedelta(days=2)


@given(st.integers(-20 * 24 * 3600, 20 * 24 * 3600))
@example(2 * 24 * 3600 - 1)
@example(1 - 2 * 24 * 3600)
@example(2 * 24 * 3600)
@example(-2 * 24 * 3600)
def test_a_servers_clock_is_believed_where_it_is_less_than_two_days_off(seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    believed = moment if abs(seconds) < 2 * 24 * 3600 else None
    assert server_time({"Date": format_datetime(moment, usegmt=True)}, NOW) == believed


def test_a_server_without_a_clock_tells_no_time_nor_does_the_calendars_last_year() -> None:
    assert server_time({}, NOW) is None
    assert server_time({"Date": "yesterday"}, NOW) is None
    assert http_date("Fri, 31 Dec 9998 23:59:59 GMT") == datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert http_date("Fri, 01 Jan 9999 00:00:00 GMT") is None
