"""Budgets of the dbt package: month to date and forecast against what was allowed."""

from __future__ import annotations

import calendar
from collections import Counter
from datetime import date, timedelta

from built_models import NO_GROUP, NOBODY, Built, cost
from synced_twice import GROUP, NEW_GROUP_NAME, TUESDAY, Key, Used

from sandbox.team import GROUPS, make_team

# demo/dbt/seeds, by hand.
SEAT_CREDITS, MOTION_CREDITS = 45_000, 150_000


def budget_names(row: Used) -> dict[str, str]:
    return {
        "team": "Team",
        "group": (row.group or NO_GROUP) if row.email else NOBODY,
        "person": row.email or NOBODY,
    }


def test_budget_measures_month_to_date_and_forecast_against_the_allowance(built: Built) -> None:
    as_of, first_day = date.fromisoformat(TUESDAY), min(row.date for row in built.expected)
    active = sum(one.status == "active" for one in make_team().people)
    heads = Counter(number for one in make_team().people for number in one.group_ids)
    sizes = {group.name: heads[group.group_id] for group in GROUPS}
    sizes[NEW_GROUP_NAME] = sizes.pop(GROUP.name)
    expected: dict[Key, Key] = {}
    for month in {row.month for row in built.expected}:
        length = calendar.monthrange(month.year, month.month)[1]
        over = (min(month + timedelta(days=length), as_of) - max(month, first_day)).days
        for scope in ("team", "group", "person"):
            for name in {budget_names(row)[scope] for row in built.expected if row.month == month}:
                mine = [row for row in built.expected if row.month == month and budget_names(row)[scope] == name]
                credits = sum(row.credits for row in mine)
                finished = sum(row.credits for row in mine if row.date < as_of)
                forecast = max(credits, int(finished * length / over + 0.5))
                holders = {"team": active, "group": sizes.get(name), "person": None if name == NOBODY else 1}[scope]
                allowance = MOTION_CREDITS if name == "Motion" else holders and holders * SEAT_CREDITS
                expected[month, scope, name] = (
                    *(credits, forecast, over, allowance, threshold(credits, allowance)),
                    *(threshold(forecast, allowance), cost(mine), month == as_of.replace(day=1)),
                )
    found = built.ask(
        "SELECT month, scope, name, credits, forecast_credits, days_over, allowance, threshold, forecast_threshold,"
        " cost, is_current_month FROM magnific__budget"
    )
    assert {row[:3]: row[3:] for row in found} == expected
    assert {row[7] for row in found} == {None, 0, 50, 80, 95}


def threshold(credits: int, allowance: int | None) -> int | None:
    if allowance is None:
        return None
    return max(percent for percent in (0, 50, 80, 95) if 100 * credits >= percent * allowance)
