"""The limits: a refusal by the minute is waited out, and the day's limit ends the sync without another request."""

from typing import Any

import pytest
import requests_mock
from airbyte_cdk.utils import AirbyteTracedException
from builders import answer, entry, period, raw_config, tool
from in_process import ALL_STREAMS, LISTS, USAGE, check, error, log, rows, states, sync

GOOD: dict[str, Any] = {"json": answer(period("2026-11-20", tool("Mystic", entry())))}
EMPTY = {"json": answer()}
SERVER_DATE = "Sun, 22 Nov 2026 18:30:00 GMT"


def refused(**headers: str) -> dict[str, Any]:
    return {"status_code": 429, "headers": {name.replace("_", "-"): text for name, text in headers.items()}}


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry_After": "30"}, 30),
        ({"Retry_After": "900"}, 900),
        ({"X_RateLimit_Reset": "1795372245"}, 45),
        ({"Retry_After": "soon"}, 60),
        ({}, 60),
    ],
)
def test_a_stated_wait_is_waited_by_the_servers_clock_and_said(
    headers: dict[str, str], waited: float, api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.post(USAGE, [refused(Date=SERVER_DATE, **headers), GOOD])
    output = sync(raw_config())
    assert not output.errors
    assert len(rows(output)) == 1
    assert waits == [waited]
    assert f"Magnific's limit of requests is reached; waiting {waited} seconds." in log(output)


def test_the_platform_learns_that_the_stream_waits(
    api: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    api.post(USAGE, [refused(Retry_After="30"), GOOD])
    sync(raw_config())
    # The CDK prints this status itself while it waits.
    assert '"status":"RUNNING","reasons":[{"type":"RATE_LIMITED"}]' in capsys.readouterr().out


def test_a_wait_that_is_not_stated_is_one_minute_then_two_then_the_days_limit(
    api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.post(USAGE, [refused()])
    kind, text = error(sync(raw_config()))
    assert kind == "transient_error"
    assert text == (
        "The day's 100 API requests of this Magnific team are used up (HTTP 429). The next sync continues where the "
        "last one stopped. Magnific does not say when it accepts requests again; midnight UTC is likely."
    )
    assert (waits, api.call_count) == ([60, 120], 3)


@pytest.mark.parametrize(("stated", "waited"), [("0", 1), ("2", 2)])
def test_short_waits_that_were_kept_in_vain_are_not_called_the_days_limit(
    stated: str, waited: float, api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.post(USAGE, [refused(Retry_After=stated)])
    output = sync(raw_config(), "credit_usage", "credit_usage_by_api_key")
    assert error(output) == (
        "transient_error",
        "Magnific refused a request 6 times in a row (HTTP 429), although the connector waited as long as it asked. "
        "The next sync continues where the last one stopped. Check whether another program uses the team's API keys at "
        "the same time.",
    )
    assert waits == [pytest.approx(waited, abs=0.1)] * 5
    # The other stream sends nothing any more.
    assert api.call_count == 6


def test_a_longer_wait_is_the_days_limit_and_the_reset_is_named(api: requests_mock.Mocker, waits: list[float]) -> None:
    api.post(USAGE, [EMPTY, refused(Retry_After="901", Date=SERVER_DATE)])
    output = sync(raw_config(start_date="2026-05-01"))
    assert error(output) == (
        "transient_error",
        "The day's 100 API requests of this Magnific team are used up (HTTP 429). Credit usage is saved through "
        "2026-10-27, and the next sync continues from there. Magnific accepts requests again at 2026-11-22 18:45 UTC.",
    )
    assert waits == []
    assert states(output)[-1]["date"] == "2026-10-27"


def test_a_reset_beyond_the_calendar_is_the_days_limit_too(api: requests_mock.Mocker, waits: list[float]) -> None:
    api.post(USAGE, **refused(Retry_After="31622400", Date="Fri, 31 Dec 9999 23:00:00 GMT"))
    assert error(sync(raw_config()))[0] == "transient_error"
    assert waits == []


def test_after_the_reset_the_next_sync_asks_only_for_what_is_missing(api: requests_mock.Mocker) -> None:
    config = raw_config(start_date="2025-11-23", lookback_window_days=0)
    api.post(USAGE, [EMPTY, refused(Retry_After="20000")])
    first = sync(config)
    api.post(USAGE, [EMPTY])
    second = sync(config, state=states(first)[-1])
    assert not second.errors
    assert api.call_count == 3 + 1


def test_refusals_do_not_count_as_faults(api: requests_mock.Mocker, waits: list[float]) -> None:
    fault = {"status_code": 425}
    api.post(USAGE, [fault, refused(), fault, refused(), fault, GOOD])
    assert not sync(raw_config()).errors
    assert waits == [5, 60, 10, 120, 20]


def test_every_request_has_its_own_patience(api: requests_mock.Mocker, waits: list[float]) -> None:
    api.post(USAGE, [refused(), refused(), EMPTY, refused(), refused(), EMPTY])
    assert not sync(raw_config(start_date="2026-05-01")).errors
    assert waits == [60, 120, 60, 120]


def test_a_check_on_a_day_without_requests_does_not_blame_the_key(api: requests_mock.Mocker) -> None:
    api.post(USAGE, [refused(Retry_After="20000")])
    with pytest.raises(AirbyteTracedException) as raised:
        check(raw_config())
    assert raised.value.failure_type and raised.value.failure_type.value == "transient_error"
    assert "used up" in (raised.value.message or "")
    assert "key" not in (raised.value.message or "")


def test_where_the_days_requests_run_out_the_small_streams_are_complete_whatever_order_the_catalog_has(
    api: requests_mock.Mocker,
) -> None:
    for url in LISTS.values():
        api.get(url, json={"data": [{"api_key_id": "fpk-1"}] if "keys" in url else []})
    api.post(USAGE, [EMPTY, refused(Retry_After="20000")])
    output = sync(raw_config(start_date="2026-05-01"), *reversed(ALL_STREAMS))
    assert [request.url for request in api.request_history] == [*LISTS.values(), USAGE, USAGE]
    final = {name: output.get_stream_statuses(name)[-1].value for name in ALL_STREAMS}
    assert final == {**dict.fromkeys(LISTS, "COMPLETE"), **dict.fromkeys(ALL_STREAMS[4:], "INCOMPLETE")}
    assert "This sync used 6 of the day's 100 API requests; credit usage is complete through 2026-10-27." in log(output)
