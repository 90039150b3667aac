"""What a right answer may look like and a client might stumble over, one thing at a time.

Nobody has seen that Magnific's answers are otherwise. An oddity changes what is written and knows no more than
that; what takes the question or the ledger is a custom (`sandbox.customs`).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import reduce
from types import MappingProxyType
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
    headers: Mapping[str, str] = MappingProxyType({})
    """What the answer says about that."""


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


def _consumptions(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Changes each tool of each period; the lists of a team stay as they are."""

    def changed(answer: Any) -> Any:
        for period in answer["data"]:
            if "consumptions" in period:
                period["consumptions"] = [change(one) for one in period["consumptions"]]
        return answer

    return _content(changed)


def _breakdown(consumption: Any) -> list[Any]:
    """That of a tool, which may be missing, null or empty."""
    return consumption.get("user_usages") or []


def _in_order(backwards: bool) -> Callable[[bytes], bytes]:
    def ordered(answer: Any) -> Any:
        periods = [one for one in answer["data"] if "consumptions" in one]
        for period in periods:
            period["consumptions"].sort(key=lambda one: one["tool"], reverse=backwards)
            for consumption in period["consumptions"]:
                _breakdown(consumption).sort(key=lambda one: one["user_email"], reverse=backwards)
        periods.sort(key=lambda one: one["date"], reverse=backwards)
        return {"data": periods or answer["data"]}

    return _content(ordered)


def _entries_in_two(consumption: Any) -> Any:
    halves = []
    for usage in _breakdown(consumption):
        first = {name: usage[name] // 2 for name in ("user_uses", "user_credits")}
        halves += [usage | first, usage | {name: usage[name] - half for name, half in first.items()}]
    return consumption | ({"user_usages": halves} if halves else {})


def _without_breakdown(consumption: Any) -> Any:
    return {name: value for name, value in consumption.items() if name != "user_usages"}


def _rebated(consumption: Any) -> Any:
    usages = [usage | {"user_credits": usage["user_credits"] * 2} for usage in _breakdown(consumption)]
    return consumption | ({"user_usages": usages} if usages else {})


def _without_every_other_member(answer: Any) -> Any:
    return {"data": [one for n, one in enumerate(answer["data"]) if n % 2 or "email" not in one]}


def _with_more_fields(consumption: Any) -> Any:
    return consumption | {"currency": "credits", "tool_version": 3}


def _evening_before(date: str) -> str:
    midnight = datetime.fromisoformat(f"{date[:10]}T00:00:00+01:00")
    return midnight.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


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
    # What reckons with figures comes before what writes them otherwise.
    "twice": Oddity("each entry of a breakdown comes in two", _consumptions(_entries_in_two)),
    "rebate": Oddity("a breakdown has twice the credits of its total, as after a rebate", _consumptions(_rebated)),
    "half-credits": Oddity("credits are fractions, such as 12.5", _values({"user_credits"}, lambda n: n + 0.5)),
    "floats": Oddity("uses, credits and member counts are written as 12.0", _values(_FIGURES, float)),
    "text-figures": Oddity('uses, credits and member counts are written as "12"', _values(_FIGURES, str)),
    "offset": Oddity(
        "periods begin at midnight of another offset, written 2026-11-21T00:00:00+01:00",
        _values({"date"}, lambda date: f"{date[:10]}T00:00:00+01:00"),
    ),
    "evening-dates": Oddity(
        "periods are dated by the midnight of another offset in UTC, written 2026-11-20T23:00:00.000Z",
        _values({"date"}, _evening_before),
    ),
    "plain-dates": Oddity("periods are dated by a day without a time, 2026-11-21", _values({"date"}, lambda d: d[:10])),
    "sorted": Oddity("periods, tools and users come in ascending order", _in_order(backwards=False)),
    "newest-first": Oddity("periods, tools and users come in descending order", _in_order(backwards=True)),
    "no-breakdown": Oddity("no tool has a breakdown", _consumptions(_without_breakdown)),
    "more-fields": Oddity("tools have fields that the documentation does not", _consumptions(_with_more_fields)),
    "unlisted": Oddity("every other member is not in the list of members", _content(_without_every_other_member)),
    "no-created-at": Oddity('the first API key was created at ""', _content(_without_created_at)),
    # Last, since they make the body one that the others cannot read.
    "bom": Oddity("a byte order mark comes before the body", lambda body: BYTE_ORDER_MARK + body),
    "gzip": Oddity("answers are compressed", lambda body: gzip.compress(body, mtime=0), {"Content-Encoding": "gzip"}),
}


def oddly(body: bytes, names: Collection[str]) -> tuple[bytes, dict[str, str]]:
    """The body of a right answer with these oddities, and the headers that say so; other names are no matter here.

    >>> print(oddly(b'{"data":[{"name":"Atlas","member_count":12}]}', {"half-emoji", "floats"})[0].decode())
    {"data":[{"name":"Atlas\\ud83d","member_count":12.0}]}
    """
    chosen = [oddity for name, oddity in ODDITIES.items() if name in names]
    headers = {name: value for oddity in chosen for name, value in oddity.headers.items()}
    return reduce(lambda changed, oddity: oddity.change(changed), chosen, body), headers
