"""What comes back instead of usage, and what the user gets: the kind of error, its words, and the tries before it."""

import json
from collections.abc import Mapping
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock
from builders import answer, body, entry, period, raw_config, saved_state, tool
from in_process import LISTS, USAGE, error, log, rows, states, sync
from urllib3.exceptions import MaxRetryError, NewConnectionError

from source_magnific_analytics.failures import api_words

UNREACHABLE = MaxRetryError(None, "/", NewConnectionError(None, "Failed to resolve"))  # type: ignore[arg-type]
# One day, which cannot be asked for in smaller parts: test_long_ranges.py has what can.
TODAY = raw_config(start_date="2026-11-22")
GOOD = answer(period("2026-11-22", tool("Mystic", entry())))
FAULTS: Mapping[str, dict[str, Any]] = {
    "HTTP 500": {"status_code": 500, "text": "oops"},
    "HTTP 502": {"status_code": 502, "text": "<html>bad gateway</html>"},
    "HTTP 503": {"status_code": 503},
    "HTTP 504": {"status_code": 504},
    "HTTP 408": {"status_code": 408},
    "HTTP 413": {"status_code": 413},
    "HTTP 425": {"status_code": 425},
    "HTTP 204": {"status_code": 204},
    "no connection in time": {"exc": requests.exceptions.ConnectTimeout},
    "no complete answer in time": {"exc": requests.exceptions.ReadTimeout},
    "no secure connection": {"exc": requests.exceptions.SSLError},
    "no connection through the proxy": {"exc": requests.exceptions.ProxyError},
    "no host of that name, or none that accepts connections": {"exc": requests.exceptions.ConnectionError(UNREACHABLE)},
    "a connection that broke": {"exc": requests.exceptions.ConnectionError},
    "an answer that broke off": {"exc": requests.exceptions.ChunkedEncodingError},
    "an answer that cannot be decompressed": {"exc": requests.exceptions.ContentDecodingError},
    "an error of the HTTP client (InvalidHeader)": {"exc": requests.exceptions.InvalidHeader},
    "the body is not complete JSON": {"content": body(period("2026-11-20"))[:-1]},
    "Expected `array`, got `null`": {"json": {"data": None}},
    "Object missing required field `data`": {"json": {}},
    "a period is dated 2020-01-01, outside 2026": {"json": answer(period("2020-01-01"))},
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_that_passes_is_survived_and_the_result_is_exact(
    what: str, api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.post(USAGE, [FAULTS[what], FAULTS[what], FAULTS[what], {"json": GOOD}])
    output = sync(TODAY)
    assert not output.errors
    assert [row["user_credits"] for row in rows(output)] == [10]
    assert waits == [5, 10, 20]
    for n, wait in enumerate(waits, 2):
        assert f"trying again in {wait:.0f} seconds (try {n} of 4)" in log(output)
    assert log(output).count(what) == 3


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_that_stays_ends_the_stream_and_is_never_no_usage(what: str, api: requests_mock.Mocker) -> None:
    api.post(USAGE, [{"json": {"data": []}}, FAULTS[what]])
    output = sync(raw_config(start_date="2026-05-26"))
    kind, words = error(output)
    assert kind == "transient_error"
    assert words.startswith("Magnific could not be read (")
    assert "tried 4 times in a row. Credit usage is saved through 2026-11-21, and the next sync continues" in words
    assert api.call_count == 1 + 4
    assert [state["date"] for state in states(output)] == [None, "2026-11-21"]
    assert output.get_stream_statuses("credit_usage")[-1].value == "INCOMPLETE"
    assert not rows(output)


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ({"status_code": 500}, "check whether Magnific has an outage or a proxy interferes."),
        ({"text": "<html>"}, "check whether Magnific has an outage or a proxy interferes."),
        ({"json": {"data": None}}, "Magnific's answers have changed: look for a newer version of this connector."),
    ],
)
def test_only_an_answer_of_another_shape_advises_a_newer_version(
    fault: dict[str, Any], advice: str, api: requests_mock.Mocker
) -> None:
    api.post(USAGE, **fault)
    assert error(sync(TODAY))[1].endswith(f"If this continues, {advice}")


@pytest.mark.parametrize("fault", [requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL])
def test_a_proxy_that_no_request_can_be_sent_through_is_named_at_once(
    fault: type[Exception], api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.post(USAGE, exc=fault)
    kind, text = error(sync(raw_config()))
    assert kind == "config_error"
    assert f"this machine's proxy setting ({fault.__name__}): correct HTTPS_PROXY" in text
    assert (api.call_count, waits) == (1, [])


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificate_authorities_that_are_missing_are_named_before_any_request(
    variable: str, api: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "missing.pem"))
    kind, text = error(sync(TODAY))
    assert kind == "config_error"
    assert "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names on this machine cannot be read: correct the path" in text
    assert api.call_count == 0


def test_a_full_disk_is_no_matter_of_certificates(api: requests_mock.Mocker) -> None:
    api.post(USAGE, exc=OSError(ENOSPC, "No space left on device"))
    kind, text = error(sync(TODAY))
    assert kind == "system_error"
    assert "CA_BUNDLE" not in text


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("text", [b"", b"<html></html>", b"[]", b"{}", b'{"data": null}', b'{"data": [1]}', b'"\xff"'])
def test_a_list_that_is_none_is_tried_again_like_any_fault(
    name: str, text: bytes, api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.get(LISTS[name], content=text)
    output = sync(raw_config(), name)
    assert error(output)[0] == "transient_error"
    assert waits == [5, 10, 20]


@pytest.mark.parametrize(("stated", "waited"), [("60", 60), ("1", 5), ("900", 900), ("901", 5), ("soon", 5)])
def test_a_server_that_names_a_time_is_given_it(
    stated: str, waited: float, api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.post(USAGE, [{"status_code": 503, "headers": {"Retry-After": stated}}, {"json": GOOD}])
    assert not sync(TODAY).errors
    assert waits == [waited]


def test_ten_tries_are_the_most_of_a_whole_sync(api: requests_mock.Mocker, waits: list[float]) -> None:
    for url in LISTS.values():
        api.get(url, [{"status_code": 500}] * 3 + [{"json": {"data": []}}])
    output = sync(raw_config(), *LISTS)
    assert [output.get_stream_statuses(name)[-1].value for name in LISTS] == ["COMPLETE"] * 3 + ["INCOMPLETE"]
    assert len(waits) == 10
    assert "tried 2 times in a row" in error(output)[1]
    assert "This sync used 14 of the day's 100 API requests; no credit usage read." in log(output)


def test_one_broken_stream_leaves_the_others_complete(api: requests_mock.Mocker) -> None:
    api.get(LISTS["members"], status_code=500)
    api.get(LISTS["groups"], json={"data": [{"group_id": 7}]})
    output = sync(raw_config(), "members", "groups")
    assert rows(output, "groups") == [{"group_id": 7}]
    assert output.get_stream_statuses("groups")[-1].value == "COMPLETE"


def test_a_fault_before_anything_was_saved_says_where_the_next_sync_continues(api: requests_mock.Mocker) -> None:
    api.post(USAGE, status_code=500)
    assert "The next sync continues where the last one stopped." in error(sync(raw_config()))[1]


FINAL = [
    (400, "config_error", "does not accept the request (HTTP 400: No, no.). Correct the setting it names."),
    (401, "config_error", "Magnific refuses the API key (HTTP 401: No, no.). Create a new key"),
    (403, "config_error", "does not let it read analytics (HTTP 403: No, no.). Analytics need a Business"),
    (404, "system_error", "answered with an error (HTTP 404: No, no.). Check base_url"),
    (405, "system_error", "answered with an error (HTTP 405: No, no.). Check base_url"),
    (422, "system_error", "answered with an error (HTTP 422: No, no.). Check base_url"),
]


@pytest.mark.parametrize(("status", "kind", "words"), FINAL)
def test_what_another_try_cannot_mend_ends_the_stream_at_once(
    status: int, kind: str, words: str, api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.post(USAGE, status_code=status, json={"message": "No, no."})
    found, text = error(sync(raw_config()))
    assert found == kind
    assert words in text
    assert (api.call_count, waits) == (1, [])


@pytest.mark.parametrize(
    ("plan", "hint"),
    [
        ("enterprise", "If the team is on the Business plan, set plan to business: its longest range is 180 days."),
        ("business", "If Magnific no longer offers days this old, set a later start_date."),
    ],
)
def test_a_refused_range_says_which_setting_may_be_wrong(plan: str, hint: str, api: requests_mock.Mocker) -> None:
    problem = {"message": "Not valid.", "invalid_params": [{"name": "start_date", "reason": "is too far back"}]}
    for document in (problem, {"problem": problem}):
        api.post(USAGE, status_code=400, json=document, headers={"Content-Type": "application/problem+json"})
        kind, text = error(sync(raw_config(plan=plan)))
        assert kind == "config_error"
        assert f"(HTTP 400: Not valid. start_date: is too far back). {hint}" in text


@pytest.mark.parametrize(
    ("reason", "is_clock"),
    [
        ("the date lies in the future", True),
        ("is a future date", True),
        ("more days will be supported in a future release", False),
        ("is not a day", False),
    ],
)
def test_only_a_date_in_the_future_names_the_clock_of_this_machine(
    reason: str, is_clock: bool, api: requests_mock.Mocker
) -> None:
    problem = {"message": "Not valid.", "invalid_params": [{"name": "end_date", "reason": reason}]}
    headers = {"Date": "Sat, 21 Nov 2026 23:00:00 GMT"}
    api.post(USAGE, [{"status_code": 400, "json": problem, "headers": headers}])
    kind, text = error(sync(TODAY))
    assert kind == "config_error"
    assert ("this machine's clock is ahead of Magnific's, where it is 2026-11-21. Set the clock" in text) == is_clock


def test_a_day_that_magnific_does_not_have_yet_is_left_to_the_next_sync(api: requests_mock.Mocker) -> None:
    problem = {"message": "Not valid.", "invalid_params": [{"name": "end_date", "reason": "lies in the future"}]}
    api.post(USAGE, status_code=400, json=problem, headers={"Date": "Sat, 21 Nov 2026 23:59:00 GMT"})
    output = sync(raw_config(lookback_window_days=0), state=saved_state("2026-11-21", end="2026-11-22"))
    assert not output.errors
    assert api.call_count == 1
    assert "Until then usage is read through 2026-11-21" in log(output)


@pytest.mark.parametrize(
    "content", [b"", b"<html></html>", b"\xff", b"[1]", b'{"problem": 3}', b'{"x": 1}', b"[" * 100_000]
)
def test_an_error_without_words_is_reported_by_its_status(content: bytes, api: requests_mock.Mocker) -> None:
    api.post(USAGE, status_code=403, content=content)
    assert "(HTTP 403). " in error(sync(raw_config()))[1]


def test_after_a_refused_key_no_stream_sends_another_request(api: requests_mock.Mocker) -> None:
    api.get(LISTS["members"], status_code=401, json={"message": "Bad key"})
    output = sync(raw_config(), "members", "groups", "credit_usage")
    assert api.call_count == 1
    for name in ("members", "groups", "credit_usage"):
        assert output.get_stream_statuses(name)[-1].value == "INCOMPLETE"
    assert error(output)[0] == "config_error"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["https://evil.example/x", "http://api.magnific.com/v1/analytics/x", "/v2"])
def test_a_redirect_is_refused_and_the_key_does_not_travel(
    status: int, target: str, api: requests_mock.Mocker, waits: list[float]
) -> None:
    elsewhere = api.register_uri(requests_mock.ANY, requests_mock.ANY, json=GOOD)
    api.post(USAGE, status_code=status, headers={"Location": target})
    kind, text = error(sync(raw_config()))
    assert kind == "system_error"
    assert f"a redirect, which is refused because the API key would travel along (HTTP {status})" in text
    assert target not in text
    assert (api.call_count, elsewhere.call_count, waits) == (1, 0, [])


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"message": " Two\n lines "}, "Two lines"),
        ({"message": "Ask ann@example.com."}, "Ask [email]"),
        ({"message": 5}, ""),
        ({"message": "No.", "invalid_params": None}, "No."),
        ({"message": "No.", "invalid_params": 5}, "No."),
        ({"message": "No.", "invalid_params": True}, "No."),
        ({"message": "No.", "invalid_params": ["x", {"name": "a", "reason": "b"}]}, "No. a: b"),
        ({"problem": {"message": "No."}, "message": "outer"}, "No."),
        ({"message": "x" * 501}, "x" * 500),
        ("No.", ""),
    ],
)
def test_the_apis_own_words_are_one_line_without_addresses(document: Any, words: str) -> None:
    assert api_words(json.dumps(document).encode()) == words
