"""Test the requests that the connector's streams send to Magnific, and the records that they emit."""

import logging
from collections.abc import Mapping
from typing import Any

import pendulum
import pytest
from airbyte_cdk.models import SyncMode
from airbyte_cdk.test.state_builder import StateBuilder
from airbyte_cdk.utils import AirbyteTracedException
from builders import KEY, OTHER_PROJECT, PROJECT, TODAY, Json, answer, entry, period, raw_config, saved_state, tool
from in_process import ALL_STREAMS, LISTS, USAGE, catalog, clock, error, log, rows, states, sync
from pendulum import Date
from requests_mock import Mocker

from source_magnific_analytics import SourceMagnificAnalytics

TEAM: Mapping[str, list[Json]] = {
    "members": [{"email": "ann@example.com", "role": "owner", "status": "active"}],
    "api_keys": [{"api_key_id": "fpk-1", "display_name": "CI", "created_at": "2026-01-05T10:00:00Z"}],
    "groups": [{"group_id": 7, "name": "Design", "member_count": 2}],
    "projects": [{"project_reference": PROJECT, "name": "Spring", "colour": "green"}],
}


def days(*dates: str) -> Json:
    """Return a response in which Ann uses one tool once on each of `dates`."""
    return answer(*(period(date, tool("Mystic", entry())) for date in dates))


def asked(api: Mocker) -> list[Json]:
    return [request.json() for request in api.request_history]


def test_a_sync_takes_five_requests_and_one_a_key_the_small_streams_first(api: Mocker) -> None:
    for name, url in LISTS.items():
        api.get(url, json={"data": TEAM[name]})
    api.post(USAGE, json=days("2026-11-20"))
    output = sync(raw_config(), *ALL_STREAMS)
    assert [request.url for request in api.request_history] == [*LISTS.values(), USAGE, USAGE]
    assert {(request.method, request.body) for request in api.request_history[:4]} == {("GET", None)}
    # Rows of lists are emitted unchanged, including unknown fields.
    assert {name: rows(output, name) for name in LISTS} == TEAM
    noon = 1000 * int(pendulum.datetime(2026, 11, 22, 12).timestamp())
    assert {m.record.emitted_at for m in output.records if m.record and m.record.stream.startswith("credit")} == {noon}
    assert not output.errors
    assert "This sync used 6 of the day's 100 API requests; credit_usage is saved through 2026-11-22." in log(output)


@pytest.mark.parametrize("mode", SyncMode)
def test_the_slices_of_usage_are_the_requests_that_a_sync_sends(mode: SyncMode, api: Mocker) -> None:
    api.get(LISTS["api_keys"], json={"data": [{"api_key_id": "fpk-1"}, {"api_key_id": "fpk-2"}]})
    api.post(USAGE, json=answer())
    config = raw_config(start_date="2026-01-01", group_ids=[7])
    for name in ALL_STREAMS[4:]:
        [*_, state] = states(sync(config, name, today=Date(2026, 11, 1)), name)
        with clock(TODAY):
            [stream] = [one for one in SourceMagnificAnalytics().streams(config) if one.name == name]
            slices = [*stream.stream_slices(sync_mode=mode, stream_state=state)]
        before = api.call_count
        sync(config, name, state=state, usage_mode=mode)
        sent = [request.json() for request in api.request_history[before:] if request.body]
        assert [{"group_ids": [7], **part} for part in slices] == sent
        assert len(sent) == (1 if mode is SyncMode.incremental else 2) * (2 if name.endswith("key") else 1)


@pytest.mark.parametrize("moment", ["yesterday", 5, None, "", "2026-01-05T10:00:00+20:00"])
def test_a_key_without_a_creation_time_is_emitted_without_it(moment: Any, api: Mocker) -> None:
    [key] = TEAM["api_keys"]
    api.get(LISTS["api_keys"], json={"data": [{**key, "created_at": moment}]})
    found = rows(sync(raw_config(), "api_keys"), "api_keys")
    assert found == [{name: value for name, value in key.items() if name != "created_at"}]


@pytest.mark.parametrize("state", [None, {"__ab_full_refresh_sync_complete": True}])
@pytest.mark.parametrize("found", [[], TEAM["groups"]])
def test_a_list_is_read_whole_even_where_it_was_complete(found: list[Json], state: Json | None, api: Mocker) -> None:
    api.get(LISTS["groups"], json={"data": found})
    output = sync(raw_config(), "groups", state=state)
    assert (rows(output, "groups"), output.errors) == (found, [])
    assert output.get_stream_statuses("groups")[-1].value == "COMPLETE"


def test_every_request_carries_the_key_limits_its_time_and_goes_to_the_address_entered(api: Mocker) -> None:
    here = "http://127.0.0.1:8080/v1/analytics/"
    api.get(here + "team-groups", json={"data": []})
    api.post(here + "team-credit-usage", json=answer())
    sync(raw_config(base_url="http://127.0.0.1:8080"), "groups", "credit_usage")
    assert len(api.request_history) == 2
    for request in api.request_history:
        assert (request.headers["x-magnific-api-key"], str(request.timeout)) == (KEY, "(10, 120)")


def test_usage_is_asked_for_in_json_with_both_ends_the_granularity_and_the_filters_as_entered(api: Mocker) -> None:
    api.post(USAGE, json=answer())
    filters = {"group_ids": [7, 3], "project_references": [PROJECT.upper()], "api_key_ids": ["fpk-1"]}
    sync(raw_config(granularity="week", **filters))
    assert asked(api) == [{"granularity": "week", "start_date": "2026-10-26", "end_date": "2026-11-22", **filters}]
    assert [request.headers["Content-Type"] for request in api.request_history] == ["application/json"]


def test_a_row_reaches_the_warehouse_without_the_columns_that_are_null(api: Mocker) -> None:
    used = entry(project_reference=PROJECT, project_name="Spring", group_name="Design")
    api.post(USAGE, json=answer(period("2026-11-20", tool("Mystic", used), tool("Asset Download", uses=2, credits=0))))
    anonymous, whole = rows(sync(raw_config()))
    assert [anonymous.pop("usage_id"), whole.pop("usage_id")] == ["day-2026-11-20-0", "day-2026-11-20-1"]
    assert whole == {"date": "2026-11-20", "granularity": "day", "tool": "Mystic", **used}
    assert anonymous == {
        "date": "2026-11-20", "granularity": "day", "tool": "Asset Download", "user_uses": 2, "user_credits": 0
    }  # fmt: skip


def test_the_places_of_a_window_are_saved_before_its_rows_and_its_day_after_them(api: Mocker) -> None:
    api.post(USAGE, [{"json": days("2026-01-05")}, {"json": days("2026-07-05")}])
    output = sync(raw_config(start_date="2026-01-01"))
    kinds = [message.type.value for message in output.records_and_state_messages]
    assert kinds[:6] == ["STATE", "RECORD", "STATE"] * 2
    first = {"day": {"first": "2026-01-05", "places": [1]}}
    assert [(state["date"], state["rows"]) for state in states(output)][:2] == [(None, first), ("2026-06-29", first)]
    both = {"day": {"first": "2026-01-05", "places": [1, *[0] * 180, 1]}}
    assert states(output)[-1] == saved_state("2026-11-22", start_date="2026-01-01", rows=both)


def test_a_year_on_business_is_read_by_months_and_emitted_as_a_year(api: Mocker) -> None:
    api.post(USAGE, [{"json": days("2025-01-01", "2025-02-01")}, {"json": days("2025-06-01")}, {"json": answer()}])
    [row] = rows(output := sync(raw_config(start_date="2025-06-15", end_date="2025-12-31", granularity="year")))
    assert [query["granularity"] for query in asked(api)] == ["month"] * 3
    assert (row["date"], row["granularity"], row["user_uses"]) == ("2025-01-01", "year", 3)
    # After each part, the connector repeats the last state, so that the platform sees progress.
    assert [state["date"] for state in states(output)][:5] == [None] * 4 + ["2025-12-31"]


def test_whatever_a_period_holds_takes_the_old_places_and_those_left_over_are_deleted_once(api: Mocker) -> None:
    def used(*usages: Json) -> Json:
        return answer(period("2026-11-20", tool("Mystic", *usages)))

    api.post(USAGE, json=used(entry("ann@old.example", project_reference=OTHER_PROJECT), entry("bob@example.com")))
    first = sync(raw_config())
    api.post(USAGE, json=used(entry("ann@new.example", uses=2, credits=20)))
    second = sync(raw_config(), state=states(first)[-1])
    third = sync(raw_config(), state=states(second)[-1])
    assert [row["usage_id"] for row in rows(first)] == ["day-2026-11-20-0", "day-2026-11-20-1"]
    new, deleted = rows(second)
    assert (new["usage_id"], new["user_email"]) == ("day-2026-11-20-0", "ann@new.example")
    rest = {"user_uses": 0, "user_credits": 0, "_ab_cdc_deleted_at": "2026-11-22T12:00:00.000Z"}
    assert deleted == {"usage_id": "day-2026-11-20-1", "date": "2026-11-20", "granularity": "day", **rest}
    assert "Rows deleted: 1 (periods affected: 1). Magnific's figures or" in log(second)
    assert (rows(third), "Rows deleted" in log(third)) == ([new], False)


def test_a_breakdown_above_the_totals_is_reported_once_with_figures_and_no_address_or_key(api: Mocker) -> None:
    named = f"Mystic of ann@example.com with {KEY}"
    part = [tool(named, entry(uses=5, credits=50), uses=3, credits=40), tool("Video", entry(), uses=0, credits=10)]
    api.post(USAGE, json=answer(period("2026-11-20", *part), period("2026-11-19", part[0])))
    assert (
        "In some periods, a tool's breakdown by user exceeds its totals, by 5 uses and 20 credits altogether "
        "(cases: 3; first: Mystic of [email] with **** on 2026-11-19)." in log(sync(raw_config()))
    )


@pytest.mark.parametrize("name", ["Members", "x" * 200])
def test_a_stream_that_does_not_exist_is_an_error_that_names_those_that_do(name: str, api: Mocker) -> None:
    output = sync(raw_config(), "members", name)
    assert error(output) == (
        "config_error",
        f"The catalog names the stream {name[:80]}, which does not exist. The streams are members, api_keys, groups, "
        "projects, credit_usage, credit_usage_by_api_key. Correct the catalog, or refresh the source's schema in "
        "Airbyte.",
    )
    assert api.call_count == 0


@pytest.mark.parametrize(("name", "namespace"), [("credit-usage", None), ("credit_usage", "main")])
def test_the_state_of_an_unknown_stream_is_never_no_state(name: str, namespace: str | None, api: Mocker) -> None:
    [state] = StateBuilder().with_stream_state(name, saved_state("2026-11-20")).build()
    assert state.stream
    state.stream.stream_descriptor.namespace = namespace
    read = SourceMagnificAnalytics().read
    named = name if namespace is None else f"{namespace}.{name}"
    with pytest.raises(AirbyteTracedException, match=f"The state names the stream {named}, which does not exist"):
        list(read(logging.getLogger("airbyte"), raw_config(), catalog("credit_usage"), [state]))
    assert api.call_count == 0


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("key", [..., None, True])
def test_a_list_row_without_its_key_is_not_emitted(name: str, key: Any, api: Mocker) -> None:
    [row] = TEAM[name]
    [primary_key] = {"email", "api_key_id", "group_id", "project_reference"} & set(row)
    broken = {k: v for k, v in {**row, primary_key: key}.items() if v is not ...}
    api.get(LISTS[name], json={"data": [row, broken]})
    output = sync(raw_config(), name)
    kind, words = error(output)
    assert (rows(output, name), kind, primary_key in words) == ([], "transient_error", True)


def test_the_rows_can_be_read_without_a_state(api: Mocker) -> None:
    api.post(USAGE, json=answer(period("2026-11-20", tool("Mystic", entry()))))
    [*_, usage, _] = SourceMagnificAnalytics().streams(raw_config())
    messages = list(usage.read_only_records())
    assert [message.record.data["date"] for message in messages] == ["2026-11-20"]  # type: ignore[union-attr]


def test_once_an_interrupted_sync_is_caught_up_with_the_lookback_before_its_end_is_read(api: Mocker) -> None:
    api.post(USAGE, json=days("2026-11-21"))
    [*_, caught_up] = states(sync(raw_config(), state=saved_state("2026-11-10", end="2026-11-12")))
    [*_, complete] = states(sync(raw_config(), state=caught_up))
    assert [query["start_date"] for query in asked(api)] == ["2026-11-11", "2026-11-05"]
    assert (caught_up["end"], complete.get("end")) == ("2026-11-12", None)
