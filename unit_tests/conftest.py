"""What tests of the whole connector need: no network, no waiting, and a notebook of both."""

import time
from collections.abc import Iterator

import pytest
from requests_mock import Mocker


@pytest.fixture
def api() -> Iterator[Mocker]:
    """Magnific's API as the test describes it; any other request is an error."""
    with Mocker() as mocker:
        yield mocker


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were slept, in order: no time passes but these. The CDK adds naps of no time at all."""
    slept: list[float] = []
    begun = time.monotonic()
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds) if seconds else None)
    monkeypatch.setattr(time, "monotonic", lambda: begun + sum(slept))
    return slept
