"""Test the saved state: the last day read, the settings, and the number of rows that the warehouse might hold."""

import json
from copy import deepcopy
from typing import Any

import pytest
from airbyte_cdk.models import SyncMode
from airbyte_cdk.utils import AirbyteTracedException
from builders import PROJECT, Json, answer, config, raw_config, saved_state
from in_process import LISTS, USAGE, error, log, states, sync
from msgspec.structs import replace
from pendulum import Date
from requests_mock import Mocker

from source_magnific_analytics import state
from source_magnific_analytics.by_key import _SavedKeys
from source_magnific_analytics.state import Progress, RowCounts, Settings
from source_magnific_analytics.windows import Granularity

DAY, WEEK, MONTH, _ = Granularity
ROWS = {"day": {"first": "2026-11-14", "places": [2, 0, 1]}}


def adapted(saved: Json, **changes: Any) -> Progress:
    """Read a saved state, and return its progress under the default settings with `changes` applied."""
    now = config(**changes)
    known = state.read(saved, Progress, "credit_usage", full_refresh=False)
    assert known
    settings = Settings(now.granularity, now.start_date, dict(now.filters))
    return state.adapted(*known, settings, now.end_date)


def test_the_state_says_how_far_it_came_under_which_settings_and_how_many_rows_there_are() -> None:
    settings = Settings(WEEK, Date(2026, 11, 1), {"group_ids": [7, 3]})
    days = {(DAY, Date(2026, 12, 30)): 12, (DAY, Date(2027, 1, 2)): 3}
    progress = Progress(Date(2026, 11, 20), RowCounts({**days, (MONTH, Date(2026, 2, 1)): 5}))
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
    assert replace(settings, full_refresh=True).as_json == {**settings.as_json, "unfinished_full_refresh": True}


KNOWN = RowCounts({(DAY, Date(2026, 11, 14)): 2, (DAY, Date(2026, 11, 16)): 1})
SETTINGS = saved_state("2026-11-20")
del SETTINGS["rows"], SETTINGS["date"]
KEY = {"date": "2026-11-20", "rows": ROWS, "read_on": "2026-11-20", "tried_on": "2026-11-21"}
TEAM = "credit_usage", Progress, saved_state("2026-11-20", rows=ROWS, end="2026-11-22", other_filters=True)
BY_KEY = (
    "credit_usage_by_api_key",
    _SavedKeys,
    {**SETTINGS, "day": {"date": "2026-11-20", "requests": 3}, "keys": {"fpk-1": KEY}},
)
# Paths in a state, with values that the connector never writes there. `...` removes the value.
BROKEN = [
    (TEAM, "date", [..., "", 20261120, "2026-11-20T00:00:00", "2026-02-30", {}, "0001-01-01", "9999-12-31"]),
    (TEAM, "granularity", [..., None, "hour", 1, ["day"]]),
    (TEAM, "start_date", [..., None, "first of May", 1]),
    (TEAM, "filters", [..., None, [], "group_ids", {"group_ids": 7}]),
    (TEAM, "end", ["never", 1]),
    (TEAM, "other_filters", [None, 1, "yes"]),
    (TEAM, "rows", [..., None, [], "all", {"hour": ROWS["day"]}, {"day": []}, {"2026-11-14": ["AAAAAAAA"]}]),
    # In these states, `first` is not the first day of a period.
    (TEAM, "rows", [{size: ROWS["day"]} for size in ("week", "month", "year")]),
    (TEAM, "rows/day/first", [..., None, 1, "", "2026-11-31", "9990-01-01"]),
    (TEAM, "rows/day/places", [..., None, 3, "3", [-1], [True], [1.5], ["1"], [10**6 + 1]]),
    (BY_KEY, "day", [..., {}, None, 5]),
    (BY_KEY, "day/date", [...]),
    (BY_KEY, "day/requests", [..., -1, "many"]),
    (BY_KEY, "keys", [..., 5, [], {"fpk-1": {}}]),
    *[(BY_KEY, f"keys/fpk-1/{name}", [..., 1, "x"]) for name in ("date", "rows")],
    *[(BY_KEY, f"keys/fpk-1/{name}", [1, "x"]) for name in ("read_on", "tried_on")],
]


def changed(saved: Json, path: str, value: Any) -> Json:
    """Return a copy of a state with a different value at `path`. `...` removes the value."""
    saved = part = deepcopy(saved)
    *places, last = path.split("/")
    for place in places:
        part = part[place]
    part[last] = value
    if value is ...:
        del part[last]
    return saved


@pytest.mark.parametrize(("of", "path", "value"), [(of, path, value) for of, path, each in BROKEN for value in each])
def test_a_state_that_cannot_be_read_is_an_error_that_says_what_to_do(of: Any, path: str, value: Any) -> None:
    stream, kind, whole = of
    saved = changed(whole, path, value)
    assert state.read(whole, kind, stream, full_refresh=False)
    for is_unfinished in (False, True):
        # A full refresh reads only the state of an unfinished full refresh, so mark this state accordingly.
        with pytest.raises(AirbyteTracedException) as raised:
            state.read({**saved, "unfinished_full_refresh": True}, kind, stream, full_refresh=is_unfinished)
        words = raised.value.message or ""
        assert words.startswith(f"The saved state of {stream} cannot be read (")
        assert words.endswith(
            "). It was edited, or written by another version of this connector. Clear the stream in Airbyte and sync "
            'again; with PyAirbyte, read once with force_full_refresh=True and write_strategy="replace".'
        )
    assert state.read(saved, kind, stream, full_refresh=True) is None


@pytest.mark.parametrize(("last", "beyond"), [("1990-01-01", "1989-12-31"), ("2200-12-31", "2201-01-01")])
def test_a_saved_day_is_one_of_three_centuries(last: str, beyond: str) -> None:
    assert state.read(saved_state(last), Progress, "credit_usage", full_refresh=False)
    with pytest.raises(AirbyteTracedException, match=r"cannot be read \(not a plausible date - at `\$.date`\)\. "):
        state.read(saved_state(beyond), Progress, "credit_usage", full_refresh=False)


@pytest.mark.parametrize("of", [TEAM, BY_KEY])
def test_no_request_of_a_stream_is_sent_behind_a_state_that_cannot_be_read(of: Any, api: Mocker) -> None:
    stream, _, whole = of
    api.get(LISTS["api_keys"], json={"data": [{"api_key_id": "fpk-1"}]})
    usage = api.post(USAGE, json=answer())
    output = sync(raw_config(), stream, state={**whole, "filters": None})
    kind, words = error(output)
    assert (kind, usage.called, output.records_and_state_messages) == ("config_error", False, [])
    assert words.startswith(f"The saved state of {stream} cannot be read (")


@pytest.mark.parametrize("nothing", [{}, {"__ab_no_cursor_state_message": True, "__ab_x": 1}])
@pytest.mark.parametrize("mode", SyncMode)
def test_without_a_state_of_ours_a_sync_reads_from_the_start_date(nothing: Json, mode: SyncMode, api: Mocker) -> None:
    api.post(USAGE, json=answer())
    output = sync(raw_config(), state=nothing, usage_mode=mode)
    assert (output.errors, "read again" in log(output)) == ([], False)
    assert api.request_history[0].json()["start_date"] == "2026-11-01"


@pytest.mark.parametrize("changes", [{}, {"lookback_window_days": 60}, {"plan": "enterprise"}])
def test_under_the_same_settings_a_sync_goes_on(changes: Json) -> None:
    saved = saved_state("2026-11-20", rows=ROWS)
    assert adapted(saved, **changes) == Progress(Date(2026, 11, 20), KNOWN)
    unfinished = {**saved, "date": None, "unknown": 1}
    assert adapted(unfinished, **changes) == Progress(None, KNOWN)
    # The later start date leaves out 1 November, but the table might have rows for that day, so it is read again.
    later = adapted(unfinished, start_date="2026-11-02", **changes)
    assert later == Progress(Date(2026, 10, 31), KNOWN, Date(2026, 11, 22))


RESTARTED = "From that day on, new rows replace rows read with the old settings. You do not need to do anything."


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
def test_a_sync_restarts_under_other_settings(before: Json, now: Json, remark: str | None, api: Mocker) -> None:
    saved = saved_state("2026-11-20", rows=ROWS, **before)
    date, other_filters = (None, "filters" in remark) if remark else (Date(2026, 11, 20), False)
    assert adapted(saved, **now) == Progress(date, KNOWN, other_filters=other_filters)
    api.post(USAGE, json=answer())
    [line] = [line for line in log(sync(raw_config(**now), state=saved)).splitlines() if "read again" in line] or [None]
    assert bool(line) == bool(remark)
    if remark:
        assert line.startswith(remark)
        assert line.endswith(f" is read again from {config(**now).start_date} on. {RESTARTED}")


@pytest.mark.parametrize(("changes", "last"), [({}, "2026-11-22"), ({"end_date": "2026-11-10"}, "2026-11-10")])
def test_a_saved_day_after_the_last_counts_as_that(changes: Json, last: str) -> None:
    assert adapted(saved_state("2027-01-01", rows=ROWS), **changes) == Progress(Date.fromisoformat(last), KNOWN)
    assert adapted(saved_state(last), **changes) == Progress(Date.fromisoformat(last), RowCounts())


def test_a_full_refresh_that_was_interrupted_at_its_very_end_sends_no_request(api: Mocker) -> None:
    interrupted = saved_state("2026-11-20", unfinished_full_refresh=True)
    output = sync(raw_config(end_date="2026-11-20"), state=interrupted, usage_mode=SyncMode.full_refresh)
    assert (output.errors, states(output), api.call_count) == ([], [saved_state("2026-11-20")], 0)


def test_an_error_of_the_first_request_says_what_earlier_syncs_saved(api: Mocker) -> None:
    api.post(USAGE, status_code=425)
    text = error(sync(raw_config(), state=saved_state("2026-11-20")))[1]
    assert "Credit usage is saved through 2026-11-20, and the next sync continues from there." in text
