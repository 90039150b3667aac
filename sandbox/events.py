"""What can happen to the team after the fact, each as one frozen event that a ledger replays.

Over HTTP an event is a JSON object: `kind` and the fields of the class, dates as `YYYY-MM-DD`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date
from typing import Any

from sandbox.ledger import Entry, Event, Ledger
from sandbox.team import Group, Person, Project, Team


class Quiet:
    """Changes nothing; each event overrides the side it touches."""

    def on_team(self, team: Team) -> Team:
        return team

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        return entries


@dataclass(frozen=True)
class RenameProject(Quiet):
    reference: str
    name: str

    def on_team(self, team: Team) -> Team:
        renamed = Project(self.reference, self.name)
        return replace(
            team, projects=tuple(renamed if old.reference == self.reference else old for old in team.projects)
        )


@dataclass(frozen=True)
class DeleteProject(Quiet):
    """Its usage stays, without a project."""

    reference: str

    def on_team(self, team: Team) -> Team:
        return replace(team, projects=tuple(one for one in team.projects if one.reference != self.reference))

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        return [
            entry._replace(project_reference=None) if entry.project_reference == self.reference else entry
            for entry in entries
        ]


@dataclass(frozen=True)
class RenameGroup(Quiet):
    group_id: int
    name: str

    def on_team(self, team: Team) -> Team:
        renamed = Group(self.group_id, self.name)
        return replace(team, groups=tuple(renamed if old.group_id == self.group_id else old for old in team.groups))


@dataclass(frozen=True)
class ChangeEmail(Quiet):
    """The person has the new address in the list of members and in all usage, past days included."""

    old: str
    new: str

    def on_team(self, team: Team) -> Team:
        return replace(
            team,
            people=tuple(replace(one, email=self.new) if one.email == self.old else one for one in team.people),
        )

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        return [entry._replace(user_email=self.new) if entry.user_email == self.old else entry for entry in entries]


@dataclass(frozen=True)
class Attribute(Quiet):
    """The usage of `tool` on `day` that had no user gets this one; the totals stay."""

    day: date
    tool: str
    email: str

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        if day != self.day:
            return entries
        return [
            entry._replace(user_email=self.email) if entry.tool == self.tool and entry.user_email is None else entry
            for entry in entries
        ]


@dataclass(frozen=True)
class Refund(Quiet):
    """All usage of `tool` on `day` vanishes."""

    day: date
    tool: str

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        if day != self.day:
            return entries
        return [entry for entry in entries if entry.tool != self.tool]


@dataclass(frozen=True)
class Late(Quiet):
    """One more entry for a day already past; without an email it counts in the totals alone."""

    day: date
    tool: str
    email: str | None
    uses: int
    credits: int
    project_reference: str | None = None
    api_key_id: str | None = None

    def on_entries(self, day: date, entries: Sequence[Entry]) -> Sequence[Entry]:
        if day != self.day:
            return entries
        return [
            *entries,
            Entry(day, self.tool, self.email, self.api_key_id, self.project_reference, self.uses, self.credits),
        ]


@dataclass(frozen=True)
class AddProject(Quiet):
    reference: str
    name: str

    def on_team(self, team: Team) -> Team:
        return replace(team, projects=(*team.projects, Project(self.reference, self.name)))


@dataclass(frozen=True)
class AddMember(Quiet):
    email: str
    role: str = "member"
    status: str = "active"
    group_ids: tuple[int, ...] = ()

    def on_team(self, team: Team) -> Team:
        return replace(team, people=(*team.people, Person(self.email, self.role, self.status, self.group_ids)))


KINDS: dict[str, type[Any]] = {
    "rename_project": RenameProject,
    "delete_project": DeleteProject,
    "rename_group": RenameGroup,
    "change_email": ChangeEmail,
    "attribute": Attribute,
    "refund": Refund,
    "late": Late,
    "add_project": AddProject,
    "add_member": AddMember,
}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a string that is not empty")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be an integer")
    return value


def _numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of integers")
    return tuple(_number(one) for one in value)


def read_day(value: Any) -> date:
    """A real date written `YYYY-MM-DD`; ValueError for anything else."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("must be a date written YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date that exists") from None


# Keyed by the annotation as it is written above, which `fields` hands out as text.
_READERS: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "str | None": lambda value: None if value is None else _text(value),
    "int": _number,
    "tuple[int, ...]": _numbers,
    "date": read_day,
}


def read_event(given: Any) -> Event:
    """The event a JSON object stands for; ValueError says what is wrong with it."""
    if not isinstance(given, Mapping) or given.get("kind") not in KINDS:
        raise ValueError(f"an event is an object with a kind, one of {', '.join(KINDS)}")
    kind = KINDS[given["kind"]]
    known = {field.name: field for field in fields(kind)}
    unknown = given.keys() - known.keys() - {"kind"}
    required = {name for name, field in known.items() if field.default is MISSING and field.type != "str | None"}
    missing = required - given.keys()
    if unknown or missing:
        raise ValueError(f"{given['kind']}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    values = {name: None for name, field in known.items() if field.default is MISSING}
    for name in given.keys() & known.keys():
        try:
            values[name] = _READERS[str(known[name].type)](given[name])
        except ValueError as error:
            raise ValueError(f"{given['kind']}: {name} {error}") from None
    event: Event = kind(**values)
    return event


def happen(ledger: Ledger, event: Event) -> Ledger:
    """The ledger after one more event.

    ValueError where it would change nothing: then a name or a day is mistyped.
    """
    after = replace(ledger, events=(*ledger.events, event))
    day = getattr(event, "day", None)
    if after.team == ledger.team and (day is None or list(after.entries(day)) == list(ledger.entries(day))):
        raise ValueError(f"{event} changes nothing")
    return after
