"""Test how often the connector tries again after each fault, and which error type and message the user gets."""

import json
import re
from collections.abc import Mapping
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
import requests
from builders import Json, answer, body, entry, period, raw_config, saved_state, tool
from in_process import LISTS, USAGE, error, log, rows, states, sync
from requests_mock import ANY, Mocker
from urllib3.exceptions import MaxRetryError, NewConnectionError

from source_magnific_analytics.failures import api_words

UNREACHABLE = MaxRetryError(None, "/", NewConnectionError(None, "Failed to resolve"))  # type: ignore[arg-type]
# A range of one day cannot be split into shorter ranges; test_long_ranges.py tests longer ones.
TODAY = raw_config(start_date="2026-11-22")
GOOD = answer(period("2026-11-22", tool("Mystic", entry())))
FAULTS: Mapping[str, Json] = {
    "HTTP 500": {"status_code": 500, "text": "oops"},
    "HTTP 502": {"status_code": 502, "text": "<html>bad gateway</html>"},
    "HTTP 503": {"status_code": 503},
    "HTTP 504": {"status_code": 504},
    "HTTP 408": {"status_code": 408},
    "HTTP 413": {"status_code": 413},
    "HTTP 425": {"status_code": 425},
    "HTTP 204": {"status_code": 204},
    "no connection in time": {"exc": requests.exceptions.ConnectTimeout},
    "no complete response in time": {"exc": requests.exceptions.ReadTimeout},
    "no secure connection": {"exc": requests.exceptions.SSLError},
    "no connection through the proxy": {"exc": requests.exceptions.ProxyError},
    "(the host does not exist or does not accept": {"exc": requests.exceptions.ConnectionError(UNREACHABLE)},
    "a dropped connection": {"exc": requests.exceptions.ConnectionError},
    "an incomplete response": {"exc": requests.exceptions.ChunkedEncodingError},
    "a response that cannot be decompressed": {"exc": requests.exceptions.ContentDecodingError},
    "an HTTP client error (InvalidHeader)": {"exc": requests.exceptions.InvalidHeader},
    "the body is not complete JSON": {"content": body(period("2026-11-20"))[:-1]},
    "Expected `array`, got `null`": {"json": {"data": None}},
    "Object missing required field `data`": {"json": {}},
    "a period is dated 2020-01-01, outside 2026": {"json": answer(period("2020-01-01"))},
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_that_passes_is_survived_and_the_result_is_exact(what: str, api: Mocker, waits: list[float]) -> None:
    api.post(USAGE, [FAULTS[what], FAULTS[what], FAULTS[what], {"json": GOOD}])
    output = sync(TODAY)
    assert not output.errors
    assert ([row["user_credits"] for row in rows(output)], waits) == ([10], [5, 10, 20])
    assert all(f"trying again in {wait} seconds (try {n} of 4)" in log(output) for n, wait in enumerate(waits, 2))
    assert log(output).count(what) == 3


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_that_stays_ends_the_stream_and_is_never_no_usage(what: str, api: Mocker) -> None:
    api.post(USAGE, [{"json": {"data": []}}, FAULTS[what]])
    output = sync(raw_config(start_date="2026-05-26"))
    kind, words = error(output)
    assert (kind, api.call_count) == ("transient_error", 1 + 4)
    assert words.startswith("Could not read from Magnific (")
    assert "after 4 tries in a row. Credit usage is saved through 2026-11-21, and the next sync continues" in words
    assert [state["date"] for state in states(output)] == [None, "2026-11-21"]
    assert output.get_stream_statuses("credit_usage")[-1].value == "INCOMPLETE"
    assert not rows(output)


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ({"exc": requests.exceptions.ReadTimeout}, "check for an outage at Magnific or a proxy that interferes."),
        ({"text": "<html>"}, "check for an outage at Magnific or a proxy that interferes."),
        ({"json": {"data": None}}, "Magnific's API has probably changed: look for a newer version of this connector."),
    ],
)
def test_only_an_answer_of_another_shape_advises_a_newer_version(fault: Json, advice: str, api: Mocker) -> None:
    api.post(USAGE, **fault)
    assert error(sync(TODAY))[1].endswith(f"If this continues, {advice}")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificate_authorities_that_are_missing_are_named_before_any_request(
    variable: str, api: Mocker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "missing.pem"))
    kind, text = error(sync(TODAY))
    assert kind == "config_error"
    assert "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a path that does not exist on this machine. Correct" in text
    assert api.call_count == 0


@pytest.mark.parametrize("text", [b"", b"<html></html>", b'{"data": null}', b'{"data": [1]}', b'"\xff"'])
def test_an_invalid_list_is_tried_again_like_any_fault(text: bytes, api: Mocker, waits: list[float]) -> None:
    api.get(LISTS["groups"], content=text)
    assert error(sync(raw_config(), "groups"))[0] == "transient_error"
    assert waits == [5, 10, 20]


@pytest.mark.parametrize(("stated", "waited"), [("60", 60), ("1", 5), ("900", 900), ("901", 5), ("soon", 5)])
def test_a_server_that_names_a_time_is_given_it(stated: str, waited: float, api: Mocker, waits: list[float]) -> None:
    api.post(USAGE, [{"status_code": 503, "headers": {"Retry-After": stated}}, {"json": GOOD}])
    assert not sync(TODAY).errors
    assert waits == [waited]


def test_ten_tries_are_the_most_of_a_whole_sync(api: Mocker, waits: list[float]) -> None:
    for url in LISTS.values():
        api.get(url, [{"status_code": 500}] * 3 + [{"json": {"data": []}}])
    output = sync(raw_config(), *LISTS)
    assert [output.get_stream_statuses(name)[-1].value for name in LISTS] == ["COMPLETE"] * 3 + ["INCOMPLETE"]
    assert len(waits) == 10
    assert "after 2 tries in a row" in error(output)[1]
    assert "This sync used 14 of the day's 100 API requests; credit_usage was not read." in log(output)


def test_one_broken_stream_leaves_the_others_complete(api: Mocker) -> None:
    api.get(LISTS["members"], status_code=500)
    api.get(LISTS["groups"], json={"data": [{"group_id": 7}]})
    output = sync(raw_config(), "members", "groups")
    assert rows(output, "groups") == [{"group_id": 7}]
    assert output.get_stream_statuses("groups")[-1].value == "COMPLETE"


def refused(status: int, message: str = "No, no.", **headers: str) -> Json:
    return {"status_code": status, "json": {"message": message}, "headers": headers}


def invalid(reason: str, **headers: str) -> Json:
    problem = {"message": "Not valid.", "invalid_params": [{"name": "end_date", "reason": reason}]}
    return {"status_code": 400, "json": {"problem": problem}, "headers": headers}


ELSEWHERE = "which was not followed because that could leak the API key (HTTP {}: No, no.)"
OLD, FUTURE = "is too far back", "This machine's clock is ahead of Magnific's, which still shows 2026-11-21 ("
YESTERDAY, RIGHT_TIME = "Sat, 21 Nov 2026 23:00:00 GMT", "Sun, 22 Nov 2026 13:00:00 GMT"
FINAL: list[tuple[str, Json, str]] = [
    ("config_error", {"exc": requests.exceptions.InvalidSchema}, "Set HTTPS_PROXY or ALL_PROXY to an address"),
    ("config_error", {"exc": requests.exceptions.InvalidURL}, "proxy setting (InvalidURL). Set HTTPS_PROXY"),
    ("system_error", {"exc": OSError(ENOSPC, "No space left on device")}, ""),
    ("config_error", refused(400), "accept the request (HTTP 400: No, no.). Correct the setting that the error names."),
    ("config_error", refused(401), "Magnific refuses the API key (HTTP 401: No, no.). Create a new key"),
    ("config_error", refused(403), "not allow it to read analytics (HTTP 403: No, no.). Check that the team"),
    ("system_error", refused(404), "responded with an error (HTTP 404: No, no.). Check any proxy and"),
    ("system_error", refused(422), "responded with an error (HTTP 422: No, no.). Check any proxy and"),
    ("config_error", invalid(OLD), f"(HTTP 400: Not valid. end_date: {OLD}). If Magnific no longer has"),
    *[
        ("config_error", invalid(said, Date=YESTERDAY), f"{FUTURE}HTTP 400: Not valid. end_date: {said}). Set")
        for said in ("date lies in the future", "future day")
    ],
    ("config_error", invalid("supported in a future release", Date=YESTERDAY), "does not accept the request"),
    ("config_error", invalid("lies in the future", Date=RIGHT_TIME), "does not accept the request"),
    ("config_error", refused(400, "Dates too old."), "(HTTP 400: Dates too old.). If Magnific no longer has"),
    ("config_error", invalid("lies in the future"), "This machine's clock is ahead of Magnific's (HTTP 400"),
    *[("system_error", refused(status, Location="/v2"), ELSEWHERE.format(status)) for status in (300, 301, 302, 303)],
    ("system_error", refused(307, Location="http://api.magnific.com/x"), ELSEWHERE.format(307)),
    ("system_error", refused(308, Location="https://evil.example/x"), ELSEWHERE.format(308)),
    # If an error response has no message, only its status is reported.
    *[
        ("config_error", {"status_code": 403, "content": content}, "(HTTP 403). ")
        for content in (b"", b"\xff", b"[1]", b'{"problem": 3}', b'{"x": 1}', b"[" * 100_000)
    ],
]


@pytest.mark.parametrize(("kind", "response", "words"), FINAL)
def test_a_final_error_ends_the_stream(kind: str, response: Json, words: str, api: Mocker, waits: list[float]) -> None:
    elsewhere = api.register_uri(ANY, ANY, json=GOOD)
    api.post(USAGE, **response)
    found, text = error(sync(TODAY))
    assert (found, api.call_count, elsewhere.call_count, waits) == (kind, 1, 0, [])
    assert words in text
    assert not re.search(r"CA_BUNDLE|evil|v2", text)


def test_a_refused_range_on_enterprise_may_be_one_of_business(api: Mocker) -> None:
    api.post(USAGE, **invalid(OLD))
    assert "If the team is on the Business plan, set plan to business" in error(sync(raw_config(plan="enterprise")))[1]


def test_a_day_that_magnific_does_not_have_yet_is_left_to_the_next_sync(api: Mocker) -> None:
    api.post(USAGE, **invalid("lies in the future", Date="Sat, 21 Nov 2026 23:59:00 GMT"))
    output = sync(raw_config(lookback_window_days=0), state=saved_state("2026-11-21", end="2026-11-22"))
    assert (output.errors, api.call_count) == ([], 1)
    assert "This sync reads usage through 2026-11-21" in log(output)


def test_after_a_refused_key_no_stream_sends_another_request(api: Mocker) -> None:
    api.get(LISTS["members"], status_code=401, json={"message": "Bad key"})
    output = sync(raw_config(), "members", "groups", "credit_usage")
    assert api.call_count == 1
    final = {output.get_stream_statuses(name)[-1].value for name in ("members", "groups", "credit_usage")}
    assert (error(output)[0], final) == ("config_error", {"INCOMPLETE"})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"message": " Two\n lines "}, "Two lines"),
        ({"message": "Ask ann@example.com."}, "Ask [email]"),
        ({"message": 5}, ""),
        ({"message": "No.", "invalid_params": None}, "No."),
        ({"message": "No.", "invalid_params": 5}, "No."),
        ({"message": "No.", "invalid_params": ["x", {"name": "a", "reason": "b"}]}, "No. a: b"),
        ({"problem": {"message": "No."}, "message": "outer"}, "No."),
        ({"message": "x" * 501}, "x" * 500),
        ("No.", ""),
    ],
)
def test_the_apis_own_words_are_one_line_without_addresses(document: Any, words: str) -> None:
    assert api_words(json.dumps(document).encode()) == words
