"""Each quirk of the sandbox changes what it says it does, and nothing else."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
import urllib3
from patience import HUNG
from sandbox_in_process import KEY, MEMBERS, TODAY, USAGE, ask, listed, sandbox
from sandbox_process import LISTS

from sandbox import Options, running
from sandbox.quirks import BYTE_ORDER_MARK, FACTS, FAILURES, HALF_EMOJI, QUIRKS

Periods = list[dict[str, Any]]
MONTHS = {"granularity": "month", "start_date": "2026-01-01", "end_date": "2026-03-31"}
CUT_WEEKS = {"granularity": "week", "start_date": "2026-03-11", "end_date": "2026-03-17"}
WEEKS = {"granularity": "week", "start_date": "2026-03-09", "end_date": "2026-03-22"}
DAYS = {"start_date": "2026-03-16", "end_date": "2026-03-31"}
ALL_KEYS: dict[str, Any] = {"api_key_ids": [key["api_key_id"] for key in listed(sandbox(), "api-keys")]}


def bodies(*quirks: str) -> dict[str, bytes]:
    """What the five endpoints answer, by the last part of their path."""
    client = sandbox(quirks=quirks)
    lists = {name: client.get(f"/v1/analytics/{name}", headers=KEY).data for name in LISTS}
    return {"team-credit-usage": client.post(USAGE, headers=KEY, json=MONTHS).data, **lists}


PLAIN = bodies()


def undone(quirk: str, undo: Callable[[bytes], bytes]) -> tuple[Any, Any]:
    odd = bodies(quirk)
    assert odd != PLAIN
    return {name: undo(body) for name, body in odd.items()}, PLAIN


def usage(quirk: str = "", **question: Any) -> Periods:
    periods: Periods = ask(sandbox(quirks=(quirk,) if quirk else ()), **question)
    return periods


def credits(periods: Periods) -> int:
    return sum(tool["user_credits"] for period in periods for tool in period["consumptions"])


def by_date(quirk: str = "", **question: Any) -> dict[str, int]:
    periods = usage(quirk, **question)
    return {period["date"]: credits([period]) for period in periods}


def without(day: str, **question: Any) -> dict[str, int]:
    return {at: total for at, total in by_date(**question).items() if not at.startswith(day)}


def statuses(quirk: str, *ranges: tuple[int, int]) -> list[int]:
    """Of ranges from so many days ago to so many."""
    client = sandbox(quirks=(quirk,))
    days = [[str(TODAY - timedelta(ago)) for ago in range_] for range_ in ranges]
    bodies = [{"start_date": start, "end_date": end} for start, end in days]
    return [client.post(USAGE, json=body, headers=KEY).status_code for body in bodies]


def figures(quirk: str = "") -> tuple[int, int]:
    """Of all tools: the credits, and what their breakdowns add up to."""
    tools = [tool for period in usage(quirk, **MONTHS) for tool in period["consumptions"]]
    entries = [entry for tool in tools for entry in tool.get("user_usages") or []]
    return sum(tool["user_credits"] for tool in tools), sum(entry["user_credits"] for entry in entries)


TOTAL, BROKEN_DOWN = figures()


def pieces() -> tuple[Any, Any]:
    """Twice as many periods add up to the same."""
    roles = [member["role"] for member in listed(sandbox(quirks=("awkward",)), "members")]
    found = figures("awkward"), len(usage("awkward", **MONTHS)), roles[-2:]
    return found, ((TOTAL, BROKEN_DOWN), 6, ["member", "billing"])


def empty_periods() -> tuple[Any, Any]:
    past = {"start_date": "2022-12-30", "end_date": "2022-12-31"}
    days = [f"{day}T00:00:00.000Z" for day in past.values()]
    return usage("empty-periods", **past), [{"date": day, "consumptions": []} for day in days]


def flat_problem() -> tuple[Any, Any]:
    flat, wrapped = (sandbox(quirks=one).post(USAGE, json=[], headers=KEY).json for one in (("flat-problems",), ()))
    return {"problem": flat}, wrapped


def told_limits() -> tuple[Any, Any]:
    client = sandbox(quirks=("limit-headers",), per_day=100)
    headers = [client.get(MEMBERS, headers=KEY).headers for _ in range(2)]
    names = ("x-ratelimit-limit", "x-ratelimit-remaining")
    return [[one[name] for name in names] for one in headers], [["100", "99"], ["100", "98"]]


def hours_behind() -> tuple[Any, Any]:
    """To the nearest hour, which no machine is slow enough to miss. A served answer has one date."""
    hours = {}
    for quirks in ((), ("slow-clock",)):
        with running(Options(quirks=quirks)) as base_url:
            answer = urllib3.request("GET", base_url + MEMBERS, headers=KEY, timeout=HUNG)
        [told] = answer.headers.getlist("Date")
        hours[quirks] = round((datetime.now(UTC) - parsedate_to_datetime(told)) / timedelta(hours=1))
    return hours, {(): 0, ("slow-clock",): 3}


def sub(pattern: str, replacement: str) -> Callable[[bytes], bytes]:
    return lambda body: re.sub(pattern.encode(), replacement.encode(), body)


# What is found, and what is expected.
CASES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "longer-range": lambda: (statuses("longer-range", (180, 0), (181, 0)), [200, 400]),
    "shorter-range": lambda: (statuses("shorter-range", (178, 0), (179, 0)), [200, 400]),
    "old-dates-refused": lambda: (statuses("old-dates-refused", (400, 400), (401, 401)), [200, 400]),
    "end-excluded": lambda: (by_date("end-excluded", **DAYS), without("2026-03-31", **DAYS)),
    "no-today": lambda: (by_date("no-today", **DAYS), without(str(TODAY), **DAYS)),
    "whole-edges": lambda: (by_date("whole-edges", **CUT_WEEKS), by_date(**WEEKS)),
    "edge-dates": lambda: (
        by_date("edge-dates", **CUT_WEEKS),
        {day.replace("-09T", "-11T"): total for day, total in by_date(**CUT_WEEKS).items()},
    ),
    "sunday-weeks": lambda: (
        by_date("sunday-weeks", **WEEKS),
        {day.replace("-09T", "-08T").replace("-16T", "-15T"): total for day, total in by_date(**WEEKS).items()},
    ),
    "sizes-differ": lambda: (
        [figures("sizes-differ")[0] < TOTAL, figures("sizes-differ")[1], by_date("sizes-differ", **DAYS)],
        [True, BROKEN_DOWN, by_date(**DAYS)],
    ),
    "keys-exceed": lambda: (
        [credits(usage("keys-exceed", **DAYS, **ALL_KEYS)), by_date("keys-exceed", **DAYS)],
        [9 * credits(usage(**DAYS, **ALL_KEYS)), by_date(**DAYS)],
    ),
    "empty-periods": empty_periods,
    "awkward": pieces,
    "rebate": lambda: (figures("rebate"), (TOTAL, 2 * BROKEN_DOWN)),
    "no-breakdown": lambda: (figures("no-breakdown"), (TOTAL, 0)),
    "more-fields": lambda: undone("more-fields", sub(',"currency":"credits","tool_version":3', "")),
    "half-emoji": lambda: undone("half-emoji", sub(r"\\ud83d", "")),
    "nul": lambda: undone("nul", sub(r"\\u0000", "")),
    "half-credits": lambda: undone("half-credits", sub(r"\.5([,}])", r"\1")),
    "floats": lambda: undone("floats", sub(r"\.0([,}])", r"\1")),
    "text-figures": lambda: undone("text-figures", sub(r'"(user_uses|user_credits|member_count)":"(\d+)"', r'"\1":\2')),
    "offset": lambda: undone("offset", sub(r"T00:00:00\+01:00", "T00:00:00.000Z")),
    "evening-dates": lambda: (
        sorted(by_date("evening-dates", **MONTHS)),
        [f"{day}T23:00:00.000Z" for day in ("2025-12-31", "2026-01-31", "2026-02-28")],
    ),
    "plain-dates": lambda: undone("plain-dates", sub(r'"(\d{4}-\d\d-\d\d)"', r'"\1T00:00:00.000Z"')),
    "unlisted": lambda: (listed(sandbox(quirks=("unlisted",)), "members"), listed(sandbox(), "members")[1::2]),
    "no-created-at": lambda: (
        {key["created_at"] for key in listed(sandbox(quirks=("no-created-at",)), "api-keys")},
        {""},
    ),
    "flat-problems": flat_problem,
    "limit-headers": told_limits,
    "slow-clock": hours_behind,
    "bom": lambda: undone("bom", lambda body: body.removeprefix(BYTE_ORDER_MARK)),
    "gzip": lambda: undone("gzip", gzip.decompress),
}


@pytest.mark.parametrize("quirk", FACTS)
def test_a_quirk_changes_what_it_says(quirk: str) -> None:
    found, expected = CASES[quirk]()
    assert found == expected


PAGE = "<h1>Later</h1>"
FAILS: dict[str, tuple[dict[str, Any], Callable[[requests.Response], Any], Any]] = {
    "forbidden": ({}, lambda answer: answer.status_code, 403),
    "body": ({"body": {"data": None}}, lambda answer: answer.json(), {"data": None}),
    "status": (
        {"status": 503, "body": PAGE, "headers": {"Retry-After": "7"}},
        lambda answer: (answer.status_code, answer.text, answer.headers["Retry-After"]),
        (503, PAGE, "7"),
    ),
    "redirect": ({"location": "/a"}, lambda answer: (answer.status_code, answer.headers["Location"]), (307, "/a")),
    "empty": ({}, lambda answer: (answer.status_code, answer.content), (200, b"")),
    "html": ({}, lambda answer: (answer.status_code, answer.text[:15]), (200, "<!doctype html>")),
    "bad-utf8": ({}, lambda answer: answer.content.replace(b"\xff", b""), PLAIN["team-members"]),
    "late": ({"seconds": 0.2}, lambda answer: answer.elapsed.total_seconds() >= 0.2, True),
    "trickle": ({"seconds": 0.0001}, lambda answer: answer.content, PLAIN["team-members"]),
}
BREAKS: dict[str, type[Exception]] = {
    "bad-gzip": requests.exceptions.ContentDecodingError,
    "cut": requests.exceptions.ChunkedEncodingError,
    "cut-chunked": requests.exceptions.ChunkedEncodingError,
    "reset-before": requests.ConnectionError,
    "reset-inside": requests.exceptions.ChunkedEncodingError,
    "silence": requests.ReadTimeout,
}


@pytest.mark.parametrize("quirk", FAILURES)
def test_a_failure_strikes_once_and_the_next_answer_is_right(quirk: str) -> None:
    parameters, seen, expected = FAILS.get(quirk, ({}, None, None))
    failure = {"kind": quirk, "at": 1, **parameters}

    def members(base_url: str, timeout: float = HUNG) -> requests.Response:
        return requests.get(base_url + MEMBERS, headers=KEY, timeout=(HUNG, timeout), allow_redirects=False)

    with running(Options(today=TODAY, quirks=(failure,))) as base_url:
        if seen:
            assert seen(members(base_url)) == expected
        else:
            with pytest.raises(BREAKS[quirk]):
                members(base_url, timeout=0.2 if quirk == "silence" else HUNG)
        assert members(base_url).content == PLAIN["team-members"]


def test_a_quirk_strikes_the_requests_that_it_names() -> None:
    client = sandbox()

    def asked(*paths: str) -> list[int]:
        return [client.get(f"/v1/analytics/team-{path}", headers=KEY).status_code for path in paths]

    failure = {"kind": "status", "status": 500, "at": 2, "times": 2, "path": "team-members"}
    client.post("/_sandbox/quirks", json=[failure])
    assert asked("groups", *["members"] * 4) == [200, 200, 500, 500, 200]
    client.post("/_sandbox/quirks", json=[{"kind": "status", "status": 500}])
    assert asked("groups", "members") == [500, 500]
    client.delete("/_sandbox/quirks")
    assert asked("groups", "members") == [200, 200]


def test_a_quirk_of_long_ranges_strikes_long_answers_and_no_refusal() -> None:
    long, short, refused = {"start_date": "2026-03-01"}, {"start_date": "2026-03-02"}, {"start_date": "2025-01-01"}
    client = sandbox(quirks=({"kind": "status", "status": 504, "longer_than": 30, "at": 2},))
    asked = (long, short, refused, {"granularity": "year"}, long, long)
    assert [client.post(USAGE, headers=KEY, json=one).status_code for one in asked] == [200, 200, 400, 200, 504, 200]
    client = sandbox(quirks=({"kind": "silence", "longer_than": 30},))
    assert client.post(USAGE, headers={"x-magnific-api-key": "another"}, json=long).status_code == 401


def test_all_facts_go_together_and_a_refusal_is_written_as_always() -> None:
    client = sandbox(quirks=tuple(FACTS))
    assert client.get(MEMBERS).json == {"message": "Missing API key"}
    groups = gzip.decompress(client.get("/v1/analytics/team-groups", headers=KEY).data).removeprefix(BYTE_ORDER_MARK)
    assert json.loads(groups)["data"][0] == {
        "group_id": 11,
        "name": "B\0rand Studio" + HALF_EMOJI,
        "member_count": "4.0",
    }
    assert len(QUIRKS) == len(CASES) + len(FAILS) + len(BREAKS)
    questions = [{**MONTHS, "granularity": size} for size in ("day", "week", "month", "year")]
    assert {client.post(USAGE, headers=KEY, json=one).status_code for one in questions} == {200}
