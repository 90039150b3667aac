"""What the documentation says that answers are made of, and what else is met in them, in nobody's words."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from verify.answers import Answer

TEXT, FIGURE, LIST = "a text", "a figure", "a list"
# The documented fields of everything in an answer, and what each holds (Magnific's OpenAPI document).
_FIELDS = {
    "a period": {"date": TEXT, "consumptions": LIST},
    "a tool": {"tool": TEXT, "user_uses": FIGURE, "user_credits": FIGURE, "user_usages": LIST},
    "an entry": dict.fromkeys(("user_uses", "user_credits"), FIGURE)
    | dict.fromkeys(("user_email", "project_reference", "project_name", "group_name"), TEXT),
    "team-members": dict.fromkeys(("email", "role", "status"), TEXT),
    "team-api-keys": dict.fromkeys(("api_key_id", "display_name", "status", "created_at"), TEXT),
    "team-groups": {"group_id": FIGURE, "name": TEXT, "member_count": FIGURE},
    "team-projects": {"project_reference": TEXT, "name": TEXT},
}
_PARTS = {"consumptions": "a tool", "user_usages": "an entry"}
# Nothing is odd where these are missing or null.
_OPTIONAL = {"user_usages", "user_email", "project_reference", "project_name", "group_name"}
# A name that the documentation does not have is told where it is made of these: any other might be somebody's.
_WORDS = (
    "amount|at|avatar|cost|count|country|created|credits|currency|date|description|email|end|first|id|key|kind|last|limit|"
    "meta|model|month|name|next|page|pagination|period|plan|price|project|reference|remaining|role|seat|start|status|team|"
    "time|tool|total|type|unit|updated|usage|user|uses|version|week|workspace|year"
)


def not_as_documented(answer: Answer) -> Counter[str]:
    if not isinstance(answer.json, dict):
        return Counter([f"the body is {_kind(answer.json)}"])
    odd = Counter(f"beside `data` there is {_shown(name)}" for name in answer.json.keys() - {"data"})
    left = [("a period" if answer.question.request else answer.question.endpoint, answer.json.get("data"))]
    while left:
        what, items = left.pop()
        if not isinstance(items, list):
            odd[f"{_kind(items)} in place of a list ({what} each)"] += 1
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                odd.update(f"{what} has {_shown(name)}" for name in item.keys() - _FIELDS[what].keys())
                odd.update(f"{what} has {found}" for found in _wrong(item, _FIELDS[what]))
                left += [(part, item[name]) for name, part in _PARTS.items() if isinstance(item.get(name), list)]
            else:
                odd[f"{_kind(item)} in place of {what}"] += 1
    return odd


def _kind(value: Any) -> str:
    kinds = {type(None): "null", bool: "true or false", int: FIGURE, float: FIGURE, str: TEXT, list: LIST}
    return kinds.get(type(value), "no JSON" if isinstance(value, Exception) else "an object")


def _wrong(item: dict[str, Any], fields: dict[str, str]) -> list[str]:
    found = []
    for name, wanted in fields.items():
        if item.get(name) is None and name not in _OPTIONAL:
            found.append(f"null as `{name}`" if name in item else f"no `{name}`")
        elif item.get(name) is not None and _kind(item[name]) != wanted:
            found.append(f"{_kind(item[name])} as `{name}`")
    return found


def _shown(name: str) -> str:
    """The name of a field, where it cannot be anybody's.

    >>> _shown("currency"), _shown("toolVersion"), _shown("ann@example.com"), _shown("Harbour")
    ('`currency`', '`toolVersion`', 'a field whose name is not shown', 'a field whose name is not shown')
    """
    plain = re.fullmatch(rf"(?i:({_WORDS})_?)+", name) and re.fullmatch(r"[a-z]+(_[a-z]+|[A-Z][a-z]+)*", name)
    return f"`{name}`" if plain else "a field whose name is not shown"
