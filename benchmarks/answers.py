"""Answers of the analytics API, made up: the same bytes on every machine and in every run."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

TOOLS = (
    "AI Image Models", "AI Video Models", "AI Icon Generator", "Background Remover", "Image Upscaler", "Variations",
    "Mockup Generator", "Sketch to Image", "Sound Effects", "Style Transfer", "Text to Speech", "Voice Isolation",
)  # fmt: skip
UNATTRIBUTED_TOOL = "Asset Download"
GROUPS = ("Brand Studio", "Design Team", "Engineering", "Growth", "Marketing Team", "Product", "Research", "Support")
MEMBERS = 120
PROJECTS = 40
API_KEYS = 6

# Coprime to the counts above, so that rows of one tool meet every member, project and group before one repeats.
_MEMBER_STEP, _PROJECT_STEP = 7, 13


def email(number: int) -> str:
    """The address of member `number`, counted from 0."""
    return f"member.{number:04d}@example.com"


def project_reference(number: int) -> str:
    """The UUID of project `number`, counted from 0."""
    return f"a1b2c3d4-{number:04x}-4000-8000-{number * 2654435761 % 2**48:012x}"


def project_name(number: int) -> str:
    """The name of project `number`, counted from 0."""
    return f"Campaign {number:02d}"


def usage_row(day: int, tool: int, number: int) -> dict[str, Any]:
    """Entry `number` of a tool's breakdown on one day; three entries in five carry a project and a group.

    Member and project together occur once in a tool's breakdown of one day, as they do in the dashboard.
    """
    row: dict[str, Any] = {
        "user_email": email((number * _MEMBER_STEP + day) % MEMBERS),
        "user_uses": 1 + (number * 31 + day * 17 + tool) % 40,
        "user_credits": 5 * (1 + (number * 101 + day * 7 + tool * 3) % 400),
    }
    # Where entries outnumber the members, the project is what tells two entries of one member apart.
    lap = number // MEMBERS
    if lap or number % 5 < 3:
        project = (number * _PROJECT_STEP + lap) % PROJECTS
        row |= {
            "project_reference": project_reference(project),
            "project_name": project_name(project),
            "group_name": GROUPS[project % len(GROUPS)],
        }
    return row


def bucket(day: date, rows: int) -> bytes:
    """One bucket as JSON: `rows` breakdown entries spread over the tools, and one tool without a breakdown."""
    consumptions: list[dict[str, Any]] = []
    for tool, name in enumerate(TOOLS):
        count = rows // len(TOOLS) + (tool < rows % len(TOOLS))
        usages = [usage_row(day.toordinal(), tool, number) for number in range(count)]
        consumptions.append(
            {
                "tool": name,
                "user_uses": sum(usage["user_uses"] for usage in usages),
                "user_credits": sum(usage["user_credits"] for usage in usages),
                "user_usages": usages,
            }
        )
    consumptions.append({"tool": UNATTRIBUTED_TOOL, "user_uses": 10, "user_credits": 900})
    start = f"{day.isoformat()}T00:00:00.000Z"
    return json.dumps({"date": start, "consumptions": consumptions}, separators=(",", ":")).encode()


def rows_by_day(first: date, last: date, rows: int) -> Mapping[date, int]:
    """Every day from `first` to `last`, both inclusive, with its share of `rows`; none for 0 rows."""
    days = (last - first).days + 1
    if not rows:
        return {}
    return {first + timedelta(days=number): rows // days + (number < rows % days) for number in range(days)}


def lists(api_keys: int = API_KEYS) -> Mapping[str, bytes]:
    """The body of each list endpoint, by the last part of its path; the keys are older than any usage."""
    data: dict[str, list[dict[str, Any]]] = {
        "team-members": [
            {"email": email(number), "role": "admin" if number < 4 else "member", "status": "active"}
            for number in range(MEMBERS)
        ],
        "team-api-keys": [
            {
                "api_key_id": f"fpk-{number:012x}",
                "display_name": f"Key {number}",
                "status": "active",
                "created_at": "2015-01-15T10:30:00.000Z",
            }
            for number in range(api_keys)
        ],
        "team-groups": [
            {"group_id": 10 * (number + 1), "name": name, "member_count": MEMBERS // len(GROUPS)}
            for number, name in enumerate(GROUPS)
        ],
        "team-projects": [
            {"project_reference": project_reference(number), "name": project_name(number)} for number in range(PROJECTS)
        ],
    }
    return {name: json.dumps({"data": rows}, separators=(",", ":")).encode() for name, rows in data.items()}
