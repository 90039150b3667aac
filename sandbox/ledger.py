"""Each day's usage as a list of entries, which is the same for every requested window.

`History` generates usage that depends only on the team, the seed and the day. `Ledger` holds what the API reports
today, which is the history up to today with all events applied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from random import Random
from typing import NamedTuple, Protocol

from sandbox.team import FIRST_DAY, PARTLY_ATTRIBUTED, TOOLS, WITHOUT_BREAKDOWN, Person, Team


class Entry(NamedTuple):
    """Some uses of one tool on one day. The user, key and project are None if they are absent or unknown."""

    day: date
    tool: str
    user_email: str | None
    api_key_id: str | None
    project_reference: str | None
    uses: int
    credits: int


class Event(Protocol):
    """A change to what the API reports about the team or about past days."""

    def on_team(self, team: Team) -> Team: ...

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]: ...


_WEEKDAYS = (1.0, 1.0, 1.0, 1.0, 0.85, 0.12, 0.08)


def _bustle(day: date) -> float:
    """Return the probability (0 to 1) that a person works on `day`."""
    quiet = (day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1)
    summer = 0.8 if day.month == 8 else 1.0
    return 0.95 * _WEEKDAYS[day.weekday()] * summer * (0.1 if quiet else 1.0)


def _growth(day: date) -> float:
    """Return the factor by which usage has grown: 1.0 on the first day and about 2.5 three years later."""
    return 1.0 + 0.5 * (day - FIRST_DAY).days / 365


class History:
    """The team's generated usage for each complete day, before any events are applied."""

    def __init__(self, team: Team, seed: int) -> None:
        self.team = team
        self.seed = seed
        # The cache can use about 150 MB, enough for ten years of the default team or three months of a very large team.
        self._drawn = lru_cache(maxsize=50_000 // len(team.people) + 92)(self._draw)

    def on(self, day: date) -> tuple[Entry, ...]:
        """Return all entries of `day`. There are none before 2023-01-01."""
        return self._drawn(day) if day >= FIRST_DAY else ()

    def so_far(self, day: date) -> tuple[Entry, ...]:
        """Return the entries of an unfinished day that already have uses, each with its uses and credits so far."""
        share = 0.25 + 0.5 * Random(f"so far {self.seed} {day.isoformat()}").random()
        begun = ((entry, int(entry.uses * share)) for entry in self.on(day))
        return tuple(
            entry._replace(uses=uses, credits=entry.credits // entry.uses * uses) for entry, uses in begun if uses
        )

    def _draw(self, day: date) -> tuple[Entry, ...]:
        random = Random(f"{self.seed} {day.isoformat()}").random
        bustle = _bustle(day)
        entries: list[Entry] = []
        for number, person in enumerate(self.team.people):
            # Each person is away for about three whole weeks a year.
            away = (number * 7 + day.isocalendar().week) % 17 == 0
            if person.habits and person.first_day <= day <= person.last_day and not away and random() < bustle:
                for _ in range(2 + int(random() * 3)):
                    tool = person.habits[int(random() * len(person.habits))]
                    entries.append(self._entry(day, tool, random(), person, number))
        if random() < bustle + 0.2:
            for _ in range(1 + int(random() * 3)):
                entries.append(self._entry(day, WITHOUT_BREAKDOWN, random()))
        if random() < 0.4 * bustle:
            entries.append(self._entry(day, PARTLY_ATTRIBUTED, random()))
        return tuple(entries)

    def _entry(self, day: date, tool: str, chance: float, person: Person | None = None, number: int = 0) -> Entry:
        """Return one session with a tool. `chance` (0 to 1) determines the session's uses, project and API key."""
        number, scale = (number, 1.0) if person else (day.day, len(self.team.people) / 14)
        price, usual = TOOLS[tool]
        uses = 1 + int(-math.log(1.0 - chance) * usual * (_growth(day) * scale))
        # Use the lower digits of `chance` as a second random number, because generating another would be slower.
        spare = int(chance * 1e9) % 1000
        projects, keys = self.team.projects, self._keys(day)
        project = projects[(number + spare % 2) % len(projects)].reference if spare % 10 < 7 else None
        through_key = spare // 10 < (90 if person is None or person.by_api else 5)
        key = keys[(number + spare) % len(keys)] if through_key and keys else None
        return Entry(day, tool, person.email if person else None, key, project, uses, price * uses)

    @lru_cache(maxsize=1)  # noqa: B019
    def _keys(self, day: date) -> list[str]:
        return [key.api_key_id for key in self.team.api_keys if key.works_on(day)]


@dataclass(frozen=True)
class Ledger:
    """What the API reports on `today`, with `events` applied in order."""

    history: History
    today: date
    events: tuple[Event, ...] = ()

    @cached_property
    def team(self) -> Team:
        """The team with all events applied."""
        team = self.history.team
        for event in self.events:
            team = event.on_team(team)
        return team

    def entries(self, day: date) -> Sequence[Entry]:
        """Return the entries of `day`. Today's entries are incomplete, and future days have none."""
        if day > self.today:
            return ()
        entries: Sequence[Entry] = self.history.so_far(day) if day == self.today else self.history.on(day)
        for event in self.events:
            entries = event.on_entries(day, entries)
        return entries
