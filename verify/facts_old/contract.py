"""What the documentation says that answers are made of, and notes of what else is met in them, in nobody's words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The documented fields of everything in an answer, and what each holds (Magnific's OpenAPI document).
FIELDS: Mapping[str, Mapping[str, str]] = {
    "a period": {"date": "a text", "consumptions": "a list"},
    "a tool": {"tool": "a text", "user_uses": "a figure", "user_credits": "a figure", "user_usages": "a list"},
    "an entry": {
        "user_email": "a text",
        "user_uses": "a figure",
        "user_credits": "a figure",
        "project_reference": "a text",
        "project_name": "a text",
        "group_name": "a text",
    },
    "team-members": {"email": "a text", "role": "a text", "status": "a text"},
    "team-api-keys": dict.fromkeys(("api_key_id", "display_name", "status", "created_at"), "a text"),
    "team-groups": {"group_id": "a figure", "name": "a text", "member_count": "a figure"},
    "team-projects": {"project_reference": "a text", "name": "a text"},
}
# Without these there is no row; where only the others are missing or null, nothing is odd.
_REQUIRED = {
    "a period": {"date", "consumptions"},
    "a tool": {"tool", "user_uses", "user_credits"},
    "an entry": {"user_uses", "user_credits"},
}
# A name that the documentation does not have is told where it is made of these: any other might be somebody's.
_WORDS = re.compile(
    "amount|at|avatar|cost|count|country|created|credits|currency|date|description|email|end|first|id|key|kind|last|limit|"
    "meta|model|month|name|next|page|pagination|period|plan|price|project|reference|remaining|role|seat|start|status|team|"
    "time|tool|total|type|unit|updated|usage|user|uses|version|week|workspace|year",
    re.IGNORECASE,
)


@dataclass
class Notes:
    """What was met: things that are not as documented, and how many figures were written how."""

    odd: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)


def kind(value: Any) -> str:
    """What a JSON value is, in words.

    >>> [kind(one) for one in (None, True, 12, 12.5, "Ann", [], {})]
    ['null', 'true or false', 'a figure', 'a figure', 'a text', 'a list', 'an object']
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a figure"
        case str():
            return "a text"
    return "a list" if isinstance(value, list) else "an object"


def shown(name: str) -> str:
    """The name of a field, where it cannot be anybody's.

    >>> shown("currency"), shown("toolVersion"), shown("ann@example.com"), shown("Harbour")
    ('`currency`', '`toolVersion`', 'a field whose name is not shown', 'a field whose name is not shown')
    """
    words = re.findall(r"[A-Z]?[a-z]+", name)
    parts = all(_WORDS.fullmatch(word) for word in words) and re.fullmatch(r"[a-z]+(_[a-z]+|[A-Z][a-z]+)*", name)
    return f"`{name}`" if parts else "a field whose name is not shown"


def objects(value: Any, what: str, notes: Notes) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        notes.odd[f"{kind(value)} in place of a list ({what} each)"] += 1
        return []
    for one in value:
        if not isinstance(one, dict):
            notes.odd[f"{kind(one)} in place of {what}"] += 1
    return [one for one in value if isinstance(one, dict)]


def check_fields(item: dict[str, Any], what: str, notes: Notes) -> None:
    known = FIELDS[what]
    required = _REQUIRED.get(what, known.keys())
    for name in item.keys() - known.keys():
        notes.odd[f"{what} has {shown(name)}"] += 1
    for name, wanted in known.items():
        if name not in item or item[name] is None:
            if name in required:
                notes.odd[f"{what} has no `{name}`" if name not in item else f"{what} has null as `{name}`"] += 1
        elif kind(item[name]) != wanted:
            notes.odd[f"{what} has {kind(item[name])} as `{name}`"] += 1
        elif wanted == "a figure":
            notes.written[_written(item[name])] += 1


def _written(figure: float) -> str:
    if isinstance(figure, int):
        return "12" if figure >= 0 else "-12"
    return "12.0" if figure.is_integer() else "12.5"
