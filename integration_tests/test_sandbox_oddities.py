"""What the sandbox's answers look like with an oddity, and that they say the same as without."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable

import pytest
import requests
from patience import HUNG
from sandbox_in_process import KEY, USAGE, listed, sandbox
from sandbox_process import LISTS, Sandbox

from sandbox import Options
from sandbox.customs import CUSTOMS
from sandbox.oddities import BYTE_ORDER_MARK, HALF_EMOJI, ODDITIES
from sandbox.query import GRANULARITIES

MONTHS = {"granularity": "month", "start_date": "2026-01-01", "end_date": "2026-03-31"}
API_KEYS = "team-api-keys"


def bodies(*oddities: str) -> dict[str, bytes]:
    """What the five endpoints answer, by the last part of their path."""
    client = sandbox(oddities=frozenset(oddities))
    usage = client.post(USAGE, headers=KEY, json=MONTHS)
    lists = {name: client.get(f"/v1/analytics/{name}", headers=KEY) for name in LISTS}
    answers = {"team-credit-usage": usage, **lists}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {name: answer.data for name, answer in answers.items()}


PLAIN = bodies()
EVERYWHERE = set(PLAIN)
NAMED = EVERYWHERE - {"team-members"}


@pytest.mark.parametrize(
    ("oddity", "touched", "undone"),
    [
        ("half-emoji", NAMED, lambda body: body.replace(rb"\ud83d", b"")),
        ("nul", NAMED, lambda body: body.replace(rb"\u0000", b"")),
        ("floats", {"team-credit-usage", "team-groups"}, lambda body: body.replace(b".0,", b",").replace(b".0}", b"}")),
        (
            "text-figures",
            {"team-credit-usage", "team-groups"},
            lambda body: re.sub(rb'"(user_uses|user_credits|member_count)":"(\d+)"', rb'"\1":\2', body),
        ),
        ("half-credits", {"team-credit-usage"}, lambda body: re.sub(rb"\.5([,}])", rb"\1", body)),
        (
            "plain-dates",
            {"team-credit-usage"},
            lambda body: re.sub(rb'"(\d{4}-\d\d-\d\d)"', rb'"\1T00:00:00.000Z"', body),
        ),
        (
            "more-fields",
            {"team-credit-usage"},
            lambda body: body.replace(b',"currency":"credits","tool_version":3', b""),
        ),
        ("gzip", EVERYWHERE, gzip.decompress),
        ("offset", {"team-credit-usage"}, lambda body: body.replace(b"T00:00:00+01:00", b"T00:00:00.000Z")),
        ("no-created-at", {API_KEYS}, lambda body: body.replace(b'""', b'"2023-02-06T09:14:00.000Z"')),
        ("bom", EVERYWHERE, lambda body: body.removeprefix(BYTE_ORDER_MARK)),
    ],
)
def test_an_oddity_is_where_it_belongs_and_changes_nothing_else(
    oddity: str, touched: set[str], undone: Callable[[bytes], bytes]
) -> None:
    odd = bodies(oddity)
    assert {name for name in odd if odd[name] != PLAIN[name]} == touched
    assert {name: undone(body) for name, body in odd.items()} == PLAIN


def test_oddities_go_together() -> None:
    odd = bodies("half-emoji", "nul", "floats", "no-created-at", "bom")
    assert all(body.startswith(BYTE_ORDER_MARK) for body in odd.values())
    group = json.loads(odd["team-groups"].removeprefix(BYTE_ORDER_MARK))["data"][0]
    assert (group["name"], repr(group["member_count"])) == ("B\0rand Studio" + HALF_EMOJI, "4.0")
    assert json.loads(odd[API_KEYS].removeprefix(BYTE_ORDER_MARK))["data"][0]["created_at"] == ""


def order(answer: bytes) -> list[list[str]]:
    """The periods, the tools of each and the people of each tool, as they come."""
    periods = json.loads(answer)["data"]
    tools = [tool for period in periods for tool in period["consumptions"]]
    return [
        [period["date"] for period in periods],
        *([tool["tool"] for tool in period["consumptions"]] for period in periods),
        *([usage["user_email"] for usage in tool.get("user_usages", [])] for tool in tools),
    ]


@pytest.mark.parametrize(("oddity", "backwards"), [("sorted", False), ("newest-first", True)])
def test_all_of_an_answer_comes_in_order(oddity: str, backwards: bool) -> None:
    odd = bodies(oddity)["team-credit-usage"]
    assert order(odd) == [sorted(one, reverse=backwards) for one in order(odd)]
    assert sorted(odd) == sorted(PLAIN["team-credit-usage"])


def figures(body: bytes, what: str = "user_credits") -> tuple[int, int]:
    """Of all tools: the totals, and what their breakdowns add up to."""
    tools = [tool for period in json.loads(body)["data"] for tool in period["consumptions"]]
    usages = [usage for tool in tools for usage in tool.get("user_usages", [])]
    return sum(tool[what] for tool in tools), sum(usage[what] for usage in usages)


def test_oddities_of_the_breakdown_leave_the_totals() -> None:
    total, broken_down = figures(PLAIN["team-credit-usage"])
    told = {name: figures(bodies(name)["team-credit-usage"]) for name in ("twice", "no-breakdown", "rebate")}
    assert told == {
        "twice": (total, broken_down),
        "no-breakdown": (total, 0),
        "rebate": (total, 2 * broken_down),
    }


@pytest.mark.parametrize("option", ["awkward", "empty_periods"])
@pytest.mark.parametrize("oddity", [*ODDITIES, *CUSTOMS, "all"])
def test_each_oddity_goes_with_whatever_else_an_answer_may_be(oddity: str, option: str) -> None:
    chosen = {*ODDITIES, *CUSTOMS} if oddity == "all" else {oddity}
    client = sandbox(people=5, oddities=frozenset(chosen), **{option: True})
    questions = [{**MONTHS, "granularity": size} for size in GRANULARITIES]
    answers = [client.post(USAGE, headers=KEY, json=one) for one in questions]
    answers += [client.get(f"/v1/analytics/{name}", headers=KEY) for name in LISTS]
    assert {answer.status_code for answer in answers} == {200}


def test_a_refusal_is_written_as_always() -> None:
    client = sandbox(oddities=frozenset(ODDITIES))
    assert client.get("/v1/analytics/team-members").json == {"message": "Missing API key"}
    assert listed(sandbox(keys=0, oddities=frozenset({"no-created-at"})), "api-keys") == []


def test_an_oddity_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="half-emojy"):
        Options(oddities=frozenset({"half-emojy"}))


def test_the_command_takes_several(make_sandbox: Callable[..., Sandbox]) -> None:
    odd = make_sandbox("--oddity=nul", "--oddity=no-created-at", "--keys=5")
    answer = requests.get(f"{odd.base_url}/v1/analytics/{API_KEYS}", headers=KEY, timeout=HUNG)
    keys = answer.json()["data"]
    assert (len(keys), keys[0]["display_name"], keys[0]["created_at"]) == (5, "W\0ebsite thumbnails", "")
