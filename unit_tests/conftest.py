"""Fixtures that mock Magnific's API, and record sleeps instead of waiting."""

import time
from collections.abc import Iterator

import pytest
from requests_mock import Mocker


@pytest.fixture
def api() -> Iterator[Mocker]:
    """Mock Magnific's API. A request for which the test defines no response raises an error."""
    with Mocker() as mocker:
        yield mocker


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Instead of sleeping, record the seconds and move the clock forward. The CDK's zero-second sleeps are omitted."""
    slept: list[float] = []
    begun = time.monotonic()
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds) if seconds else None)
    monkeypatch.setattr(time, "monotonic", lambda: begun + sum(slept))
    return slept
