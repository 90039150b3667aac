"""What a right answer may look like and a client might stumble over, one thing at a time.

Nothing in the contract rules these out. An oddity changes how an answer is written, never what it says: the ledger
stays the truth about it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import reduce
from typing import Any, NamedTuple

from sandbox.wire import write_json

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HALF_EMOJI = "\ud83d"
"""What is left of an emoji that was cut in the middle by a program that counts in UTF-16."""

_GIVEN_NAMES = frozenset({"name", "display_name", "project_name", "group_name"})
_FIGURES = frozenset({"user_uses", "user_credits", "member_count"})


class Oddity(NamedTuple):
    meaning: str
    change: Callable[[bytes], bytes]
    """From the body of a right answer to the odd one."""


def _content(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    return lambda body: write_json(change(json.loads(body)))


def _values(names: Collection[str], change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Changes the values of these properties, however deep they lie; null stays null."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: change(inner) if name in names and inner is not None else changed(inner)
            for name, inner in value.items()
        }

    return _content(changed)


def _without_created_at(answer: Any) -> Any:
    for one in answer["data"][:1]:
        if "created_at" in one:
            one["created_at"] = ""
    return answer


ODDITIES = {
    "half-emoji": Oddity(
        r"names of projects, groups and API keys end in half an emoji, written \ud83d",
        _values(_GIVEN_NAMES, lambda name: name + HALF_EMOJI),
    ),
    "nul": Oddity(
        r"names of tools, projects, groups and API keys hold a NUL, written \u0000",
        _values(_GIVEN_NAMES | {"tool"}, lambda name: f"{name[:1]}\0{name[1:]}"),
    ),
    "floats": Oddity("uses, credits and member counts are written as 12.0", _values(_FIGURES, float)),
    "offset": Oddity(
        "periods begin at midnight of another offset, written 2026-11-21T00:00:00+01:00",
        _values({"date"}, lambda date: f"{date[:10]}T00:00:00+01:00"),
    ),
    "no-created-at": Oddity('the first API key was created at ""', _content(_without_created_at)),
    # Last, since it makes the body one that the others cannot read.
    "bom": Oddity("a byte order mark comes before the body", lambda body: BYTE_ORDER_MARK + body),
}


def oddly(body: bytes, names: Collection[str]) -> bytes:
    """The body of a right answer with these oddities.

    >>> print(oddly(b'{"data":[{"name":"Atlas","member_count":12}]}', {"half-emoji", "floats"}).decode())
    {"data":[{"name":"Atlas\\ud83d","member_count":12.0}]}
    """
    chosen = [oddity for name, oddity in ODDITIES.items() if name in names]
    return reduce(lambda changed, oddity: oddity.change(changed), chosen, body)
