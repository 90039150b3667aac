"""Ledger in, answers in the shape of the contract out. Pure: the same question gets the same answer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

import pendulum

from sandbox.ledger import Ledger
from sandbox.query import Query
from sandbox.team import Team

Json = dict[str, Any]
Figures = list[int]
"""Uses and credits, added up in place."""


@dataclass(frozen=True)
class Manner:
    """How answers are given where the documentation leaves it open."""

    awkward: bool = False
    """Everything a client might stumble over and the documentation does not rule out."""
    empty_periods: bool = False
    """A period without usage is there, with no consumptions, instead of left out."""


class _Totals:
    """One tool in one period: all its figures, and those of each user and project."""

    def __init__(self) -> None:
        self.all: Figures = [0, 0]
        self.users: defaultdict[tuple[str, str | None], Figures] = defaultdict(lambda: [0, 0])


def _add(figures: Figures, uses: int, credits: int) -> None:
    figures[0] += uses
    figures[1] += credits


def credit_usage(ledger: Ledger, query: Query, manner: Manner) -> Json:
    """The answer of `team-credit-usage`.

    A period that the range cuts has the days inside the range only, under the date of its own first day.
    Periods, tools and users come in no order.
    """
    counts = query.filters.on(ledger.team)
    periods: defaultdict[str, defaultdict[str, _Totals]] = defaultdict(lambda: defaultdict(_Totals))
    for offset in range(query.days):
        day = query.start + timedelta(days=offset)
        first = _first_day(day, query.granularity)
        if manner.empty_periods:
            periods.setdefault(first, defaultdict(_Totals))
        for entry in ledger.entries(day):
            if counts(entry):
                totals = periods[first][entry.tool]
                _add(totals.all, entry.uses, entry.credits)
                if entry.user_email is not None:
                    _add(totals.users[entry.user_email, entry.project_reference], entry.uses, entry.credits)
    random = Random(f"{ledger.history.seed} {query.granularity} {query.start} {query.end}")
    names = _Names(ledger.team)
    data = []
    for first, tools in sorted(periods.items()):
        consumptions = [_consumption(tool, totals, names, random) for tool, totals in sorted(tools.items())]
        random.shuffle(consumptions)
        data.append({"date": f"{first}T00:00:00.000Z", "consumptions": consumptions})
    random.shuffle(data)
    if manner.awkward:
        data = [piece for period in data for piece in _period_in_pieces(period, random)]
        random.shuffle(data)
    return {"data": data}


# Questions come back to the same days, and a calendar does not change.
@lru_cache(maxsize=10_000)
def _first_day(day: date, granularity: str) -> str:
    return pendulum.date(day.year, day.month, day.day).start_of(granularity).isoformat()


class _Names:
    """Names by their ids, as the team has them now."""

    def __init__(self, team: Team) -> None:
        groups = {group.group_id: group.name for group in team.groups}
        self.project = {project.reference: project.name for project in team.projects}
        self.group = {one.email: groups.get(one.group_ids[0]) for one in team.people if one.group_ids}


def _consumption(tool: str, totals: _Totals, names: _Names, random: Random) -> Json:
    uses, credits = totals.all
    consumption: Json = {"tool": tool, "user_uses": uses, "user_credits": credits}
    usages = [
        _usage(email, reference, figures, names)
        for (email, reference), figures in sorted(totals.users.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    ]
    if usages:
        random.shuffle(usages)
        consumption["user_usages"] = usages
    return consumption


def _usage(email: str, reference: str | None, figures: Figures, names: _Names) -> Json:
    resolved = {
        "project_reference": reference,
        "project_name": names.project.get(reference) if reference else None,
        "group_name": names.group.get(email),
    }
    return {
        "user_email": email,
        "user_uses": figures[0],
        "user_credits": figures[1],
        **{name: value for name, value in resolved.items() if value is not None},
    }


def _period_in_pieces(period: Json, random: Random) -> list[Json]:
    """The same figures in two periods of one date, some tools in both, with nulls and unknown fields."""
    pieces = [piece for consumption in period["consumptions"] for piece in _tool_in_pieces(consumption, random)]
    random.shuffle(pieces)
    cut = len(pieces) // 2
    parts = [pieces[:cut], pieces[cut:]] if cut else [pieces]
    return [{"date": period["date"], "consumptions": part, "currency": "credits"} for part in parts]


def _tool_in_pieces(whole: Json, random: Random) -> list[Json]:
    usages = [part for usage in whole.get("user_usages", []) for part in _usage_in_pieces(usage, random)]
    if len(usages) < 2 or random.random() < 0.5:
        return [_piece(whole, whole["user_uses"], whole["user_credits"], usages, random)]
    half = usages[: len(usages) // 2]
    uses = sum(usage["user_uses"] for usage in half)
    credits = sum(usage["user_credits"] for usage in half)
    return [
        _piece(whole, uses, credits, half, random),
        _piece(whole, whole["user_uses"] - uses, whole["user_credits"] - credits, usages[len(half) :], random),
    ]


def _piece(whole: Json, uses: int, credits: int, usages: list[Json], random: Random) -> Json:
    piece = {
        "tool": whole["tool"],
        "user_uses": uses,
        "user_credits": credits,
        "tool_version": random.randint(1, 9),
    }
    if usages:
        return {**piece, "user_usages": usages}
    return {**piece, **random.choice([{}, {"user_usages": None}, {"user_usages": []}])}


def _usage_in_pieces(usage: Json, random: Random) -> list[Json]:
    if random.random() < 0.5:
        usage = {"project_reference": None, "project_name": None, "group_name": None, **usage}
    if usage["user_uses"] < 2 or random.random() < 0.9:
        return [usage]
    uses = usage["user_uses"] // 2
    credits = usage["user_credits"] * uses // usage["user_uses"]
    rest = {"user_uses": usage["user_uses"] - uses, "user_credits": usage["user_credits"] - credits}
    return [{**usage, "user_uses": uses, "user_credits": credits}, {**usage, **rest}]


def members(team: Team, manner: Manner) -> Json:
    """The answer of `team-members`; an awkward one gives the last a role the documentation does not know."""
    data = [{"email": one.email, "role": one.role, "status": one.status} for one in team.people]
    if manner.awkward:
        data[-1] = {**data[-1], "role": "billing", "seat": "full"}
    return {"data": data}


def groups(team: Team) -> Json:
    """The answer of `team-groups`."""
    sizes: defaultdict[int, int] = defaultdict(int)
    for one in team.people:
        for group_id in one.group_ids:
            sizes[group_id] += 1
    return {
        "data": [
            {"group_id": one.group_id, "name": one.name, "member_count": sizes[one.group_id]} for one in team.groups
        ]
    }


def projects(team: Team) -> Json:
    """The answer of `team-projects`."""
    return {"data": [{"project_reference": one.reference, "name": one.name} for one in team.projects]}


def api_keys(team: Team) -> Json:
    """The answer of `team-api-keys`."""
    return {
        "data": [
            {
                "api_key_id": one.api_key_id,
                "display_name": one.display_name,
                "status": one.status,
                "created_at": one.created_at,
            }
            for one in team.api_keys
        ]
    }
