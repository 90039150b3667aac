"""Build responses that follow the API's contract. The same ledger and query always give the same response."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

import pendulum

from sandbox.ledger import Ledger
from sandbox.query import Query
from sandbox.team import Team

Json = dict[str, Any]
Users = defaultdict[tuple[str | None, str | None], list[int]]
"""Sums of uses and credits by user and project. None stands for no user or no project."""


def _nobody() -> Users:
    return defaultdict(lambda: [0, 0])


def credit_usage(ledger: Ledger, query: Query) -> Json:
    """Return the response of `team-credit-usage`.

    A period's figures cover only its days in the range, but its date is always its own first day, even if that is
    before the range. Periods, tools and users are in random order.
    """
    counts = query.filters.on(ledger.team)
    periods: defaultdict[str, defaultdict[str, Users]] = defaultdict(lambda: defaultdict(_nobody))
    for offset in range(query.days):
        day = query.start + timedelta(days=offset)
        for entry in filter(counts, ledger.entries(day)):
            project = entry.project_reference if entry.user_email else None
            figures = periods[first_day(day, query.granularity)][entry.tool][entry.user_email, project]
            figures[0] += entry.uses
            figures[1] += entry.credits
    random = Random(f"{ledger.history.seed} {query.granularity} {query.start} {query.end}")
    data = [
        {
            "date": f"{first}T00:00:00.000Z",
            "consumptions": _shuffled(random, [_consumption(ledger.team, tool, tools[tool], random) for tool in tools]),
        }
        for first, tools in periods.items()
    ]
    return {"data": _shuffled(random, data)}


# Cached because tests request the same days again and again.
@lru_cache(maxsize=10_000)
def first_day(day: date, granularity: str) -> str:
    return pendulum.date(day.year, day.month, day.day).start_of(granularity).isoformat()


def _shuffled(random: Random, things: list[Json]) -> list[Json]:
    random.shuffle(things)
    return things


def _consumption(team: Team, tool: str, users: Users, random: Random) -> Json:
    uses, credits = (sum(figures) for figures in zip(*users.values(), strict=True))
    usages = [_usage(team, *names, *figures) for names, figures in users.items() if names[0] is not None]
    breakdown = {"user_usages": _shuffled(random, usages)} if usages else {}
    return {"tool": tool, "user_uses": uses, "user_credits": credits, **breakdown}


def _usage(team: Team, email: str | None, reference: str | None, uses: int, credits: int) -> Json:
    resolved = {
        "project_reference": reference,
        "project_name": team.project_names.get(reference or ""),
        "group_name": team.group_names.get(email or ""),
    }
    names = {name: value for name, value in resolved.items() if value is not None}
    return {"user_email": email, "user_uses": uses, "user_credits": credits, **names}


def members(team: Team) -> Json:
    return {"data": [{"email": one.email, "role": one.role, "status": one.status} for one in team.people]}


def groups(team: Team) -> Json:
    sizes = Counter(group_id for one in team.people for group_id in one.group_ids)
    return {"data": [group._asdict() | {"member_count": sizes[group.group_id]} for group in team.groups]}


def projects(team: Team) -> Json:
    return {"data": [{"project_reference": one.reference, "name": one.name} for one in team.projects]}


def api_keys(team: Team) -> Json:
    return {"data": [key._asdict() for key in team.api_keys]}


LISTS = {"team-members": members, "team-api-keys": api_keys, "team-groups": groups, "team-projects": projects}
"""The functions that build the four lists, by the last segment of the endpoint's path."""
