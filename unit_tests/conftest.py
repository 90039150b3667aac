"""What tests of the whole connector need: no network, no waiting, and a notebook of both."""

import time
from collections.abc import Iterator

import pytest
import requests_mock


@pytest.fixture
def api() -> Iterator[requests_mock.Mocker]:
    """Magnific's API as the test describes it; any other request is an error."""
    with requests_mock.Mocker() as mocker:
        yield mocker


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds the connector would have slept, in order; the CDK adds naps of no time at all."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds) if seconds else None)
    return slept
