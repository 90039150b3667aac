"""Test the commands `spec`, `check` and `discover`."""

import logging
from typing import Any

import pytest
import requests
from airbyte_cdk.models import AirbyteStream, FailureType, SyncMode
from airbyte_cdk.test.entrypoint_wrapper import discover
from airbyte_cdk.utils import AirbyteTracedException
from builders import OTHER_PROJECT, PROJECT, TODAY, Json, answer, raw_config, saved_state
from in_process import ALL_STREAMS, LISTS, USAGE, WHOLE_SENTENCES, check, clock, error, log, sync
from jsonschema import Draft7Validator
from requests_mock import Mocker

from source_magnific_analytics import SourceMagnificAnalytics
from source_magnific_analytics.config import LONGEST_RANGE_DAYS
from source_magnific_analytics.failures import listing
from source_magnific_analytics.windows import Granularity

SPEC = SourceMagnificAnalytics().spec(logging.getLogger("airbyte")).connectionSpecification
PROPERTIES: dict[str, Json] = SPEC["properties"]


def refusal(config: Json) -> AirbyteTracedException:
    with pytest.raises(AirbyteTracedException) as raised:
        check(config)
    assert WHOLE_SENTENCES.fullmatch(raised.value.message or "")
    return raised.value


def test_the_form_explains_every_entry_in_order_and_offers_what_the_connector_knows() -> None:
    Draft7Validator.check_schema(SPEC)
    assert [entry["order"] for entry in PROPERTIES.values()] == list(range(len(PROPERTIES)))
    assert all(entry["title"] and entry["description"].endswith(".") for entry in PROPERTIES.values())
    assert SPEC["required"] == ["api_key", "start_date"]
    assert [name for name, entry in PROPERTIES.items() if entry.get("airbyte_secret")] == ["api_key"]
    assert [name for name, entry in PROPERTIES.items() if entry.get("airbyte_hidden")] == ["base_url"]
    assert [name for name, entry in PROPERTIES.items() if entry.get("always_show")] == ["plan", "granularity"]
    patterns = [(entry, {**entry, **entry.get("items", {})}.get("pattern")) for entry in PROPERTIES.values()]
    assert all(entry["pattern_descriptor"] for entry, pattern in patterns if pattern), "required by Airbyte"
    assert PROPERTIES["granularity"]["enum"] == [granularity.value for granularity in Granularity]
    assert PROPERTIES["plan"]["enum"] == list(LONGEST_RANGE_DAYS)


def test_what_the_form_proposes_is_what_an_empty_entry_means(api: Mocker) -> None:
    api.post(USAGE, json=answer())
    proposed = {name: entry["default"] for name, entry in PROPERTIES.items() if "default" in entry}
    assert proposed == {
        "plan": "business", "granularity": "day", "lookback_window_days": 7, "base_url": "https://api.magnific.com"
    }  # fmt: skip
    for config in (raw_config(), raw_config(**proposed)):
        # Without the connector's filter, the CDK would log the whole state.
        assert "Setting state of" not in log(sync(config, state=saved_state("2026-11-20")))
    first, second = api.request_history
    assert (first.url, first.json()) == (second.url, second.json())
    assert first.json()["start_date"] == "2026-11-13"


@pytest.mark.parametrize(
    ("valid", "name", "values"),
    [
        (False, "start_date", ["2026-1-1", "01/11/2026", None]),
        (False, "end_date", ["tomorrow"]),
        (False, "plan", ["premium"]),
        (False, "granularity", ["hour"]),
        (False, "lookback_window_days", [-1, 181, "7"]),
        (False, "group_ids", [["Design"], [0]]),
        (False, "project_references", [["Spring"]]),
        (False, "api_key_ids", [[""]]),
        (False, "api_key", ["", None]),
        (True, "end_date", ["", "2026-11-02"]),
        (True, "lookback_window_days", [0, 180]),
        (True, "group_ids", [[7]]),
        (True, "project_references", [[PROJECT]]),
    ],
)
def test_the_form_shows_a_mistake_at_its_field_and_no_other(valid: bool, name: str, values: list[Any]) -> None:
    for value in values:
        errors = [*Draft7Validator(SPEC).iter_errors(raw_config(**{name: value}))]
        assert [name in f"{[*error.path]} {error.message}" for error in errors] == [True] * (not valid)


@pytest.fixture(scope="module")
def streams() -> dict[str, AirbyteStream]:
    """Return the streams that `discover` lists. The mock API has no responses, so any request would raise an error."""
    with Mocker():
        found = discover(SourceMagnificAnalytics(), raw_config()).catalog.catalog
    assert found
    return {stream.name: stream for stream in found.streams}


def test_discover_lists_the_small_streams_first_with_their_keys(streams: dict[str, AirbyteStream]) -> None:
    assert [*streams] == list(ALL_STREAMS)
    keys = ["email", "api_key_id", "group_id", "project_reference", "usage_id", "usage_id"]
    assert [stream.source_defined_primary_key for stream in streams.values()] == [[[key]] for key in keys]


def test_only_usage_is_incremental_by_its_own_cursor(streams: dict[str, AirbyteStream]) -> None:
    assert all(streams[name].supported_sync_modes == [SyncMode.full_refresh] for name in LISTS)
    for usage in (streams[name] for name in ALL_STREAMS[4:]):
        assert set(usage.supported_sync_modes or ()) == set(SyncMode)
        assert (usage.default_cursor_field, usage.source_defined_cursor) == (["date"], True)


def test_every_column_is_declared_and_described_and_unknown_ones_pass(streams: dict[str, AirbyteStream]) -> None:
    for stream in streams.values():
        assert stream.json_schema["additionalProperties"] is True
        assert not stream.json_schema.get("required")
        assert all(column["description"] for column in stream.json_schema["properties"].values())
    usage, by_key = ([*streams[name].json_schema["properties"]] for name in ALL_STREAMS[4:])
    assert usage == [
        *("usage_id", "date", "granularity", "tool", "user_email", "user_uses", "user_credits"),
        *("project_reference", "project_name", "group_name", "_ab_cdc_deleted_at"),
    ]
    assert sorted(by_key) == sorted([*usage, "api_key_id"])


@pytest.mark.parametrize(("plan", "start"), [("business", "2026-05-27"), ("enterprise", "2025-11-23")])
def test_a_check_asks_once_for_the_plans_longest_range_by_year(plan: str, start: str, api: Mocker) -> None:
    api.post(USAGE, json={"data": [{"date": "2019-01-01T00:00:00Z", "consumptions": []}]})
    with clock(TODAY):
        status = SourceMagnificAnalytics().check(logging.getLogger("airbyte"), raw_config(plan=plan)).status
    assert status.value == "SUCCEEDED"
    [request] = api.request_history
    assert request.json() == {"granularity": "year", "start_date": start, "end_date": "2026-11-22"}


@pytest.mark.parametrize(
    ("filters", "stream", "team", "words"),
    [
        (
            {"group_ids": [7, 9]}, "groups", [{"group_id": 7, "name": "Design"}, {"group_id": 8, "name": "Film"}],
            "group_ids contains 9, which the team does not have. The team has: 7 (Design), 8 (Film).",
        ),
        (
            {"project_references": [OTHER_PROJECT]}, "projects", [{"project_reference": PROJECT, "name": "TV"}],
            f"project_references contains {OTHER_PROJECT}, which the team does not have. The team has: {PROJECT} (TV).",
        ),
        (
            {"api_key_ids": ["a", "C"]}, "api_keys", [{"api_key_id": "c", "display_name": "CI"}],
            "api_key_ids contains a, C, which the team does not have. The team has: c (CI).",
        ),
        ({"group_ids": [7]}, "groups", [], "group_ids contains 7, which the team does not have. The team has none."),
    ],
)  # fmt: skip
def test_a_filter_for_something_unknown_names_it_with_the_known_ones(
    filters: Json, stream: str, team: list[Json], words: str, api: Mocker
) -> None:
    api.post(USAGE, json=answer())
    api.get(LISTS[stream], json={"data": team})
    problem = refusal(raw_config(**filters))
    assert (problem.failure_type, problem.message) == (FailureType.config_error, words)


def test_of_many_known_ones_twenty_are_shown(api: Mocker) -> None:
    api.post(USAGE, json=answer())
    for count, end in ((20, "19 (G19), 20 (G20)."), (21, "20 (G20) and 1 more."), (23, "20 (G20) and 3 more.")):
        api.get(LISTS["groups"], json={"data": [{"group_id": n + 1, "name": f"G{n + 1}"} for n in range(count)]})
        assert (refusal(raw_config(group_ids=[99])).message or "").endswith(end)
    assert len(listing(["x" * 200] * 20)) == 2000


def test_known_filters_take_one_request_a_kind_and_pass_in_any_case(api: Mocker) -> None:
    api.post(USAGE, json=answer())
    api.get(LISTS["groups"], json={"data": [{"group_id": 7, "name": "Design"}]})
    api.get(LISTS["projects"], json={"data": [{"project_reference": PROJECT.upper(), "name": "Spring"}]})
    assert check(raw_config(group_ids=[7], project_references=[PROJECT]))
    assert api.call_count == 3


def test_a_mistake_in_the_settings_is_reported_before_any_request(api: Mocker) -> None:
    config = raw_config(start_date="2026-11-23")
    problem = refusal(config)
    assert problem.failure_type == FailureType.config_error
    assert (error(sync(config)), api.call_count) == (("config_error", problem.message), 0)


def test_a_check_reads_the_answer_and_names_what_to_do(api: Mocker) -> None:
    api.post(USAGE, text="<html>")
    problem = refusal(raw_config())
    assert problem.failure_type == FailureType.transient_error
    assert (problem.message or "").endswith(
        "after 6 tries in a row. Try again later. If this continues, check for an outage at Magnific or a proxy that "
        "interferes."
    )


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        # If no connection can be made, waiting does not help.
        (requests.exceptions.ConnectTimeout, []),
        # The range might be too long, so the check also tries a single day before it gives up.
        (requests.exceptions.ConnectionError, [5, 10, 20, 20, 20]),
    ],
)
def test_a_check_of_an_unreachable_magnific_is_no_verdict_on_the_key(
    fault: type[Exception], waited: list[float], api: Mocker, waits: list[float]
) -> None:
    api.post(USAGE, exc=fault)
    problem = refusal(raw_config())
    assert (problem.failure_type, waits) == (FailureType.transient_error, waited)
    once = "after one try. Try again later. Check this machine's network, proxy and firewall."
    assert str(problem.message).endswith(once) == (not waited)
