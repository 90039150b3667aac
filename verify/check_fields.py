"""Compare the fields of responses with the documented fields, without showing the team's data."""

import re
from collections import Counter
from typing import Any

from verify.probe_answers import Answer

# The fields in Magnific's OpenAPI document. Fields after the bar may be omitted or null.
_FIELDS = {
    "an answer": "data",
    "a period": "date consumptions",
    "a tool": "tool user_uses user_credits | user_usages",
    "an entry": "user_uses user_credits | user_email project_reference project_name group_name",
    "team-members": "email role status",
    "team-api-keys": "api_key_id display_name status created_at",
    "team-groups": "group_id name member_count",
    "team-projects": "project_reference name",
}
# An undocumented field name is shown only if it consists of these words. Any other name could be a person's.
_WORDS = (
    "amount|at|avatar|cost|count|country|created|credits|currency|date|description|email|end|first|id|key|kind|last|limit|"
    "meta|model|month|name|next|page|pagination|period|plan|price|project|reference|remaining|role|seat|start|status|team|"
    "time|tool|total|type|unit|updated|usage|user|uses|version|week|workspace|year"
)


def not_as_documented(answer: Answer) -> Counter[str]:
    odd: Counter[str] = Counter()
    parts = {"data": "a period" if answer.question.request else answer.question.endpoint}
    parts |= {"consumptions": "a tool", "user_usages": "an entry"}
    left: list[tuple[str, Any]] = [("an answer", [answer.json])]
    while left:
        what, items = left.pop()
        for item in items if isinstance(items, list) else [items]:
            if not isinstance(item, dict):
                odd[f"{what} is not a JSON object"] += 1
                continue
            required, _, optional = _FIELDS[what].partition(" | ")
            odd.update(f"{what} has {_shown(name)}" for name in item.keys() - {*required.split(), *optional.split()})
            odd.update(f"{what} has no `{name}`" for name in required.split() if item.get(name) is None)
            left += [(part, item[name]) for name, part in parts.items() if item.get(name) is not None]
    return odd


def _shown(name: str) -> str:
    """Return the name of a field, unless it might be personal data.

    >>> _shown("currency"), _shown("toolVersion"), _shown("ann@example.com"), _shown("Harbour")
    ('`currency`', '`toolVersion`', 'a field whose name is not shown', 'a field whose name is not shown')
    """
    plain = re.fullmatch(rf"(?i:({_WORDS})_?)+", name) and re.fullmatch(r"[a-z]+(_[a-z]+|[A-Z][a-z]+)*", name)
    return f"`{name}`" if plain else "a field whose name is not shown"
