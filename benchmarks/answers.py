"""Answers of the sandbox about a team of which every day has a set number of rows: the same bytes everywhere."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sandbox.answers import Manner, api_keys, credit_usage, groups, members, projects
from sandbox.ledger import Entry, History, Ledger
from sandbox.query import Filters, Query
from sandbox.team import TOOLS, WITHOUT_BREAKDOWN, Project, Team, make_team

MEMBERS = 120
PROJECTS = 40
API_KEYS = 6
_PLAIN = Manner()

# Coprime to the counts above, so that the rows of a tool meet every member and project before two repeat together.
_MEMBER_STEP, _PROJECT_STEP = 7, 13


def team(keys: int = API_KEYS) -> Team:
    """The sandbox's team with more projects and with keys that are older than any usage."""
    team = make_team(MEMBERS, keys)
    return replace(
        team,
        projects=tuple(
            Project(f"a1b2c3d4-{number:04x}-4000-8000-{number * 2654435761 % 2**48:012x}", f"Campaign {number:02d}")
            for number in range(PROJECTS)
        ),
        api_keys=tuple(replace(key, created_at="2015-01-15T10:30:00.000Z") for key in team.api_keys),
    )


class Busy(History):
    """A history in which `day` has `rows` usage rows, spread over the tools, and one tool without a breakdown."""

    def __init__(self, team: Team, day: date, rows: int) -> None:
        super().__init__(team, seed=0)
        tools = [tool for tool in TOOLS if tool != WITHOUT_BREAKDOWN]
        counts = [rows // len(tools) + (number < rows % len(tools)) for number in range(len(tools))]
        self._entries = (
            Entry(day, WITHOUT_BREAKDOWN, None, None, None, 10, 900),
            *(
                self._row(day, tool, number)
                for tool, count in zip(tools, counts, strict=True)
                for number in range(count)
            ),
        )

    def on(self, day: date) -> tuple[Entry, ...]:
        return self._entries

    def _row(self, day: date, tool: str, number: int) -> Entry:
        """Row `number` of a tool: member and project together are in it once; three in five have a project."""
        people, projects = self.team.people, self.team.projects
        lap = number // len(people)
        project = projects[(number * _PROJECT_STEP + lap) % len(projects)] if lap or number % 5 < 3 else None
        seed = day.toordinal()
        return Entry(
            day,
            tool,
            people[(number * _MEMBER_STEP + seed) % len(people)].email,
            None,
            project.reference if project else None,
            1 + (number * 31 + seed * 17 + len(tool)) % 40,
            5 * (1 + (number * 101 + seed * 7 + len(tool) * 3) % 400),
        )


_TEAM = team()


def period(day: date, rows: int) -> bytes:
    """One day of usage with so many rows, as it stands in an answer."""
    ledger = Ledger(Busy(_TEAM, day, rows), today=day + timedelta(days=1))
    [found] = credit_usage(ledger, Query("day", day, day, Filters()), _PLAIN)["data"]
    return _encoded(found)


def rows_by_day(first: date, last: date, rows: int) -> Mapping[date, int]:
    """Every day from `first` to `last`, both inclusive, with its share of `rows`; none for 0 rows."""
    days = (last - first).days + 1
    if not rows:
        return {}
    return {first + timedelta(days=number): rows // days + (number < rows % days) for number in range(days)}


def lists(keys: int = API_KEYS) -> Mapping[str, bytes]:
    """The body of each list endpoint, by the last part of its path."""
    found = team(keys)
    answers = {
        "team-members": members(found, _PLAIN),
        "team-api-keys": api_keys(found),
        "team-groups": groups(found),
        "team-projects": projects(found),
    }
    return {name: _encoded(answer) for name, answer in answers.items()}


def _encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
