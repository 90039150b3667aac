"""Fixtures for tests of the whole connector: a mock of the API and a record of waits, without real waiting."""

import time
from collections.abc import Iterator

import pytest
from requests_mock import Mocker


@pytest.fixture
def api() -> Iterator[Mocker]:
    """A mock of Magnific's API. A request that the test does not define is an error."""
    with Mocker() as mocker:
        yield mocker


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds slept, in order, which also move the clock. The CDK's sleeps of zero seconds are left out."""
    slept: list[float] = []
    begun = time.monotonic()
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds) if seconds else None)
    monkeypatch.setattr(time, "monotonic", lambda: begun + sum(slept))
    return slept
