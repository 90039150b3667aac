"""Fixtures for tests of the whole connector: a mock of the API, and sleeps that are recorded but take no time."""

import time
from collections.abc import Iterator

import pytest
from requests_mock import Mocker


@pytest.fixture
def api() -> Iterator[Mocker]:
    """A mock of Magnific's API. A request for which the test defines no answer raises an error."""
    with Mocker() as mocker:
        yield mocker


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each sleep, in order; each moves the clock. The CDK's sleeps of zero seconds are left out."""
    slept: list[float] = []
    begun = time.monotonic()
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds) if seconds else None)
    monkeypatch.setattr(time, "monotonic", lambda: begun + sum(slept))
    return slept
