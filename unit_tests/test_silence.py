"""Test that a sync sends a RECORD or STATE at least every 50 minutes. Airbyte ends a sync after an hour of silence."""

import io
import json
import logging
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import requests
from airbyte_cdk.models import Type
from airbyte_cdk.utils import AirbyteTracedException
from builders import TODAY, Json, answer, entry, period, raw_config, tool
from hypothesis import example, given, settings
from hypothesis import strategies as st
from in_process import ALL_STREAMS, USAGE, catalog, clock, error, sync
from requests_mock import Mocker, create_response

from source_magnific_analytics import SourceMagnificAnalytics
from source_magnific_analytics.policy import POLICY

MOST = 50 * 60
SLOWEST = st.sampled_from([0.0, 1.0, 60.0, POLICY.read_timeout])


class SlowBody(io.BytesIO):
    """A body that arrives in pieces, with a pause before each piece."""

    def __init__(self, content: bytes, pauses: list[float]) -> None:
        super().__init__(content)
        self.pauses, self.piece = iter(pauses), len(content) // (len(pauses) + 1) + 1

    def read1(self, size: int | None = -1, /) -> bytes:
        time.sleep(next(self.pauses, 0))
        return super().read1(self.piece)


class Reply(NamedTuple):
    """Magnific's reply to a request: how long it takes to connect and to respond, and how the body arrives."""

    connect: float = 0
    head: float = 0
    pauses: tuple[float, ...] = ()
    status: int = 200
    retry_after: str | None = None
    error: type[Exception] | None = None
    used: bool = False

    def give(self, request: Any) -> requests.Response:
        time.sleep(self.connect + self.head)
        if self.error:
            raise self.error
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        content = {"data": []}
        if self.used and request.body:
            content = answer(period(request.json()["start_date"], tool("Mystic", entry())))
        body = SlowBody(json.dumps(content).encode(), [*self.pauses])
        return create_response(request, status_code=self.status, headers=headers, body=body)


REPLIES = st.builds(
    Reply,
    connect=st.sampled_from([0.0, POLICY.connect_timeout]),
    head=SLOWEST,
    pauses=st.lists(SLOWEST, max_size=12).map(tuple) | st.integers(1, 9).map(lambda n: (POLICY.read_timeout,) * n),
    status=st.sampled_from([200, 200, 200, 429, 429, 500, 503, 504, 425]),
    retry_after=st.none() | st.sampled_from(["0", "3", "60", "899", "900", "901"]),
    error=st.sampled_from([None, None, None, requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError]),
    used=st.booleans(),
)
SLOW = Reply(10, 120, (120,) * 20)
REFUSED = Reply(10, 120, status=429, retry_after="900")


def silences(replies: list[Reply], granularity: str) -> list[float]:
    """Return the seconds of silence before, between and after the RECORD and STATE messages of a sync."""
    given_in_turn = iter(replies)
    with Mocker() as api, clock(TODAY):
        api.add_matcher(lambda request: next(given_in_turn, Reply()).give(request))
        moments = [time.monotonic()]
        moments += sent(raw_config(start_date="2025-06-01", granularity=granularity))
        moments.append(time.monotonic())
    return [later - earlier for earlier, later in pairwise(moments)]


def sent(config: Json) -> Iterator[float]:
    """Run a sync, and yield the time of each RECORD and STATE."""
    try:
        for message in SourceMagnificAnalytics().read(logging.getLogger("airbyte"), config, catalog(*ALL_STREAMS)):
            if message.type in (Type.RECORD, Type.STATE):
                yield time.monotonic()
    except AirbyteTracedException:
        pass


@settings(max_examples=60)
@given(st.lists(REPLIES, max_size=25) | st.lists(REPLIES, min_size=1, max_size=3).map(lambda few: few * 40))
@example([SLOW] * 99)
@example([SLOW, REFUSED] * 50)
@example([Reply()] * 4 + [REFUSED] * 3 + [SLOW] * 9)
def test_whatever_magnific_does_no_silence_is_longer(replies: list[Reply]) -> None:
    for granularity in ("day", "year"):
        assert max(silences(replies, granularity)) <= MOST


def test_three_waits_of_a_quarter_hour_are_survived_and_a_fourth_ends_the_sync(api: Mocker, waits: list[float]) -> None:
    refused = {"status_code": 429, "headers": {"Retry-After": "900"}}
    api.post(USAGE, [*[refused] * 3, {"json": answer()}])
    assert not sync(raw_config()).errors
    api.post(USAGE, [refused])
    output = sync(raw_config(), "credit_usage", "credit_usage_by_api_key")
    assert error(output) == (
        "transient_error",
        "Magnific made this sync wait too long (HTTP 429). The platform ends a sync that sends nothing for an hour. "
        "The next sync continues where this one stopped.",
    )
    assert (waits, api.call_count) == ([900] * 6, 4 + 4)


def test_a_wait_after_an_error_of_the_server_that_takes_too_long_ends_the_stream(api: Mocker) -> None:
    refused, failed = ({"status_code": status, "headers": {"Retry-After": "900"}} for status in (429, 503))
    api.post(USAGE, [*[refused] * 3, failed])
    kind, text = error(sync(raw_config()))
    assert kind == "transient_error"
    assert text.startswith("Magnific made this sync wait too long (HTTP 503). The platform ends a sync")
    assert text.endswith("The next sync continues where this one stopped.")
