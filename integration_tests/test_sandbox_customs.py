"""A sandbox of other facts: each is as it says, and where something happened the ledger knows of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import urllib3
from patience import HUNG
from sandbox_in_process import KEY, TODAY, USAGE, ask, listed, sandbox

from sandbox import Options, running

MARCH = {"granularity": "day", "start_date": "2026-03-01", "end_date": "2026-03-31"}
CUT = {"granularity": "week", "start_date": "2026-03-11", "end_date": "2026-03-17"}


def other(custom: str) -> Any:
    return sandbox(oddities=frozenset({custom}))


def credits_of(periods: Any) -> int:
    return sum(tool["user_credits"] for period in periods for tool in period["consumptions"])


def by_date(client: Any, **query: Any) -> dict[str, int]:
    return {period["date"][:10]: credits_of([period]) for period in ask(client, **query)}


def status(client: Any, start: str, end: str = str(TODAY)) -> int:
    code: int = client.post(USAGE, json={"start_date": start, "end_date": end}, headers=KEY).status_code
    return code


def days_before(count: int) -> str:
    return date.fromordinal(TODAY.toordinal() - count).isoformat()


def test_a_range_may_leave_out_its_end_date() -> None:
    usual = by_date(sandbox(), **MARCH)
    assert by_date(other("end-excluded"), **MARCH) == {day: n for day, n in usual.items() if day != "2026-03-31"}
    assert ask(other("end-excluded"), start_date="2026-03-10", end_date="2026-03-10") == []


@pytest.mark.parametrize(("custom", "longest"), [("longer-range", 181), ("shorter-range", 179)])
def test_the_longest_range_may_be_another(custom: str, longest: int) -> None:
    client = other(custom)
    assert [status(client, days_before(count - 1)) for count in (longest, longest + 1)] == [200, 400]


def test_old_dates_may_be_refused() -> None:
    client = other("old-dates-refused")
    assert [status(client, day, day) for day in (days_before(400), days_before(401))] == [200, 400]


def test_a_cut_period_may_hold_all_its_days_or_be_dated_by_the_range() -> None:
    usual, whole = by_date(sandbox(), **CUT), by_date(sandbox(), **{**CUT, **MARCH, "granularity": "week"})
    assert by_date(other("whole-edges"), **CUT) == {day: whole[day] for day in usual}
    assert by_date(other("edge-dates"), **CUT) == {
        "2026-03-11": usual["2026-03-09"],
        "2026-03-16": usual["2026-03-16"],
    }


def test_weeks_may_be_dated_by_sundays() -> None:
    assert set(by_date(other("sunday-weeks"), **CUT)) == {"2026-03-08", "2026-03-15"}
    assert by_date(other("sunday-weeks"), **MARCH) == by_date(sandbox(), **MARCH)


def test_longer_periods_may_lack_what_days_have() -> None:
    client = other("sizes-differ")
    assert by_date(client, **MARCH) == by_date(sandbox(), **MARCH)
    assert credits_of(ask(client, **{**MARCH, "granularity": "month"})) < credits_of(ask(client, **MARCH))


def test_usage_of_api_keys_may_be_told_otherwise_by_key() -> None:
    keys = {"api_key_ids": [key["api_key_id"] for key in listed(sandbox(), "api-keys")]}
    usual = credits_of(ask(sandbox(), **MARCH, **keys))
    assert credits_of(ask(other("keys-exceed"), **MARCH, **keys)) == 9 * usual
    assert credits_of(ask(other("keys-exceed"), **MARCH)) == credits_of(ask(sandbox(), **MARCH))
    nameless = ask(other("nameless-keys"), **MARCH, **keys)
    assert credits_of(nameless) == usual
    assert not any(tool.get("user_usages") for period in nameless for tool in period["consumptions"])


@pytest.mark.parametrize("custom", ["free-tool", "nameless-keys", "no-today"])
def test_of_what_happened_the_ledger_knows(custom: str) -> None:
    client = other(custom)
    told = client.get("/_sandbox/ledger", query_string=MARCH).json
    usual = sandbox().get("/_sandbox/rows", query_string=MARCH).json
    assert credits_of(ask(client, **MARCH)) == sum(row["user_credits"] for row in told)
    assert client.get("/_sandbox/rows", query_string=MARCH).json != usual
    client.post("/_sandbox/events", json=[{"kind": "refund", "day": "2026-03-10", "tool": told[0]["tool"]}])
    client.delete("/_sandbox/changes")
    assert client.get("/_sandbox/ledger", query_string=MARCH).json == told


def test_a_sandbox_can_start_over() -> None:
    client = sandbox(per_day=3)
    client.post("/_sandbox/today", json={"date": "2026-03-01"})
    client.post("/_sandbox/limits", json={"per_day": 1})
    client.post("/_sandbox/faults", json=[{"kind": "empty", "at": 3}])
    client.post("/_sandbox/events", json=[{"kind": "rename_group", "group_id": 11, "name": "Others"}])
    client.get("/v1/analytics/team-groups", headers=KEY)
    assert client.get("/v1/analytics/team-groups", headers=KEY).status_code == 429
    client.delete("/_sandbox/changes")
    assert client.get("/_sandbox/requests").json == []
    groups = [client.get("/v1/analytics/team-groups", headers=KEY) for _ in range(3)]
    assert [answer.status_code for answer in groups] == [200, 200, 200]
    assert "Others" not in groups[1].text
    assert client.get("/v1/analytics/team-groups", headers=KEY).status_code == 429
    assert client.post("/_sandbox/limits", json={}).json["per_day"] == 3


def test_answers_may_tell_limits_and_another_time() -> None:
    client = sandbox(oddities=frozenset({"limit-headers", "slow-clock"}), per_day=100)
    left = [client.get("/v1/analytics/team-groups", headers=KEY).headers for _ in range(2)]
    assert [one["x-ratelimit-remaining"] for one in left] == ["99", "98"]
    assert left[0]["x-ratelimit-limit"] == "100"
    assert left[0]["Date"].endswith("GMT")
    assert "Date" not in sandbox().get("/v1/analytics/team-groups", headers=KEY).headers


@pytest.mark.parametrize(("customs", "hours"), [(frozenset(), 0), (frozenset({"slow-clock"}), 3)])
def test_a_served_answer_has_one_date(customs: frozenset[str], hours: int) -> None:
    with running(Options(today=TODAY, oddities=customs)) as base_url:
        answer = urllib3.request("GET", f"{base_url}/v1/analytics/team-groups", headers=KEY, timeout=HUNG)
    [told] = answer.headers.getlist("Date")
    behind = datetime.now(UTC) - parsedate_to_datetime(told)
    # To the nearest hour, which no machine is slow enough to miss.
    assert round(behind / timedelta(hours=1)) == hours
