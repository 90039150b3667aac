"""Change past usage in the sandbox between the two syncs, as Magnific does with real usage."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from demo.data_origin import asking
from sandbox.team import PROJECTS

LOOKBACK_DAYS = 7
"""The connector's default lookback. A sync rereads only this many days, so all changes must fall within them."""


def change_the_past(base_url: str, today: date) -> list[str]:
    """Add late usage to a day before `today`, refund usage and rename a project. Return a sentence about each."""
    recent = _get(base_url, "rows", today - timedelta(days=LOOKBACK_DAYS), today - timedelta(days=1))
    late = recent[-1]
    others = [row for row in recent if (row["date"], row["tool"]) != (late["date"], late["tool"])]
    refunded = min(others, key=lambda row: (row["user_credits"], row["date"]))
    project = PROJECTS[0]
    taken = _get(base_url, "ledger", date.fromisoformat(refunded["date"]), date.fromisoformat(refunded["date"]))
    credits = sum(row["user_credits"] for row in taken if row["tool"] == refunded["tool"])
    events = [
        {
            "kind": "late",
            "day": late["date"],
            "tool": late["tool"],
            "email": late["user_email"],
            "project_reference": late["project_reference"],
            "uses": 12,
            "credits": 480,
        },
        {"kind": "refund", "day": refunded["date"], "tool": refunded["tool"]},
        {"kind": "rename_project", "reference": project.reference, "name": f"{project.name} II"},
    ]
    with asking(base_url) as http:
        http.post(f"{base_url}/_sandbox/events", json=events, timeout=60).raise_for_status()
    return [
        f"12 late uses of {late['tool']} (480 credits) arrive for {late['date']}",
        f"all usage of {refunded['tool']} on {refunded['date']} is refunded ({credits:,} credits)",
        f"the project {project.name} is renamed to {project.name} II",
    ]


def _get(base_url: str, what: str, first: date, last: date) -> list[dict[str, Any]]:
    with asking(base_url) as http:
        answer = http.get(
            f"{base_url}/_sandbox/{what}",
            params={"start_date": first.isoformat(), "end_date": last.isoformat()},
            timeout=60,
        )
    answer.raise_for_status()
    rows: list[dict[str, Any]] = answer.json()
    return rows
