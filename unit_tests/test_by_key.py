"""Test that usage by API key is exact, is read once a day and stays within its share of the day's requests."""

import json
import re
from collections import Counter, defaultdict
from datetime import date
from typing import Any

import pytest
from airbyte_cdk.models import SyncMode
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput
from builders import Json, raw_config
from in_process import error, log, rows, states, sync
from pendulum import Date
from sandbox_api import SandboxApi

STREAM = "credit_usage_by_api_key"
TODAY = Date(2026, 3, 31)
FIRST_KEY = "fpk-3f9c1e7a52b0"


def team(**options: Any) -> SandboxApi:
    return SandboxApi(today=date(2026, 3, 31), **options)


class Connection:
    """A connection that syncs usage by API key, with its deduplicated table and its state."""

    def __init__(self, api: SandboxApi, **changes: Any) -> None:
        self.api = api
        self.config = raw_config(**{"start_date": "2026-03-01", **changes})
        self.table: dict[str, Json] = {}
        self.state: Json | None = None

    def sync(
        self, today: Date = TODAY, *streams: str, mode: SyncMode = SyncMode.incremental, at: str = "12:00"
    ) -> EntrypointOutput:
        self.api.asked.clear()
        self.api.lists.clear()
        self.api.control("today", {"date": str(today)})
        with self.api.serving():
            output = sync(self.config, *streams, STREAM, state=self.state, today=today, usage_mode=mode, at=at)
        for row in rows(output, STREAM):
            self.table[row["usage_id"]] = row
            if row.get("_ab_cdc_deleted_at"):
                del self.table[row["usage_id"]]
        self.state = states(output, STREAM)[-1] if states(output, STREAM) else self.state
        return output

    def totals(self) -> dict[str, Counter[tuple[str, str]]]:
        """Return each key's credits by date and tool."""
        sums: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for row in self.table.values():
            sums[row["api_key_id"]][row["date"], row["tool"]] += row["user_credits"]
        return sums

    def truth(self, filters: str = "") -> dict[str, Counter[tuple[str, str]]]:
        asked = f"ledger?start_date={self.config['start_date']}&granularity={self.config.get('granularity', 'day')}"
        found = {name: self.api.control(f"{asked}&api_key_ids={name}{filters}") for name in names(self.api)}
        return {
            name: Counter({(row["date"], row["tool"]): row["user_credits"] for row in of_key})
            for name, of_key in found.items()
            if of_key
        }

    def keys_asked(self) -> Counter[str]:
        return Counter(body["api_key_ids"][0] for body in self.api.asked if "api_key_ids" in body)


@pytest.fixture
def connection() -> Connection:
    return Connection(team())


def many(keys: int, **changes: Any) -> Connection:
    """Return a connection to a team with many keys and little usage."""
    return Connection(team(keys=keys, people=3), **{"start_date": "2026-03-30", **changes})


def names(api: SandboxApi) -> list[str]:
    listed = api.client.get("/v1/analytics/team-api-keys", headers=api.headers).json
    assert listed
    return [key["api_key_id"] for key in listed["data"]]


@pytest.mark.parametrize("granularity", ["day", "week", "month", "year"])
def test_every_key_is_exact_in_each_granularity_and_after_a_change(granularity: str, connection: Connection) -> None:
    connection.sync()
    for row in connection.table.values():
        assert row["usage_id"].startswith(f"{row['api_key_id']}-day-{row['date']}-")
    connection.config["granularity"] = granularity
    connection.sync(TODAY.add(days=1))
    first = {"week": "2026-02-23", "year": "2026-01-01"}.get(granularity, "2026-03-01")
    connection.config["start_date"] = first
    assert connection.totals() == connection.truth()


def test_a_key_is_asked_for_once_a_day_and_the_list_once_a_sync(connection: Connection) -> None:
    output = connection.sync(TODAY, "api_keys")
    assert not output.errors
    assert connection.api.lists["team-api-keys"] == 1
    assert set(connection.keys_asked().values()) == {1}
    connection.sync()
    assert connection.api.asked == []
    connection.sync(TODAY.add(days=1))
    assert set(connection.keys_asked().values()) == {1}
    assert connection.totals() == connection.truth()


def test_nothing_is_asked_for_days_long_before_a_key_was_created(connection: Connection) -> None:
    connection.config["start_date"] = "2023-01-01"
    connection.sync()
    first = {body["api_key_ids"][0]: body["start_date"] for body in reversed(connection.api.asked)}
    assert [first[key] for key in names(connection.api)] == ["2023-02-05", "2023-09-17", "2024-11-03", "2023-01-10"]
    assert connection.totals() == connection.truth()


def test_a_restart_with_an_end_date_before_a_key_was_created_leaves_none_of_its_old_rows() -> None:
    connection = Connection(team(), start_date="2024-11-01", end_date="2024-11-30", granularity="month")
    connection.config["api_key_ids"] = ["fpk-c5127fa9d36e"]
    connection.sync()
    assert {row["usage_id"] for row in connection.table.values()} > {"fpk-c5127fa9d36e-month-2024-11-01-0"}
    connection.config |= {"granularity": "day", "end_date": "2024-11-02"}
    connection.sync(TODAY.add(days=1))
    assert connection.table == {}


def test_150_keys_are_read_in_turn_over_the_days_and_no_request_is_spent_twice() -> None:
    connection = many(150)
    seen: Counter[str] = Counter()
    for day in range(3):
        for _ in range(2):
            output = connection.sync(TODAY.add(days=day))
            assert not output.errors
            seen += connection.keys_asked()
        assert sum(seen.values()) == 60 * (day + 1)
    assert (len(seen), max(seen.values()) - min(seen.values())) == (150, 1)
    assert re.search(
        r"Tomorrow it will read these keys \(last day read in parenthe.+\): fpk-\w+ \(2026-0\d-\d\d\), ", log(output)
    )
    # After two weeks without a sync, the least recently read keys still come first, and the gap causes no error.
    for day in (18, 19, 20):
        assert not connection.sync(TODAY.add(days=day)).errors
        seen += connection.keys_asked()
    assert max(seen.values()) - min(seen.values()) == 1


def test_a_request_counts_for_the_utc_day_on_which_it_is_sent() -> None:
    connection = many(150)
    connection.api.seconds = 60
    assert not connection.sync(at="23:40").errors
    assert connection.api.days == {"2026-03-31": 20, "2026-04-01": 60}
    assert connection.state and connection.state["day"] == {"date": "2026-04-01", "requests": 60}
    for day in (1, 2):
        assert not connection.sync(TODAY.add(days=day)).errors
    assert connection.api.days == {"2026-03-31": 20, "2026-04-01": 60, "2026-04-02": 60}


def test_one_key_that_always_fails_keeps_no_other_from_being_read(connection: Connection) -> None:
    connection.api.broken_keys = {FIRST_KEY}
    for day in range(3):
        output = connection.sync(TODAY.add(days=day))
        kind, text = error(output)
        assert (kind, text.startswith("Could not read from Magnific (HTTP 500)")) == ("transient_error", True)
        assert f"The usage of the API key {FIRST_KEY} could not be read: {text}" in log(output)
        assert set(connection.totals()) == set(connection.truth()) - {FIRST_KEY}
        asked = connection.keys_asked()
        assert list(asked)[-1 if day else 0] == FIRST_KEY
        # One key's failures do not shorten the other keys' ranges.
        assert {asked[key] for key in asked if key != FIRST_KEY} == {1}
    connection.api.broken_keys = set()
    assert not connection.sync(TODAY.add(days=3)).errors
    assert connection.totals() == connection.truth()
    assert "tried_on" not in json.dumps(connection.state)


def test_three_keys_that_fail_end_a_sync_and_the_others_have_their_turn_the_next_days() -> None:
    connection = Connection(team(keys=12, people=3))
    broken = names(connection.api)[:6]
    connection.api.broken_keys = set(broken)
    for day in range(3):
        assert connection.sync(TODAY.add(days=day)).errors
        asked = connection.keys_asked()
        assert set(asked) & set(broken) == set(broken[3 * (day % 2) :][:3])
        # Keys that fail do not cause more requests for the other keys.
        assert sum(asked[key] for key in broken) <= 10 + 3
        assert {asked[key] for key in asked if key not in broken} <= {1}
    assert set(connection.totals()) == set(connection.truth()) - set(broken)


@pytest.mark.parametrize(("status", "requests"), [(400, 3), (404, 3), (401, 1), (429, 3)])
def test_what_is_wrong_with_every_key_costs_three_requests(status: int, requests: int) -> None:
    connection = many(80)
    connection.api.refusal = status
    assert connection.sync(TODAY).errors
    assert len(connection.api.asked) == requests
    # After a 400 or 404, the sync tries two more keys. A 401 ends it at once, and so does a third 429.
    tried = 3 if status in (400, 404) else 1
    assert len(connection.keys_asked()) == tried
    assert connection.state and sum("tried_on" in key for key in connection.state["keys"].values()) == tried
    connection.api.refusal = 0
    assert not connection.sync(TODAY).errors
    assert len(connection.api.asked) == 60 - requests


def test_a_history_that_takes_many_days_gets_further_on_each() -> None:
    """Read three keys in turn from a server that returns only one day per request."""
    api = team(keys=3, people=3, quirks=({"kind": "status", "status": 504, "longer_than": 1},))
    connection = Connection(api, start_date="2026-01-01", granularity="month")
    read, first = Counter[str](), list[str]()
    for day in range(10):
        assert not connection.sync(TODAY.add(days=day)).errors
        # The connector starts reading a month only if enough of the stream's 60 requests for the day are left.
        assert len(api.asked) < 60
        first.append(api.asked[0]["api_key_ids"][0])
        keys = (connection.state or {})["keys"]
        read.update(name for name, key in keys.items() if key.get("read_on") == str(TODAY.add(days=day)))
    assert min(key["date"] for key in keys.values()) >= "2026-03-28"
    assert {*first[:3]} == {name for name in keys if read[name]} == {*keys}

    def over(sums: dict[str, Counter[tuple[str, str]]]) -> dict[str, dict[tuple[str, str], int]]:
        # Usage from March on might have grown after it was read, so only the earlier months are compared.
        return {key: {at: n for at, n in of_key.items() if at[0] < "2026-03"} for key, of_key in sums.items()}

    assert over(connection.totals()) == over(connection.truth())


def test_a_changed_filter_reads_every_key_again_and_leaves_nothing_of_the_old_one(connection: Connection) -> None:
    connection.sync()
    connection.config["group_ids"] = [37]
    output = connection.sync()
    assert f"The filters changed, so {STREAM} is read again from 2026-03-01 on." in log(output)
    assert "requesting these days again" not in log(output)
    assert connection.totals() == connection.truth("&group_ids=37")


def test_keys_that_are_named_are_the_only_ones_read_and_the_rows_of_others_stay(connection: Connection) -> None:
    for day in (0, 2):
        before = connection.totals()
        connection.config["api_key_ids"] = ["fpk-80d4b6e1c927", "FPK-80D4B6E1C927"]
        output = connection.sync(TODAY.add(days=day))
        assert set(connection.keys_asked()) == {"fpk-80d4b6e1c927"}
        assert "api_key_ids contains FPK-80D4B6E1C927, which the team does not have." in log(output)
        after = connection.totals()
        assert all(after[key] == before[key] for key in before.keys() - {"fpk-80d4b6e1c927"})
        del connection.config["api_key_ids"]
        connection.sync(TODAY.add(days=day + 1))
        assert connection.totals() == connection.truth()


def test_the_state_of_50_keys_and_three_years_of_days_is_below_256_kb() -> None:
    connection = many(5, start_date="2023-04-01")
    connection.sync()
    assert connection.state and len(connection.state["keys"]) == 5
    assert 10 * len(json.dumps(connection.state)) < 256_000


def test_a_full_refresh_that_takes_more_than_a_day_has_advises_an_incremental_sync() -> None:
    connection = many(100)
    output = connection.sync(TODAY, mode=SyncMode.full_refresh)
    assert "takes 100 API requests (one for each key and window)" in error(output)[1]
    assert "Choose an incremental sync mode, which" in error(output)[1]
    assert connection.api.asked == []
    # With 99 keys, a full refresh takes exactly 100 requests: one for the list of keys and one for each key.
    connection = many(99)
    for _ in range(2):
        connection.table.clear()
        assert not connection.sync(TODAY, mode=SyncMode.full_refresh).errors
        assert (len(connection.api.asked), connection.totals()) == (99, connection.truth())
    assert connection.state and "unfinished_full_refresh" not in connection.state


def test_a_year_of_a_key_that_takes_more_than_40_requests_is_an_error_that_advises_a_smaller_granularity() -> None:
    api = team(keys=1, people=3, quirks=({"kind": "status", "status": 504, "longer_than": 2},))
    output = Connection(api, start_date="2026-01-01", granularity="year").sync()
    assert error(output)[0] == "config_error"
    assert error(output)[1].startswith(
        "Magnific now returns at most 2 days per request, so one year of usage takes more than 40 of the day's 100 "
        "API requests. Choose a smaller granularity"
    )
