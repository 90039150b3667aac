"""The CSV that the dashboard exports: the seven columns that are documented, in a form that nobody has.

A form changes how an export is written, never what it says.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

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
PLAIN, COMMAS = "plain", "decimal-commas"
"""`decimal-commas`: 05.03.2026;Upscaler;…;1.480,00 below a title, with other headings."""

Row = dict[str, Any]


def export(ledger: Ledger, query: Query, form: str = PLAIN) -> bytes:
    """The file for the range, granularity and filters of `query`; ValueError for a form that there is not."""
    if form not in (PLAIN, COMMAS):
        raise ValueError(f"no such form: {form}; there are {PLAIN}, {COMMAS}")
    text = io.StringIO()
    if form == COMMAS:
        text.write("Usage of the team\r\n")
    writer = csv.writer(text, delimiter=";" if form == COMMAS else ",")
    writer.writerow(HEADINGS.values() if form == PLAIN else ["Tag", *list(HEADINGS.values())[1:]])
    for row in _rows(ledger, query):
        writer.writerow([row[name] if form == PLAIN else _with_comma(row[name]) for name in HEADINGS])
    return text.getvalue().encode()


def _with_comma(value: Any) -> str:
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    return f"{value:,}".replace(",", ".") + ",00" if isinstance(value, int) else str(value)


def _rows(ledger: Ledger, query: Query) -> list[Row]:
    """By date and tool: the rows of people, then what is left of the tool's total, which has no person."""
    team = ledger.team
    found = [
        {
            **row,
            "project": team.project_names.get(row["project_reference"], ""),
            "group": team.group_names.get(row["user_email"], ""),
        }
        for row in truth.rows(ledger, query)
    ]
    found += [{**rest, "user_email": "", "project": "", "group": ""} for rest in truth.unnamed(ledger, query)]
    dated = [{**row, "date": date.fromisoformat(row["date"])} for row in found]
    return sorted(dated, key=lambda row: (row["date"], row["tool"], not row["user_email"]))
