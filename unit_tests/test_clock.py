"""Test that no usage is lost if midnight passes during a sync, or if this machine's clock is a day off."""

from datetime import date

import pytest
from builders import answer, entry, period, raw_config, tool
from in_process import USAGE, rows, states, sync
from pendulum import Date
from requests_mock import Mocker
from sandbox_api import SandboxApi

TODAY = Date(2026, 11, 22)
YESTERDAY = "Sat, 21 Nov 2026 23:30:00 GMT"


def test_a_sync_ends_on_the_day_on_which_it_began_and_the_rest_of_that_day_comes_with_the_next() -> None:
    api = SandboxApi(today=date(2026, 11, 23))
    # Each request takes a minute.
    api.seconds = 60
    with api.serving():
        output = sync(raw_config(start_date="2026-01-01"), at="23:59")
        assert [body["end_date"] for body in api.asked] == ["2026-06-29", "2026-11-22"]
        assert states(output)[-1]["date"] == "2026-11-22"
        api.asked.clear()
        sync(raw_config(start_date="2026-01-01"), state=states(output)[-1], today=TODAY.add(days=1))
    assert [(body["start_date"], body["end_date"]) for body in api.asked] == [("2026-11-15", "2026-11-23")]


@pytest.mark.parametrize(
    ("server", "saved"),
    [
        (YESTERDAY, "2026-11-21"),
        ("Mon, 23 Nov 2026 00:30:00 GMT", "2026-11-22"),
        # The connector does not trust a server's clock that is years off.
        ("Tue, 01 Jan 2019 00:00:00 GMT", "2026-11-22"),
    ],
)
def test_a_day_not_over_at_magnific_is_read_again_even_without_a_lookback(server: str, saved: str, api: Mocker) -> None:
    api.post(USAGE, json=answer(period("2026-11-20", tool("Mystic", entry()))), headers={"Date": server})
    assert states(sync(raw_config(lookback_window_days=0)))[-1]["date"] == saved


def test_a_week_read_in_parts_is_emitted_through_magnifics_day(api: Mocker) -> None:
    parts = [{"json": answer(period("2026-11-16", tool("Mystic", entry())))}, *[{"json": answer()}] * 3]
    refused = {"status_code": 400, "json": {"message": "end_date lies in the future"}, "headers": {"Date": YESTERDAY}}
    api.post(USAGE, [*[{"status_code": 504}] * 3, *parts, refused])
    output = sync(raw_config(start_date="2026-11-16", granularity="week"))
    assert [row["usage_id"] for row in rows(output)] == ["week-2026-11-16-0"]
    assert states(output)[-1]["date"] == "2026-11-21"
