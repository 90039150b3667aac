"""The quirks that make the sandbox deviate from the documentation. `sandbox.quirk_functions` implements them.

To switch on a quirk, give its name, or a JSON object with the name as `kind` and the quirk's parameters. Four optional
properties select the requests that the quirk affects. A request matches if its path contains `path` and its range is
longer than `longer_than` days. If `at` is "every" (the default), the quirk affects all matching requests or, if `times`
is set, only the first `times`. If `at` is a number n, the quirk affects the nth matching request or, if `times` is set,
`times` requests from that one on. If several quirks affect a request, they act in the order of the tables below.
"""

from __future__ import annotations

import gzip
import inspect
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from flask import Response

from sandbox import quirk_functions as fn
from sandbox.quirk_functions import (
    DAY,
    FIGURES,
    OLDEST_DAYS,
    answer,
    broken_off,
    periods,
    taken_for,
    tools,
    values,
    with_bytes,
)
from sandbox.wire_format import Asked

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HALF_EMOJI = "\ud83d"
"""An unpaired surrogate, which remains when a program truncates UTF-16 text in the middle of an emoji."""
_GIVEN_NAMES = ("name", "display_name", "project_name", "group_name")
_COUNTS = (*FIGURES, "member_count")
_MORE = {"currency": "credits", "tool_version": 3}

# Each quirk has a description and a function. Quirks that calculate with figures or dates come before quirks that
# reformat them. Quirks that change bytes come last.
FACTS: dict[str, tuple[str, fn.Change]] = {
    "longer-range": ("a range one day longer than documented is accepted", fn.longer_by(1)),
    "shorter-range": ("the longest range that the plan allows is refused", fn.longer_by(-1)),
    "old-dates-refused": (f"a range that starts more than {OLDEST_DAYS} days ago is refused", fn.old_refused),
    "end-excluded": (
        "a range excludes its end_date",
        taken_for(lambda query, today: query.between(query.start, query.end - DAY)),
    ),
    "no-today": (
        "today's usage is not available yet",
        taken_for(lambda query, today: query.between(query.start, min(query.end, today - DAY))),
    ),
    "whole-edges": ("periods at a range's edges include their days outside the range", taken_for(fn.whole_periods)),
    "edge-dates": (
        "if a period begins before the range, its date is the first day of the range",
        periods(lambda period, query: period | {"date": max(period["date"], f"{query.start}{period['date'][10:]}")}),
    ),
    "sunday-weeks": ("a week's date is the Sunday before its Monday", periods(fn.dated_by_sundays)),
    "sizes-differ": ("weeks, months and years omit tools that have no breakdown", periods(fn.attributed_only)),
    "keys-exceed": ("usage filtered by API keys is nine times what it should be", answer(fn.ninefold_by_key)),
    "empty-periods": ("the response includes periods without usage", answer(fn.with_empty_periods)),
    "awkward": ("periods and tools are split; nulls, unknown fields and a new role are added", answer(fn.in_pieces)),
    "rebate": (
        "the credits of each breakdown entry are doubled; the totals stay the same",
        tools(fn.rebated),
    ),
    "no-breakdown": ("no tool has a breakdown", tools(lambda tool: {**tool, "user_usages": []})),
    "more-fields": ("tools have undocumented fields", tools(lambda tool: tool | _MORE)),
    "half-emoji": (
        r"names of projects, groups and API keys end in half an emoji, written \ud83d",
        values(_GIVEN_NAMES, lambda name: name + HALF_EMOJI),
    ),
    "nul": (
        r"names of tools, projects, groups and API keys contain a NUL, written \u0000",
        values((*_GIVEN_NAMES, "tool"), lambda name: f"{name[:1]}\0{name[1:]}"),
    ),
    "half-credits": ("credits are fractional, such as 12.5", values(["user_credits"], lambda credits: credits + 0.5)),
    "floats": ("uses, credits and member counts are written as floats, such as 12.0", values(_COUNTS, float)),
    "text-figures": ('uses, credits and member counts are written as strings, such as "12"', values(_COUNTS, str)),
    "offset": (
        "periods begin at midnight in another time zone, written 2026-11-21T00:00:00+01:00",
        values(["date"], lambda day: f"{day[:10]}T00:00:00+01:00"),
    ),
    "evening-dates": (
        "periods begin at midnight in another time zone, written in UTC as 2026-11-20T23:00:00.000Z",
        values(["date"], lambda day: f"{date.fromisoformat(day[:10]) - DAY}T23:00:00.000Z"),
    ),
    "plain-dates": ("periods have a date without a time, such as 2026-11-21", values(["date"], lambda day: day[:10])),
    "unlisted": ("every second member is missing from the list", answer(fn.every_second_member)),
    "no-created-at": ('the created_at of API keys is ""', values(["created_at"], lambda _: "")),
    "limit-headers": ("each response states the daily limit in x-ratelimit headers", fn.with_limits),
    "slow-clock": ("the server's Date header is three hours behind", fn.three_hours_behind),
    "bom": ("a byte order mark comes before the body", with_bytes(lambda body: BYTE_ORDER_MARK + body)),
    "gzip": ("responses are compressed", with_bytes(lambda body: gzip.compress(body, mtime=0), "gzip")),
}
"""Quirks that concern undocumented or unconfirmed details. Most contradict one of the connector's assumptions."""

FAILURES: dict[str, tuple[str, fn.Change]] = {
    "status": ("a response with the given `status`, `headers` and `body`", fn.another_status),
    "empty": ("no body", with_bytes(lambda body: b"")),
    "html": ("an HTML page instead of JSON", with_bytes(lambda body: b"<!doctype html><title>Later</title>")),
    "bad-gzip": ("an uncompressed body, although the headers say gzip", with_bytes(lambda body: body, "gzip")),
    # A lenient parser would drop or replace the invalid byte, and so accept a wrong string.
    "bad-utf8": (
        "the response's last string begins with a byte that is not valid UTF-8",
        with_bytes(lambda body: b'":"\xff'.join(body.rsplit(b'":"', 1))),
    ),
    "trickle": ("the body arrives byte by byte, with a pause of `seconds` after each byte", fn.trickle),
    "cut": ("the connection ends midway through the body", broken_off(half=True, reset=False, length=True)),
    "cut-chunked": ("a chunked body ends midway through", broken_off(half=True, reset=False, length=False)),
    "reset-before": ("the connection is reset before the body", broken_off(half=False, reset=True, length=False)),
    "reset-inside": ("the connection is reset midway through the body", broken_off(half=True, reset=True, length=True)),
    "silence": ("no response until the client closes the connection", fn.silence),
}
"""Quirks that delay, corrupt or withhold a response. Only the server in `sandbox.server` can break connections."""

QUIRKS = FACTS | FAILURES
_WHEN = {"kind", "path", "longer_than", "at", "times"}


class Switched:
    """An active quirk, with a count of the matching requests that it has seen."""

    def __init__(self, given: Any) -> None:
        """Read a quirk's name or JSON object; raise ValueError if it is not valid."""
        given = {"kind": given} if isinstance(given, str) else given
        if not isinstance(given, Mapping) or given.get("kind") not in QUIRKS:
            kind = given.get("kind") if isinstance(given, Mapping) else given
            raise ValueError(f"unknown quirk {kind!r}: choose from {', '.join(QUIRKS)}")
        self.name: str = given["kind"]
        self._parameters = {name: given[name] for name in given.keys() - _WHEN}
        self._path, self._longer_than, times = given.get("path", ""), given.get("longer_than"), given.get("times")
        at = given.get("at", "every")
        counts = [n for n in (self._longer_than, times, None if at == "every" else at) if n is not None]
        if not isinstance(self._path, str) or not all(isinstance(n, int) and n >= 1 for n in counts):
            raise ValueError(
                f"{self.name}: path must be a string; longer_than, times and at must be positive integers "
                '(at can also be "every")'
            )
        try:
            inspect.signature(QUIRKS[self.name][1]).bind(None, None, **self._parameters)
        except TypeError as error:
            raise ValueError(f"{self.name}: {error}") from None
        self._first = 1 if at == "every" else at
        self._last = self._first + times - 1 if times else None if at == "every" else self._first
        self._seen = 0

    def strikes(self, path: str, response: Response, asked: Asked) -> bool:
        """Count matching requests; return whether to change this response. A refusal never matches `longer_than`."""
        days = asked.query.days if asked.query and response.status_code == 200 else 0
        if self._path not in path or (self._longer_than and days <= self._longer_than):
            return False
        self._seen += 1
        return self._seen >= self._first and (self._last is None or self._seen <= self._last)

    def change(self, response: Response, asked: Asked) -> Response:
        return QUIRKS[self.name][1](response, asked, **self._parameters)


def in_order(switched: Iterable[Switched]) -> list[Switched]:
    return sorted(switched, key=lambda quirk: list(QUIRKS).index(quirk.name))
