"""The dashboard's CSV export. The seven columns are documented, but their format is an assumption.

The form of an export determines the separator, the headings, and how dates and numbers are written.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

from sandbox import truth
from sandbox.ledger import Ledger
from sandbox.query import Query

HEADINGS = ["Date", "Tool", "User email", "Usage count", "Credits", "Project", "Group"]
PLAIN, COMMAS = "plain", "decimal-commas"
"""`decimal-commas` has a title line, a German date heading, and rows such as 05.03.2026;Upscaler;…;1.480,00."""


def export(ledger: Ledger, query: Query, form: str = PLAIN) -> bytes:
    """Return the CSV file for `query`; raise ValueError if the form is unknown."""
    if form not in (PLAIN, COMMAS):
        raise ValueError(f"unknown form {form!r}: choose {PLAIN} or {COMMAS}")
    text = io.StringIO()
    if form == PLAIN:
        csv.writer(text).writerows([HEADINGS, *_rows(ledger, query)])
    else:
        text.write("Usage of the team\r\n")
        rows = ([_with_comma(value) for value in row] for row in _rows(ledger, query))
        csv.writer(text, delimiter=";").writerows([["Tag", *HEADINGS[1:]], *rows])
    return text.getvalue().encode()


def _with_comma(value: Any) -> str:
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    return f"{value:,}".replace(",", ".") + ",00" if isinstance(value, int) else str(value)


def _rows(ledger: Ledger, query: Query) -> list[list[Any]]:
    """Return rows sorted by date and tool. Within a tool, users' rows come before unattributed usage."""
    projects, groups = ledger.team.project_names, ledger.team.group_names
    found = [
        [
            date.fromisoformat(row["date"]),
            row["tool"],
            row.get("user_email", ""),
            row["user_uses"],
            row["user_credits"],
            projects.get(row.get("project_reference") or "", ""),
            groups.get(row.get("user_email") or "", ""),
        ]
        for row in (*truth.rows(ledger, query), *truth.unnamed(ledger, query))
    ]
    return sorted(found, key=lambda row: (row[0], row[1], not row[2]))
