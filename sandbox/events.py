"""Events that change past usage or the team. A ledger applies them in order.

Over HTTP, an event is a JSON object with a `kind` and that kind's fields. Dates have the format `YYYY-MM-DD`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from sandbox.ledger import Entry, Ledger
from sandbox.team import Group, Project, Team

Renamed = TypeVar("Renamed", Group, Project)


def _renamed(those: tuple[Renamed, ...], key: int | str, name: str) -> tuple[Renamed, ...]:
    return tuple(one._replace(name=name) if one[0] == key else one for one in those)


@dataclass(frozen=True)
class Happened:
    """An event. Its kind determines which fields it uses."""

    kind: str
    day: date | None = None
    tool: str = ""
    email: str | None = None
    uses: int = 0
    credits: int = 0
    project_reference: str | None = None
    api_key_id: str | None = None
    reference: str = ""
    group_id: int = 0
    name: str = ""
    old: str = ""
    new: str = ""

    def on_team(self, team: Team) -> Team:
        match self.kind:
            case "rename_project":
                return replace(team, projects=_renamed(team.projects, self.reference, self.name))
            case "delete_project":
                return replace(team, projects=tuple(one for one in team.projects if one.reference != self.reference))
            case "rename_group":
                return replace(team, groups=_renamed(team.groups, self.group_id, self.name))
            case "change_email":
                people = (replace(one, email=self.new) if one.email == self.old else one for one in team.people)
                return replace(team, people=tuple(people))
        return team

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        if self.day not in (None, day):
            return entries
        if self.kind == "late":
            late = Entry(day, self.tool, self.email, self.api_key_id, self.project_reference, self.uses, self.credits)
            return [*entries, late]
        return [changed for entry in entries if (changed := self._on_entry(entry))]

    def _on_entry(self, entry: Entry) -> Entry | None:
        match self.kind:
            case "delete_project" if entry.project_reference == self.reference:
                return entry._replace(project_reference=None)
            case "change_email" if entry.user_email == self.old:
                return entry._replace(user_email=self.new)
            case "attribute" if entry.tool == self.tool and entry.user_email is None:
                return entry._replace(user_email=self.email)
            case "refund" if entry.tool == self.tool:
                return None
        return entry


KINDS = {
    "rename_project": {"reference", "name"},
    # The deleted project's usage remains, but no longer belongs to a project.
    "delete_project": {"reference"},
    "rename_group": {"group_id", "name"},
    # The new address replaces the old one in the member list and in all usage, including past days.
    "change_email": {"old", "new"},
    # The tool's unattributed usage on `day` is assigned to the user `email`. The totals do not change.
    "attribute": {"day", "tool", "email"},
    # All of the tool's usage on `day` disappears.
    "refund": {"day", "tool"},
    # Usage is added to a past day. If the event has no email, the usage counts only in the totals.
    "late": {"day", "tool", "uses", "credits"},
}
_OPTIONAL = {"late": {"email", "project_reference", "api_key_id"}}


def read_day(value: Any) -> date:
    """Parse a date in the format `YYYY-MM-DD`; raise ValueError if it is not valid."""
    with suppress(ValueError):
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    raise ValueError(f"{value!r} must be a valid date in the format YYYY-MM-DD")


def read_event(given: Any) -> Happened:
    """Return the event that a JSON object describes; raise ValueError if the object is not valid."""
    if not isinstance(given, Mapping) or given.get("kind") not in KINDS:
        raise ValueError(f"an event must be a JSON object whose kind is one of {', '.join(KINDS)}")
    kind = given["kind"]
    optional = _OPTIONAL.get(kind, set())
    if given.keys() - {"kind"} - optional != KINDS[kind]:
        raise ValueError(f"{kind} takes the fields {', '.join(sorted(KINDS[kind] | optional))}")
    values = {name: value for name, value in given.items() if name != "kind" and value is not None}
    for name, value in values.items():
        if type(value) is not (int if name in ("uses", "credits", "group_id") else str):
            raise ValueError(f"{kind}: {name} has the wrong type")
    return Happened(kind, **values | ({"day": read_day(values["day"])} if "day" in values else {}))


def happen(ledger: Ledger, event: Happened) -> Ledger:
    """Add an event to the ledger. Raise ValueError if it changes nothing, because that suggests a typo."""
    after, day = replace(ledger, events=(*ledger.events, event)), event.day
    if after.team == ledger.team and (day is None or list(after.entries(day)) == list(ledger.entries(day))):
        raise ValueError(f"{event} changes nothing")
    return after
