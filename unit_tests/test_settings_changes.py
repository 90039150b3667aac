"""Settings may change at any time, and usage with them: the table is exact, and there is nothing anyone needs to do."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from ledger import table, team
from warehouse_model import Warehouse

from sandbox import truth
from sandbox.ledger import Entry

FIRST = date(2026, 11, 22)
# Two windows on business.
START = FIRST - timedelta(200)
Settings = dict[str, Any]


def ago(days: int) -> str:
    return str(FIRST - timedelta(days))


def of(**changes: Any) -> Settings:
    return {"start_date": str(START), "granularity": "day", **changes}


# The settings of each sync, one a day, and how many days back usage changed before each but the first.
CHANGES: dict[str, tuple[list[Settings], int]] = {
    "a longer lookback": ([of(lookback_window_days=7), of(lookback_window_days=60)], 60),
    "a lookback after none": ([of(lookback_window_days=0), of(lookback_window_days=90)], 90),
    "no lookback for a day": ([of(lookback_window_days=days) for days in (7, 0, 7)], 7),
    "an earlier first day": ([of(start_date=ago(30)), of(start_date=ago(90))], 200),
    "a later first day, and back": ([of(start_date=ago(days)) for days in (90, 5, 90)], 200),
    "an end that is removed": ([of(end_date=ago(20)), of()], 27),
    "a filter": ([of(), of(group_ids=[1])], 200),
    "no filter any more": ([of(group_ids=[1]), of()], 200),
    "another filter": ([of(group_ids=[1]), of(group_ids=[2])], 200),
    "longer periods": ([of(), of(granularity="month")], 200),
    "shorter periods": ([of(granularity="month"), of(granularity="week")], 200),
    # Beyond the eleven that once went wrong.
    "the same filter in another order": ([of(group_ids=[1, 2]), of(group_ids=[2, 1])], 7),
    "periods of every length in turn": ([of(granularity=size) for size in ("year", "day", "week", "month")], 200),
    "another plan": ([of(), of(plan="enterprise"), of()], 7),
    "all at once, and back": (
        [of(), of(granularity="week", group_ids=[2], start_date=ago(150), lookback_window_days=0), of()],
        200,
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_table_is_what_magnific_says_after(what: str) -> None:
    steps, reach = CHANGES[what]
    warehouse = Warehouse()
    for n, settings in enumerate(steps):
        today = FIRST + timedelta(n)
        ledger = team(today, 230, version=n % 3, reach=reach)
        warehouse.settings = settings
        assert warehouse.sync(ledger, today)
    assert warehouse.table() == table(ledger, settings)
    assert "clear" not in warehouse.log.lower()


@pytest.mark.parametrize("what", CHANGES)
def test_a_sync_restarts_and_says_why_only_where_it_has_to(what: str) -> None:
    steps, _ = CHANGES[what]
    warehouse = Warehouse(settings=steps[0])
    ledger = team(FIRST, 230)
    warehouse.sync(ledger, FIRST)
    for before, settings in pairwise(steps):
        warehouse.settings = settings
        warehouse.sync(ledger, FIRST)
        groups = [set(each.get("group_ids", ())) for each in (before, settings)]
        over = (
            groups[0] != groups[1]
            or before["granularity"] != settings["granularity"]
            or settings["start_date"] < before["start_date"]
        )
        first = truth.first_day(date.fromisoformat(settings["start_date"]), settings["granularity"])
        assert (warehouse.asked[0]["start_date"] == first) == (over or settings["start_date"] == ago(5))
        assert (
            "Its rows replace those of the earlier settings; there is nothing you need to do." in warehouse.log
        ) == over


def test_the_rows_before_a_later_first_day_stay_as_they_were() -> None:
    warehouse = Warehouse(settings=of())
    warehouse.sync(team(FIRST, 230), FIRST)
    warehouse.settings = of(start_date=ago(5))
    assert warehouse.sync(team(FIRST, 230, version=1, reach=5), FIRST)
    assert warehouse.table() == table(team(FIRST, 230, version=1, reach=5), of())
    assert {query["start_date"] for query in warehouse.asked} == {ago(5)}


def test_an_interrupted_restart_goes_on_behind_its_last_window() -> None:
    warehouse = Warehouse(settings=of())
    warehouse.sync(team(FIRST, 230), FIRST)
    warehouse.settings = of(granularity="week")
    ledger = team(FIRST, 230, version=1)
    assert not warehouse.sync(ledger, FIRST, fail_at=1)
    [done] = {query["end_date"] for query in warehouse.asked[:1]}
    assert warehouse.sync(ledger, FIRST)
    assert warehouse.asked[0]["start_date"] == str(date.fromisoformat(done) + timedelta(1))
    assert warehouse.table() == table(ledger, of(granularity="week"))


@pytest.mark.parametrize("last", ["day", "month"])
def test_settings_that_change_in_the_middle_of_a_restart_restart_again(last: str) -> None:
    warehouse = Warehouse(settings=of())
    warehouse.sync(team(FIRST, 230), FIRST)
    warehouse.settings = of(granularity="week")
    assert not warehouse.sync(team(FIRST, 230, version=1), FIRST, fail_at=1)
    warehouse.settings = of(granularity=last)
    ledger = team(FIRST, 230, version=2)
    assert warehouse.sync(ledger, FIRST)
    assert warehouse.table() == table(ledger, of(granularity=last))


def test_a_month_of_twenty_thousand_people_is_exact_when_it_is_read_again() -> None:
    def crowd(credits: int, people: int) -> list[Entry]:
        return [Entry(FIRST, "Mystic", f"user{n}@example.com", None, None, 1, credits) for n in range(people)]

    warehouse = Warehouse(settings=of(start_date="2026-11-01", granularity="month"))
    warehouse.sync(crowd(5, 20_001), FIRST)
    ledger = crowd(6, 19_999)
    assert warehouse.sync(ledger, FIRST)
    assert warehouse.table() == table(ledger, warehouse.settings)
    assert warehouse.state
    assert warehouse.state["rows"] == {"month": {"first": "2026-11-01", "places": [19_999]}}
