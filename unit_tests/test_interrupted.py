"""Test the table after interrupted syncs, after responses that wrongly omit usage, and after full refreshes."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from builders import Json
from small_team import START, table, team
from warehouse_model import Mistake, Warehouse

from sandbox.ledger import Entry

DAY = timedelta(1)
TODAY = date(2026, 7, 5)
# With these settings, a sync on the Business plan needs two windows.
SETTINGS = {"start_date": str(START), "granularity": "day"}


def synced(ledger: list[Entry], today: date = TODAY, **settings: Any) -> Warehouse:
    """Return a warehouse that was filled by a complete sync."""
    warehouse = Warehouse(settings={**SETTINGS, **settings})
    assert warehouse.sync(ledger, today)
    return warehouse


def attempts(before: Warehouse, ledger: list[Entry], today: date, **how: Any) -> Iterator[Warehouse]:
    """Interrupt the same sync before each of its messages in turn, and yield the warehouse each time."""
    whole = deepcopy(before)
    assert whole.sync(ledger, today, **how)
    for arrived in range(whole.messages):
        interrupted = deepcopy(before)
        assert not interrupted.sync(ledger, today, kill_at=arrived, **how)
        yield interrupted


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {"lookback_window_days": 14}),
        ({"granularity": "month"}, {"start_date": str(TODAY - 20 * DAY)}),
        ({"granularity": "week", "group_ids": [1]}, {"granularity": "year"}),
    ],
)
def test_a_sync_that_is_killed_at_any_message_leaves_nothing_that_the_next_cannot_mend(before: Json, now: Json) -> None:
    first, second, third = (team(TODAY, 21, version) for version in range(3))
    recent = {**SETTINGS, "start_date": str(TODAY - 20 * DAY)}
    warehouse = Warehouse(settings={**recent, **before})
    assert warehouse.sync(first, TODAY)
    warehouse.settings = {**recent, **now, "lookback_window_days": 30}
    for interrupted in attempts(warehouse, second, TODAY):
        for then in (now, before):
            again = deepcopy(interrupted)
            again.settings = {**recent, **then, "lookback_window_days": 30}
            assert again.sync(third, TODAY)
            assert again.table() == table(third, again.settings)


@pytest.mark.parametrize("then", [{}, {"granularity": "year"}])
@pytest.mark.parametrize("now", [{"granularity": "week"}, {"group_ids": [1]}, {"start_date": str(TODAY - 30 * DAY)}])
def test_a_later_start_after_a_restart_that_was_interrupted_counts_nothing_twice(now: Json, then: Json) -> None:
    used = [one for one in team(TODAY, 30) if one.day.toordinal() % 3]
    warehouse = synced(used, start_date=str(TODAY - 25 * DAY))
    warehouse.settings = {**warehouse.settings, **now}
    for interrupted in attempts(warehouse, used, TODAY):
        interrupted.settings = {**warehouse.settings, "start_date": str(TODAY - 9 * DAY), **then}
        assert interrupted.sync(used, TODAY)
        # Rows for days before the later start_date may remain, but no usage may be counted twice.
        assert sum(credits for _, credits in interrupted.table().values()) <= sum(one.credits for one in used)


def empty(times: int) -> Mistake:
    """Make the first `times` responses wrongly report no usage."""
    asked = iter(range(1000))
    return lambda right: {"data": []} if next(asked) < times else right


def without_the_oldest(times: int) -> Mistake:
    """Make the first `times` responses wrongly omit the first period."""
    asked = iter(range(1000))

    def mistake(right: Json) -> Json:
        periods = sorted(right["data"], key=lambda period: period["date"])
        return {"data": periods[1:] if next(asked) < times else periods}

    return mistake


def starts(warehouse: Warehouse) -> list[str]:
    return [query["start_date"] for query in warehouse.asked]


TOMORROW = TODAY + DAY
LATER = team(TOMORROW, 186)
IN_PARTS = ["2026-01-01", "2026-06-01"]
WRONG = pytest.mark.parametrize("wrong", [empty, without_the_oldest])


@WRONG
@pytest.mark.parametrize("granularity", ["day", "week"])
def test_a_wrong_answer_is_asked_for_again_and_a_second_mended_by_the_next_sync(wrong: Any, granularity: str) -> None:
    # The oldest period that the sync on TOMORROW reads is outside the lookback of all later syncs.
    before = synced(team(TODAY, 185), granularity=granularity)
    once, twice = deepcopy(before), deepcopy(before)
    assert once.sync(LATER, TOMORROW, mistake=wrong(1))
    assert once.table() == table(LATER, once.settings)
    assert "lacks usage that an earlier sync emitted; requesting these days again." in once.log
    assert "deleted" not in once.log

    assert twice.sync(LATER, TOMORROW, mistake=wrong(2))
    asked = twice.asked[-1]
    assert twice.asked == [asked] * 2
    assert twice.saved("date") < asked["start_date"] or wrong is without_the_oldest
    lost = len(before.heeding) - len([row for row in twice.heeding.values() if row["date"] <= str(TODAY)])
    assert f"Rows deleted: {lost} (" in twice.log
    assert twice.sync(LATER, TOMORROW + DAY)
    assert twice.table() == table(LATER, twice.settings)
    assert twice.sync(LATER, TOMORROW + DAY)
    assert len(twice.asked) == 1


def test_after_a_doubtful_window_the_later_ones_do_not_count_as_read() -> None:
    used = team(TODAY, 300)
    warehouse = synced(used, start_date=str(TODAY - 300 * DAY))
    warehouse.settings = {**warehouse.settings, "start_date": str(TODAY - 301 * DAY)}
    assert warehouse.sync(used, TODAY, mistake=empty(2))
    assert warehouse.saved("date") < str(TODAY - 290 * DAY)
    assert warehouse.sync(used, TODAY)
    assert warehouse.table() == table(used, warehouse.settings)


def test_a_part_without_usage_is_never_asked_for_again() -> None:
    recent = [one for one in LATER if one.day >= TODAY]
    warehouse = synced(recent, granularity="year")
    for day in (TOMORROW, TOMORROW + DAY):
        assert warehouse.sync(recent, day)
        assert (starts(warehouse), warehouse.saved("date")) == (IN_PARTS, str(day))


@pytest.mark.parametrize("before", ["year", "day"])
def test_a_part_that_is_empty_by_mistake_is_read_once_more_and_costs_nothing_for_good(before: str) -> None:
    late = [one for one in LATER if one.day.month > 5]
    # early@example.com has usage only in the first part. If that part seems empty, the table lacks this user's rows.
    used = [one._replace(user_email="early@example.com") for one in LATER if one.day.month < 6] + late
    warehouse = synced(used, granularity=before)
    warehouse.settings |= {"granularity": "year", "lookback_window_days": 0}
    assert warehouse.sync(used, TOMORROW, mistake=empty(1))
    assert (starts(warehouse), warehouse.saved("date")) == (IN_PARTS, "2025-12-31")
    assert warehouse.table() == table(late, warehouse.settings)

    # The next sync corrects the mistake, even if it runs in the next year and without a lookback.
    assert warehouse.sync(used, date(2027, 1, 20))
    assert (starts(warehouse)[:2], warehouse.table()) == (IN_PARTS, table(used, warehouse.settings))
    assert warehouse.saved("date") == "2027-01-20"


@pytest.mark.parametrize("left_from", [date(2026, 6, 1), date(2027, 1, 1)])
def test_usage_of_a_part_that_is_really_gone_takes_one_more_reading(left_from: date) -> None:
    warehouse = synced(team(TODAY, 185), granularity="year")
    left = [one for one in LATER if one.day >= left_from and one.user_email is None]
    for day, saved in ((TOMORROW, "2025-12-31"), (TOMORROW + DAY, str(TOMORROW + DAY))):
        assert warehouse.sync(left, day)
        assert (starts(warehouse), warehouse.saved("date")) == (IN_PARTS, saved)
        assert warehouse.table() == table(left, warehouse.settings)


def test_under_other_filters_empty_periods_are_not_requested_again() -> None:
    warehouse = synced(team(TODAY, 185))
    warehouse.settings["group_ids"] = [3]
    assert warehouse.sync(team(TODAY, 185), TODAY)
    # The sync requests each of the two windows only once.
    assert (len(warehouse.asked), warehouse.table(), warehouse.saved("date")) == (2, {}, str(TODAY))
    assert "other_filters" not in (warehouse.state or {})


@pytest.mark.parametrize("incremental", [True, False])
def test_a_full_refresh_behind_a_finished_sync_reads_the_whole_range(incremental: bool) -> None:
    earlier = Warehouse(settings=SETTINGS)
    assert earlier.sync(team(TODAY, 185), TODAY, full_refresh=not incremental)
    refreshed = Warehouse(settings=SETTINGS, state=earlier.state)
    assert refreshed.sync(team(TOMORROW, 186, version=1), TOMORROW, full_refresh=True)
    assert refreshed.table() == table(team(TOMORROW, 186, version=1), SETTINGS)
    assert not any(row.get("_ab_cdc_deleted_at") for row in refreshed.ignoring.values())
    assert "unfinished_full_refresh" not in (refreshed.state or {})


@pytest.mark.parametrize(("granularity", "days_later"), [("day", 0), ("day", 1), ("week", 3), ("month", 1)])
def test_an_interrupted_full_refresh_goes_on_and_misses_nothing_at_midnight(granularity: str, days_later: int) -> None:
    # Both windows have usage, but so little that the sync sends only a few messages.
    ledger = [one for one in team(TODAY, 185) if one.day.month in (1, 7) and one.day.day < 7]
    # After the first attempt, usage is added to the day of that attempt and to the day of the second attempt.
    today = TODAY + days_later * DAY
    late = Entry(TODAY, "Mystic", "late@example.com", None, None, 1, 99)
    later = [*ledger, late, late._replace(day=today, credits=5)]
    settings = {**SETTINGS, "granularity": granularity}
    started_over = []
    for interrupted in attempts(Warehouse(settings=settings), ledger, TODAY, full_refresh=True):
        done = (interrupted.state or {}).get("date")
        assert (interrupted.state is None) or interrupted.state["unfinished_full_refresh"]
        assert interrupted.sync(later, today, full_refresh=True)
        started_over.append(done is None)
        assert done is None or not interrupted.asked or interrupted.asked[0]["start_date"] > done
        assert interrupted.table() == table(later, settings)
    assert 1 < sum(started_over) < len(started_over)
