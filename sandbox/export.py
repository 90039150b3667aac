"""The CSV that the dashboard exports, in any of the forms that it might have.

Known are its seven columns alone: date, tool, user email, usage count, credits, project and group. Their headings, the
separator and how dates and figures are written are documented nowhere. A form changes how an export is written, never
what it says; `people-only` is the one that leaves something out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from sandbox import truth
from sandbox.ledger import Ledger
from sandbox.query import Query

HEADINGS = {
    "date": "Date",
    "tool": "Tool",
    "user_email": "User email",
    "user_uses": "Usage count",
    "user_credits": "Credits",
    "project": "Project",
    "group": "Group",
}
OTHER_HEADINGS = {
    "group": "TEAM GROUP",
    "user_credits": "credits_used",
    "project": "project-name",
    "user_email": "E-Mail",
    "tool": "AI tool",
    "user_uses": "Number of uses",
    "date": "Day (UTC)",
}
TITLE = "Usage of the team, as of today\n\n"
BROKEN = str.maketrans(" ", "\n")

Row = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """How an export is written."""

    headings: dict[str, str]
    separator: str = ","
    day: Callable[[date], str] = date.isoformat
    figure: Callable[[int], str] = str
    encoding: str = "utf-8"
    above: str = ""
    broken_lines: bool = False
    quoted: bool = False
    references: bool = False
    people_only: bool = False


class Change(NamedTuple):
    meaning: str
    values: dict[str, Any]
    """Of fields of `Form`."""


def _with_comma(figure: int) -> str:
    return f"{figure:,}".replace(",", ".") + ",00"


FORMS = {
    "semicolon": Change("cells are separated by ;", {"separator": ";"}),
    "tab": Change("cells are separated by tabs", {"separator": "\t"}),
    "pipe": Change("cells are separated by |", {"separator": "|"}),
    "decimal-comma": Change("figures are written 1.480,00", {"figure": _with_comma}),
    "decimal-point": Change("figures are written 1,480.00", {"figure": lambda figure: f"{figure:,}.00"}),
    "thousands": Change("figures are written 1,480", {"figure": lambda figure: f"{figure:,}"}),
    "spaced": Change(
        "figures are written 1 480, with a narrow space", {"figure": lambda one: f"{one:_}".replace("_", "\u202f")}
    ),
    "day-first": Change("dates are written 05/03/2026", {"day": lambda day: f"{day:%d/%m/%Y}"}),
    "month-first": Change("dates are written 3/5/26", {"day": lambda day: f"{day.month}/{day.day}/{day:%y}"}),
    "month-names": Change("dates are written 5 Mar 2026", {"day": lambda day: f"{day.day} {day:%b %Y}"}),
    "timestamps": Change("dates are written 2026-03-05T00:00:00.000Z", {"day": lambda day: f"{day}T00:00:00.000Z"}),
    "bom": Change("a byte order mark comes first", {"encoding": "utf-8-sig"}),
    "utf-16": Change("the file is UTF-16 with a byte order mark", {"encoding": "utf-16"}),
    "line-breaks": Change("names and headings break where they have spaces", {"broken_lines": True}),
    "quoted": Change("every cell is quoted", {"quoted": True}),
    "title": Change("a title and a blank line stand above", {"above": TITLE}),
    "other-headings": Change("other headings, in another order", {"headings": OTHER_HEADINGS}),
    "references": Change("projects by reference, not by name", {"references": True}),
    "people-only": Change("no row for usage without a person", {"people_only": True}),
}


def export(ledger: Ledger, query: Query, forms: Collection[str] = ()) -> bytes:
    """The file for the range, granularity and filters of `query`; ValueError for a form that there is not."""
    if unknown := set(forms) - FORMS.keys():
        raise ValueError(f"no such forms: {sorted(unknown)}; there are {', '.join(FORMS)}")
    form = Form(HEADINGS)
    for name in forms:
        form = replace(form, **FORMS[name].values)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=form.separator, quoting=csv.QUOTE_ALL if form.quoted else csv.QUOTE_MINIMAL)
    writer.writerow(_name(heading, form) for heading in form.headings.values())
    for row in _rows(ledger, query, form):
        writer.writerow(row[column] for column in form.headings)
    return (form.above + text.getvalue()).encode(form.encoding)


def _name(name: str, form: Form) -> str:
    return name.translate(BROKEN) if form.broken_lines else name


def _rows(ledger: Ledger, query: Query, form: Form) -> list[Row]:
    """By date and tool: the rows of people, then what is left of the tool's total, which has no person."""
    projects = {one.reference: one.reference if form.references else one.name for one in ledger.team.projects}
    groups = {one.group_id: one.name for one in ledger.team.groups}
    group_of = {one.email: groups[one.group_ids[0]] for one in ledger.team.people if one.group_ids}
    found = [
        {
            **row,
            "project": projects.get(row["project_reference"], ""),
            "group": group_of.get(row["user_email"], ""),
        }
        for row in truth.rows(ledger, query)
    ]
    if not form.people_only:
        found += [{**rest, "user_email": "", "project": "", "group": ""} for rest in truth.unnamed(ledger, query)]
    return [
        {
            **row,
            **{column: _name(row[column], form) for column in ("tool", "project", "group")},
            **{column: form.figure(row[column]) for column in ("user_uses", "user_credits")},
            "date": form.day(date.fromisoformat(row["date"])),
        }
        for row in sorted(found, key=lambda row: (row["date"], row["tool"], not row["user_email"]))
    ]
