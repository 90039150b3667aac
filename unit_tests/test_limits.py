"""Test that the connector waits out the per-minute limit, and that the daily limit ends the sync for all streams."""

import pytest
from builders import Json, answer, entry, period, raw_config, tool
from in_process import ALL_STREAMS, LISTS, USAGE, error, log, rows, sync
from requests_mock import Mocker

GOOD: Json = {"json": answer(period("2026-11-20", tool("Mystic", entry())))}
EMPTY = {"json": answer()}
SERVER_DATE = "Sun, 22 Nov 2026 18:30:00 GMT"


def refused(**headers: str) -> Json:
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
def test_a_stated_wait_is_kept(headers: dict[str, str], waited: float, api: Mocker, waits: list[float]) -> None:
    api.post(USAGE, [refused(Date=SERVER_DATE, **headers), GOOD])
    output = sync(raw_config())
    assert (output.errors, len(rows(output)), waits) == ([], 1, [waited])
    assert f"Magnific's request limit has been reached; waiting {waited} seconds." in log(output)


def test_the_platform_learns_that_the_stream_waits(api: Mocker, capsys: pytest.CaptureFixture[str]) -> None:
    api.post(USAGE, [refused(Retry_After="30"), GOOD])
    sync(raw_config())
    # The CDK prints this status directly to stdout while it waits.
    status = '"stream_descriptor":{"name":"credit_usage"},"status":"RUNNING","reasons":[{"type":"RATE_LIMITED"}]'
    assert status in capsys.readouterr().out


USED_UP = "This Magnific team has used up its 100 API requests for the day (HTTP 429). "
NEXT = "The next sync continues where this one stopped."
AGAIN = f"{USED_UP}{NEXT} Magnific will accept requests again at"
UNSAID = "Magnific does not say when it will accept requests again; midnight UTC is likely."


@pytest.mark.parametrize(
    ("headers", "words", "waited"),
    [
        ({}, f"{USED_UP}{NEXT} {UNSAID}", [60, 120]),
        ({"Retry_After": "901", "Date": SERVER_DATE}, f"{AGAIN} 2026-11-22 18:45 UTC.", []),
        # By the server's clock, the limit would reset after the year 9999, but the connector does not trust that clock.
        ({"Retry_After": "31622400", "Date": "Fri, 31 Dec 9999 23:00:00 GMT"}, f"{AGAIN} 2027-11-23 12:00 UTC.", []),
        *[
            (
                {"Retry_After": stated},
                "Magnific refused a request 6 times in a row (HTTP 429), although the connector waited as "
                f"asked. {NEXT} Check whether another program uses the team's API keys at the same time.",
                [pytest.approx(waited, abs=0.1)] * 5,
            )
            for stated, waited in (("0", 1), ("2", 2))
        ],
    ],
)
def test_what_waiting_does_not_mend_ends_all_streams(
    headers: dict[str, str], words: str, waited: list[float], api: Mocker, waits: list[float]
) -> None:
    api.post(USAGE, [refused(**headers)])
    output = sync(raw_config(), "credit_usage", "credit_usage_by_api_key")
    assert error(output) == ("transient_error", words)
    assert (waits, api.call_count) == (waited, len(waited) + 1)


def test_refusals_do_not_count_as_faults_and_each_request_has_its_own_patience(api: Mocker, waits: list[float]) -> None:
    fault = {"status_code": 425}
    api.post(USAGE, [fault, refused(), fault, refused(), fault, EMPTY, refused(), refused(), EMPTY])
    assert not sync(raw_config(start_date="2026-05-01")).errors
    assert waits == [5, 60, 10, 120, 20, 60, 120]


def test_where_the_days_requests_run_out_the_small_streams_are_complete_in_any_catalog_order(api: Mocker) -> None:
    for url in LISTS.values():
        api.get(url, json={"data": [{"api_key_id": "fpk-1"}] if "keys" in url else []})
    api.post(USAGE, [EMPTY, refused(Retry_After="20000")])
    output = sync(raw_config(start_date="2026-05-01"), *reversed(ALL_STREAMS))
    assert [request.url for request in api.request_history] == [*LISTS.values(), USAGE, USAGE]
    final = {name: output.get_stream_statuses(name)[-1].value for name in ALL_STREAMS}
    assert final == {**dict.fromkeys(LISTS, "COMPLETE"), **dict.fromkeys(ALL_STREAMS[4:], "INCOMPLETE")}
    assert "This sync used 6 of the day's 100 API requests; credit_usage is saved through 2026-10-27." in log(output)
