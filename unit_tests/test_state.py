"""What a sync leaves for the next: how far it came, under which settings, and how many rows the warehouse may hold."""

import json
from copy import deepcopy
from typing import Any

import pytest
import requests_mock
from airbyte_cdk.models import SyncMode
from airbyte_cdk.utils import AirbyteTracedException
from builders import PROJECT, answer, config, raw_config, saved_state
from hypothesis import given
from hypothesis import strategies as st
from in_process import LISTS, USAGE, error, log, sync
from msgspec.structs import replace
from pendulum import Date

from source_magnific_analytics import state
from source_magnific_analytics.by_key import _SavedKeys
from source_magnific_analytics.state import Places, Progress, Settings
from source_magnific_analytics.windows import Granularity, first_days

DAY, WEEK, MONTH, _ = Granularity
ROWS = {"day": {"first": "2026-11-14", "places": [2, 0, 1]}}
UNFINISHED = "unfinished_full_refresh"


def day(text: str) -> Date:
    return Date.fromisoformat(text)


def places(**days: int) -> Places:
    """Places of days of November 2026, such as d14=2."""
    return Places({(DAY, Date(2026, 11, int(name[1:]))): number for name, number in days.items()})


NONE = Places()
KNOWN = places(d14=2, d16=1)


def read(saved: dict[str, Any]) -> Progress:
    known = state.read(saved, Progress, "credit_usage", full_refresh=False)
    assert known
    return known[0]


def resumed(saved: dict[str, Any], **changes: Any) -> Progress:
    """The progress that a state is under the settings with `changes`."""
    now = config(**changes)
    known = state.read(saved, Progress, "credit_usage", full_refresh=False)
    assert known
    settings = Settings(now.granularity, now.start_date, dict(now.filters))
    return state.resumed(*known, settings, now.end_date)


def test_the_state_says_how_far_it_came_under_which_settings_and_how_many_rows_there_are() -> None:
    settings = Settings(WEEK, Date(2026, 11, 1), {"group_ids": [7, 3]})
    days = {(DAY, day("2026-12-30")): 12, (DAY, day("2027-01-02")): 3}
    progress = Progress(Date(2026, 11, 20), Places({**days, (MONTH, day("2026-02-01")): 5}))
    written = {**settings.as_json, **progress.as_json}
    assert written == json.loads(json.dumps(written))
    assert written == {
        "date": "2026-11-20",
        "granularity": "week",
        "start_date": "2026-11-01",
        "filters": {"group_ids": [7, 3]},
        "rows": {
            "day": {"first": "2026-12-30", "places": [12, 0, 0, 3]},
            "month": {"first": "2026-02-01", "places": [5]},
        },
    }
    assert state.read(written, Progress, "credit_usage", full_refresh=False) == (progress, settings)
    assert replace(settings, full_refresh=True).as_json == {**settings.as_json, UNFINISHED: True}


NO_STATES: list[dict[str, Any]] = [
    {},
    {"__ab_full_refresh_sync_complete": True},
    {"__ab_no_cursor_state_message": True, "__ab_x": 1},
]


@pytest.mark.parametrize("nothing", NO_STATES)
@pytest.mark.parametrize("mode", SyncMode)
def test_without_a_state_of_ours_a_sync_reads_from_the_start_date(
    nothing: dict[str, Any], mode: SyncMode, api: requests_mock.Mocker
) -> None:
    api.post(USAGE, json=answer())
    output = sync(raw_config(), state=nothing, usage_mode=mode)
    assert not output.errors
    assert "read again" not in log(output)
    assert api.request_history[0].json()["start_date"] == "2026-11-01"


KEYS = {
    **saved_state("2026-11-20"),
    "day": {"date": "2026-11-20", "requests": 3},
    "keys": {"fpk-1": {"date": "2026-11-20", "rows": ROWS, "read_on": "2026-11-20", "tried_on": "2026-11-21"}},
}
del KEYS["rows"], KEYS["date"]
STATES: dict[str, tuple[type, dict[str, Any]]] = {
    "credit_usage": (
        Progress,
        saved_state("2026-11-20", rows=ROWS, end="2026-11-22", other_filters=True, filters={"group_ids": [1]}),
    ),
    "credit_usage_by_api_key": (_SavedKeys, KEYS),
}


def unread(stream: str, saved: dict[str, Any], full_refresh: bool = False) -> str:
    """Why a state cannot be read; nothing where it can."""
    kind, _ = STATES[stream]
    try:
        assert (state.read(saved, kind, stream, full_refresh=full_refresh) is None) == (not saved)
    except AirbyteTracedException as raised:
        assert raised.failure_type and raised.failure_type.value == "config_error"
        return raised.message or ""
    return ""


def each(stream: str, path: str, *values: Any) -> list[tuple[str, str, Any]]:
    return [(stream, path, value) for value in values]


USAGE_STREAM, BY_KEY = STATES
BROKEN = [
    *[(USAGE_STREAM, part, ...) for part in ("date", "granularity", "start_date", "filters", "rows")],
    *each(USAGE_STREAM, "date", "", 20261120, "2026-11-20T00:00:00", "2026-02-30", {}, [], "0001-01-01", "9999-12-31"),
    *each(USAGE_STREAM, "granularity", None, "hour", 1, ["day"]),
    *each(USAGE_STREAM, "start_date", None, "first of May", 1),
    *each(USAGE_STREAM, "filters", None, [], "group_ids", {"group_ids": 7}),
    *each(USAGE_STREAM, "end", "never", 1),
    *each(USAGE_STREAM, "other_filters", None, 1, "yes"),
    *each(USAGE_STREAM, "rows", None, [], [1], "all", {"hour": ROWS["day"]}, {"day": []}, {"day": [2, 0, 1]}),
    # A state of the first version had keys of rows.
    (USAGE_STREAM, "rows", {"2026-11-14": ["AAAAAAAAAAAAAAAAAAAAAA"]}),
    *each(USAGE_STREAM, "rows/day/first", ..., None, 1, "", "2026-11-31", "someday", "9990-01-01"),
    *each(USAGE_STREAM, "rows/day/places", ..., None, 3, "3", [-1], [True], [1.5], ["1"], [10**6 + 1]),
    # Not the first day of a period.
    *each(USAGE_STREAM, "rows", *[{size: ROWS["day"]} for size in ("week", "month", "year")]),
    *[(BY_KEY, part, ...) for part in ("day", "day/date", "day/requests", "keys")],
    *[(BY_KEY, f"keys/fpk-1/{part}", ...) for part in ("rows", "date")],
    *[*each(BY_KEY, "day", {}, None, 5), *each(BY_KEY, "keys", 5, [], {"fpk-1": {}}), *each(BY_KEY, "filters", None)],
    *[*each(BY_KEY, "day/requests", -1, "many"), *each(BY_KEY, "keys/fpk-1/read_on", 1, "x")],
]  # fmt: skip


def changed(saved: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A state with another value at a place; `...` takes it away."""
    saved = part = deepcopy(saved)
    *places, last = path.split("/")
    for place in places:
        part = part[place]
    part[last] = value
    if value is ...:
        del part[last]
    return saved


@pytest.mark.parametrize(("stream", "path", "value"), BROKEN)
def test_a_state_that_cannot_be_read_is_an_error_that_says_what_to_do(stream: str, path: str, value: Any) -> None:
    saved = changed(STATES[stream][1], path, value)
    words = unread(stream, saved)
    assert words.startswith(f"The saved state of {stream} cannot be read (")
    assert words.endswith(
        "): it was edited, or written by another version of this connector. Clear the stream in Airbyte and sync "
        'again; with PyAirbyte, read once with force_full_refresh=True and write_strategy="replace".'
    )
    # A full refresh that starts afresh has no use for it; one that goes on has.
    assert state.read(saved, STATES[stream][0], stream, full_refresh=True) is None
    assert unread(stream, {**saved, UNFINISHED: True}, full_refresh=True)


@pytest.mark.parametrize("stream", STATES)
def test_no_request_of_a_stream_is_sent_behind_a_state_that_cannot_be_read(
    stream: str, api: requests_mock.Mocker
) -> None:
    api.get(LISTS["api_keys"], json={"data": [{"api_key_id": "fpk-1"}]})
    usage = api.post(USAGE, json=answer())
    output = sync(raw_config(), stream, state={**STATES[stream][1], "filters": None})
    assert error(output)[0] == "config_error"
    assert error(output)[1].startswith(f"The saved state of {stream} cannot be read (")
    assert not usage.called
    assert not output.records_and_state_messages


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["2026-11-20", "day", "2026-11-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


def places_in(saved: Any, path: str = "") -> list[str]:
    inner = saved.items() if isinstance(saved, dict) else ()
    return [place for name, value in inner for place in (f"{path}{name}", *places_in(value, f"{path}{name}/"))]


@given(st.data(), st.sampled_from([*STATES]), ANY_JSON | st.just(...))
def test_whatever_stands_in_a_state_it_is_understood_exactly_or_refused(data: Any, stream: str, value: Any) -> None:
    kind, whole = STATES[stream]
    saved = changed(whole, data.draw(st.sampled_from(places_in(whole))), value)
    if not unread(stream, saved):
        known = state.read(saved, kind, stream, full_refresh=False)
        assert known
        found, settings = known
        parts = (
            [(saved, found)]
            if stream == USAGE_STREAM
            else [(saved["keys"][key], found.keys[key]) for key in found.keys]
        )
        assert settings.as_json == {name: saved[name] for name in settings.as_json}
        for written, one in parts:
            again = one.as_json
            assert again["date"] == written["date"]
            assert again.get("other_filters", False) is written.get("other_filters", False)
            assert held(again["rows"]) == held(written["rows"])
            for name in ("end", "read_on", "tried_on"):
                assert again.get(name) == written.get(name)


def held(rows: dict[str, Any]) -> dict[tuple[str, Date], int]:
    """The places of each period that a state says something about."""
    return {
        (size, first): number
        for size, part in rows.items()
        for number, first in zip(
            part["places"], first_days(day(part["first"]), Date(2999, 1, 1), Granularity(size)), strict=False
        )
        if number
    }


@pytest.mark.parametrize("changes", [{}, {"lookback_window_days": 60}, {"plan": "enterprise"}])
def test_under_the_same_settings_a_sync_goes_on(changes: dict[str, Any]) -> None:
    saved = saved_state("2026-11-20", rows=ROWS)
    assert resumed(saved, **changes) == Progress(Date(2026, 11, 20), KNOWN)
    assert resumed({**saved, "date": None, "unknown": 1}, **changes) == Progress(None, KNOWN)


RESTARTED = "read again from {}. Its rows replace those of the earlier settings; there is nothing you need to do."


@pytest.mark.parametrize(
    ("before", "now", "remark"),
    [
        ({"start_date": "2026-10-01"}, {}, None),
        ({}, {"start_date": "2026-10-31"}, "Start_date moved from 2026-11-01 back to 2026-10-31, so"),
        ({"granularity": "week"}, {}, "Granularity changed from week to day, so"),
        ({"filters": {"group_ids": [1]}}, {}, "The filters changed, so"),
        ({}, {"group_ids": [1]}, "The filters changed, so"),
        ({"filters": {"group_ids": [1]}}, {"group_ids": [2]}, "The filters changed, so"),
        ({"filters": {"api_key_ids": ["a"]}}, {"api_key_ids": ["A"]}, "The filters changed, so"),
        ({"filters": {"x": [1]}}, {}, "The filters changed, so"),
        ({"filters": {"group_ids": [1, 2]}}, {"group_ids": [2, 1, 2]}, None),
        ({"filters": {"group_ids": []}}, {}, None),
        ({"filters": {"project_references": [PROJECT.upper()]}}, {"project_references": [PROJECT]}, None),
        (
            {"filters": {"group_ids": [1]}, "granularity": "week"},
            {"start_date": "2026-10-31"},
            "Granularity changed from week to day and the filters changed and start_date moved from 2026-11-01 back to",
        ),
    ],
)
def test_a_sync_restarts_where_settings_mean_something_else_and_keeps_the_rows(
    before: dict[str, Any], now: dict[str, Any], remark: str | None, api: requests_mock.Mocker
) -> None:
    saved = saved_state("2026-11-20", rows=ROWS, **before)
    date, other_filters = (None, "filters" in remark) if remark else (Date(2026, 11, 20), False)
    assert resumed(saved, **now) == Progress(date, KNOWN, other_filters=other_filters)
    api.post(USAGE, json=answer())
    [line] = [line for line in log(sync(raw_config(**now), state=saved)).splitlines() if "read again" in line] or [None]
    assert bool(line) == bool(remark)
    if line:
        assert line.startswith(remark or "")
        assert line.endswith(RESTARTED.format(config(**now).start_date))


@pytest.mark.parametrize(("changes", "last"), [({}, "2026-11-22"), ({"end_date": "2026-11-10"}, "2026-11-10")])
def test_a_saved_day_after_the_last_counts_as_that(changes: dict[str, Any], last: str) -> None:
    assert resumed(saved_state("2027-01-01", rows=ROWS), **changes) == Progress(Date.fromisoformat(last), KNOWN)
    assert resumed(saved_state(last), **changes) == Progress(Date.fromisoformat(last), NONE)
