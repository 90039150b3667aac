"""Settings for all unit tests, and a fixture that mocks Magnific's API."""

import time
from collections.abc import Iterator

import pendulum
import pytest
from requests_mock import Mocker


@pytest.fixture
def api() -> Iterator[Mocker]:
    """Mock Magnific's API. A request for which the test defines no response raises an error."""
    with Mocker() as mocker:
        yield mocker


@pytest.fixture(autouse=True)
def time_and_place(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use virtual time, and a time zone in which it is already tomorrow for half of each UTC day."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    with pendulum.test_local_timezone(pendulum.timezone("Pacific/Auckland")):
        yield
    monkeypatch.undo()
    time.tzset()
