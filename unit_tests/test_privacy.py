"""Test that no output contains the key at any log level, and that email addresses appear only in records."""

import pytest
import requests
from builders import KEY, Json, answer, body, entry, period, raw_config, tool
from in_process import ALL_STREAMS, LISTS, USAGE, everything_printed, rows, sync
from requests_mock import Mocker

EMAIL = "ann@example.com"
USED = answer(period("2026-11-20", tool("Mystic", entry(EMAIL))))
TOLD = f"The key {KEY} of {EMAIL} is not known."
ANSWERS: dict[str, Json] = {
    "usage": {"json": USED},
    "cut usage": {"content": body(*USED["data"])[:-1]},
    "usage of another kind": {"json": answer(period("2026-11-20", tool("Mystic", entry(EMAIL), uses=EMAIL)))},  # type: ignore[arg-type]
    "an invalid date": {"json": {"data": [{"date": EMAIL, "consumptions": []}]}},
    "a page": {"text": f"<html>{EMAIL} {KEY}</html>"},
    "a redirect": {"status_code": 302, "headers": {"Location": f"https://evil.example/{KEY}/{EMAIL}"}, "text": TOLD},
    "a bad request": {"status_code": 400, "json": {"problem": {"message": TOLD, "invalid_params": [{"name": EMAIL}]}}},
    "a refused key": {"status_code": 401, "json": {"message": TOLD}},
    "half a key where long messages are cut": {"status_code": 401, "json": {"message": "x" * 485 + " " + KEY}},
    "no privilege": {"status_code": 403, "json": {"message": TOLD}},
    "an unknown path": {"status_code": 404, "json": {"message": TOLD}},
    "a limit": {"status_code": 429, "json": {"message": TOLD}},
    "a broken server": {"status_code": 500, "text": TOLD},
    "no connection": {"exc": requests.exceptions.ConnectionError(TOLD)},
    "a strange failure": {"exc": requests.exceptions.InvalidHeader(TOLD)},
}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("what", ANSWERS)
def test_no_output_holds_the_key_or_an_address_whatever_comes_back(
    what: str, debug: bool, api: Mocker, capfd: pytest.CaptureFixture[str]
) -> None:
    api.post(USAGE, **ANSWERS[what])
    for url in LISTS.values():
        api.get(url, **(ANSWERS[what] if what != "usage" else {"json": {"data": []}}))
    output = sync(raw_config(), *ALL_STREAMS, debug=debug)
    printed = everything_printed(output)
    assert "credit_usage" in printed
    for text in (printed, capfd.readouterr().err):
        assert KEY[:8] not in text
        assert EMAIL not in text
    assert [row["user_email"] for row in rows(output)] == ([EMAIL] if what == "usage" else [])
