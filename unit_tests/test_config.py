"""Test the settings that a user can enter, and the error message for each mistake."""

from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils import AirbyteTracedException
from builders import KEY, PROJECT, TODAY, Json, config
from pendulum import Date

from source_magnific_analytics.config import Config, parse
from source_magnific_analytics.windows import Granularity


def refusal(**changes: Any) -> str:
    with pytest.raises(AirbyteTracedException) as error:
        config(**changes)
    assert error.value.failure_type == FailureType.config_error
    assert error.value.message
    assert error.value.message == error.value.internal_message
    return error.value.message


def test_two_entries_are_enough() -> None:
    least = Config(TODAY, KEY, Date(2026, 1, 1), TODAY, "business", Granularity.DAY, 7, {}, "https://api.magnific.com")
    assert config(start_date="2026-01-01") == least
    assert config(start_date="2026-01-01", end_date="", group_ids=[], project_references=[], api_key_ids=[]) == least
    nothing = dict.fromkeys(("end_date", "plan", "granularity", "lookback_window_days", "group_ids", "api_key_ids"))
    assert parse({"api_key": KEY, "start_date": "2026-01-01", **nothing}, TODAY) == least


def test_every_entry_is_taken_as_it_is() -> None:
    filters = {"group_ids": [3, 1], "project_references": [PROJECT], "api_key_ids": ["fpk-1"]}
    given = {"plan": "enterprise", "granularity": "week", "lookback_window_days": 0, **filters}
    filled = config(start_date="2000-01-01", end_date="2000-01-01", **given)
    assert filled.start_date == filled.end_date == Date(2000, 1, 1)
    assert (filled.plan, filled.granularity, filled.lookback_days) == ("enterprise", "week", 0)
    assert filled.filters == filters


@pytest.mark.parametrize("end_date", ["2026-11-22", "2026-11-23", "2999-12-31"])
def test_nothing_after_today_is_ever_the_end(end_date: str) -> None:
    assert config(start_date="2026-11-22", end_date=end_date).end_date == TODAY


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize(
    "text",
    [
        *["2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "26-01-01", "2026-1-1", 20260101],
        *["2026-W01-1", "20260101", "2026-01-01\n", "2026-01-01T00:00", "\u0662\u0660\u0662\u0666-01-01"],
    ],
)
def test_a_day_is_one_of_the_calendar_in_the_plain_form(text: Any, name: str) -> None:
    assert refusal(**{name: text}).startswith(f"{name} is not valid: enter the ")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api_key": None}, "api_key is missing: enter the team's Magnific API key, exactly as Magnific shows it."),
        ({"start_date": None}, "start_date is missing: enter the first day of usage to sync, as YYYY-MM-DD."),
        ({"api_key": ""}, "api_key is not valid: enter the team's Magnific API key, exactly as Magnific shows it."),
        (
            {"start_date": "1999-12-31"},
            "start_date 1999-12-31 is too early: there was no usage before 2000-01-01. Enter a later day, because "
            "every empty half-year costs one of the day's 100 API requests.",
        ),
        (
            {"start_date": "2026-11-23"},
            "start_date 2026-11-23 is in the future: enter 2026-11-22 (today in UTC) or an earlier day.",
        ),
        (
            {"start_date": "2026-11-02", "end_date": "2026-11-01"},
            "start_date 2026-11-02 is after end_date 2026-11-01: enter an earlier start or a later end.",
        ),
    ],
)
def test_a_setting_that_is_missing_or_cannot_be_right_is_named_with_what_to_enter(changes: Json, words: str) -> None:
    assert refusal(**changes) == words


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("start_date", [""], "enter the first day of usage to sync, as YYYY-MM-DD."),
        ("end_date", ["x"], "enter the last day of usage to sync, as YYYY-MM-DD, or leave it empty."),
        ("api_key", [["x"]], "enter the team's Magnific API key, exactly as Magnific shows it."),
        ("plan", ["premium"], "enter business or enterprise."),
        ("granularity", [["day"], "hour"], "enter day, week, month or year."),
        (
            "lookback_window_days",
            [-1, 181, 7.5, True, float("inf"), float("nan"), [7], "week"],
            "enter a whole number of days from 0 to 180.",
        ),
        (
            "group_ids",
            [7, ["Design"], [0], [1.5], [True], {"1": 2}],
            "enter a list of positive whole numbers (group_id in the stream groups).",
        ),
        (
            "project_references",
            [["Spring"], [PROJECT + "\n"]],
            "enter a list of UUIDs (project_reference in the stream projects).",
        ),
        ("api_key_ids", ["fpk-1", [""]], "enter a list of IDs (api_key_id in the stream api_keys)."),
        ("base_url", [[8080]], "enter an address, or leave it out."),
    ],
)
def test_a_setting_of_another_kind_is_named_with_what_to_enter(name: str, values: list[Any], words: str) -> None:
    for value in values:
        assert refusal(**{name: value}) == f"{name} is not valid: {words}"


@pytest.mark.parametrize("value", [KEY, [KEY]])
@pytest.mark.parametrize("name", ["start_date", "plan", "granularity", "lookback_window_days", "base_url", "group_ids"])
def test_a_key_in_another_setting_is_not_repeated(name: str, value: Any) -> None:
    assert KEY not in refusal(**{name: value})


def test_a_whole_number_is_one_however_it_is_written() -> None:
    for seven, three in ((7.0, 3.0), ("7", "3")):
        assert config(lookback_window_days=seven, group_ids=[three]) == config(lookback_window_days=7, group_ids=[3])


@pytest.mark.parametrize("bad", [" ", "\n", "\r\nHost: evil", "\t", "\x00", "\x7f", "é", "\u00a0", "\u200b"])
@pytest.mark.parametrize("form", ["{}" + KEY, KEY + "{}", KEY[:4] + "{}" + KEY[4:]])
def test_a_key_with_anything_but_visible_ascii_is_refused_and_not_repeated(form: str, bad: str) -> None:
    words = refusal(api_key=form.format(bad))
    assert "api_key is not valid" in words
    assert KEY[4:] not in words


@pytest.mark.parametrize(
    "url",
    [
        *["https://magnific.com:65535", "https://api.freepik.com", "https://eu.api.magnific.com"],
        *["https://127.0.0.1:8443", "http://localhost:8080", "http://127.9.9.9", "http://[::1]:80"],
    ],
)
def test_the_api_may_be_at_magnific_over_https_or_on_this_machine(url: str) -> None:
    assert config(base_url=url).base_url == url


@pytest.mark.parametrize("entered", ["https://api.magnific.com/", "HTTPS://API.magnific.com"])
def test_an_address_may_end_in_a_slash_and_have_capitals(entered: str) -> None:
    assert config(base_url=entered).base_url == "https://api.magnific.com"


@pytest.mark.parametrize(
    "url",
    [
        *["", "api.magnific.com", "http://api.magnific.com", "https://proxy.example", "https://evilmagnific.com"],
        *["https://magnific.com.evil.example", "https://magnific.com.", "https://10.0.0.1", "http://169.254.169.254"],
        *["https://.magnific.com", "https://a..magnific.com", f"https://{'a' * 64}.magnific.com", "http://.localhost"],
        *["http://0.0.0.0", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://[fe80::1]"],
        *["http://[::ffff:10.0.0.1]", "file:///etc/passwd", "ftp://api.magnific.com", "https://", "https://[::1"],
        *["https://user@api.magnific.com", "https://user:secret@api.magnific.com", "https://@api.magnific.com"],
        *["https://api.magnific.com/v2", "https://api.magnific.com?x=1", "https://api.magnific.com#x"],
        *["http://localhost:8080/path", "ftp://localhost", "//localhost", "https://api.magnific.com:port"],
        *["https://api.magnific.com:65536", "https://api.magnific.com:\u0664", "https://api magnific.com"],
        *["https://api.magnific.com\\@evil.example", "https://api%2emagnific.com", "https://b\u00fccher.example"],
    ],
)
def test_no_other_address_gets_the_key(url: str) -> None:
    assert refusal(base_url=url) == (
        "base_url must be an https address under magnific.com or freepik.com or, for tests on this machine, "
        "http://localhost:PORT, without a user name, path or query. The API key is sent to this address, so "
        "no other host is allowed. Correct the address or leave it out."
    )
