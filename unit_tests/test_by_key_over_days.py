"""Usage by API key where one day's requests are not enough: every day gets further, and no key is left behind."""

from collections import Counter

import pytest
from by_key_connection import STREAM, TODAY, Connection, team
from in_process import error, log
from sandbox_api import SandboxApi


def names(api: SandboxApi) -> list[str]:
    listed = api.client.get("/v1/analytics/team-api-keys", headers=api.headers).json
    assert listed
    return [key["api_key_id"] for key in listed["data"]]


@pytest.mark.parametrize(
    ("granularity", "start", "lookback"),
    [("month", "2026-01-01", 7), ("day", "2026-01-20", 60), ("week", "2026-01-05", 7)],
)
def test_a_history_that_takes_many_days_gets_further_on_each(granularity: str, start: str, lookback: int) -> None:
    """From a server that answers one day at a time, three keys in turn."""
    api = team(keys=3, people=3, longest_answer=1)
    connection = Connection(api, start_date=start, granularity=granularity, lookback_window_days=lookback)
    for day in range(12):
        assert not connection.sync(TODAY.add(days=day)).errors
        assert len(api.asked) <= 60
    assert connection.state is not None
    until = min(key["date"] for key in connection.state["keys"].values())
    assert until >= "2026-03-28"
    for found, expected in zip(connection.totals().values(), connection.truth().values(), strict=True):
        # The last period that is saved may have grown since.
        assert {at: n for at, n in found.items() if at[0] < until[:8]} == {
            at: n for at, n in expected.items() if at[0] < until[:8]
        }


def test_a_changed_filter_costs_no_more_than_a_fresh_start_however_many_days_it_takes() -> None:
    sent = []
    for changes in ({}, {"group_ids": [37]}):
        connection = Connection(team(keys=100, people=3), start_date="2025-08-01")
        for day in range(4):
            connection.sync(TODAY.add(days=day))
        if not changes:
            connection.state = None
        connection.config |= changes
        read: Counter[str] = Counter()
        for day in range(4, 8):
            output = connection.sync(TODAY.add(days=day))
            assert "asking again" not in log(output)
            read += connection.keys_asked()
        sent.append(len(read))
    assert sent[1] >= sent[0]


def test_keys_that_fail_take_no_more_than_ten_tries_and_teach_nothing_about_others() -> None:
    api = team(keys=12, people=3)
    api.broken_keys = set(names(api)[::2])
    connection = Connection(api)
    for day in range(6):
        assert connection.sync(TODAY.add(days=day)).errors
        asked = connection.keys_asked()
        assert sum(asked[key] for key in api.broken_keys) <= 10 + len(api.broken_keys)
        assert {asked[key] for key in asked if key not in api.broken_keys} <= {1}
    assert set(connection.totals()) == set(connection.truth()) - api.broken_keys


@pytest.mark.parametrize("keys", [100, 150])
def test_a_pause_between_two_syncs_is_no_fault_of_the_keys(keys: int) -> None:
    connection = Connection(team(keys=keys, people=3), start_date="2026-03-30")
    for day in (0, 1, 2, 3, 18, 19, 20):
        assert not connection.sync(TODAY.add(days=day)).errors


def test_a_key_that_never_comes_to_its_turn_is_an_error_still() -> None:
    connection = Connection(team(keys=500, people=3), start_date="2026-03-30")
    outputs = [connection.sync(TODAY.add(days=day)) for day in (*range(4), *range(14, 19))]
    assert f"since {STREAM} sends at most 60 API requests a day" in error(outputs[-1])[1]


@pytest.mark.parametrize("status", [400, 404])
def test_what_is_wrong_with_every_key_costs_two_requests(status: int) -> None:
    connection = Connection(team(keys=80, people=3), start_date="2026-03-30")
    connection.api.refusal = status
    output = connection.sync(TODAY)
    assert output.errors
    assert len(connection.api.asked) == 2
    connection.api.refusal = 0
    assert not connection.sync(TODAY).errors
    assert len(connection.api.asked) == 58
