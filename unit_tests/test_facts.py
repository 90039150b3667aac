"""The page of facts notices a Magnific of other facts, shows nothing of the team, and only reads."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import requests
import requests_mock
from builders import KEY, answer, entry, period, tool
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import LISTS, USAGE, clock
from pendulum import Date
from sandbox_api import SandboxApi

from sandbox.customs import CUSTOMS
from sandbox.oddities import ODDITIES
from source_magnific_analytics.policy import POLICY
from verify.assumptions import JUDGES
from verify.facts import main
from verify.questions import MOST_REQUESTS

# A Wednesday: on a Sunday a small team uses nothing.
TODAY = Date(2026, 11, 25)
HOLDS, NOT, UNSEEN = "HOLDS", "DOES NOT HOLD", "COULD NOT BE SEEN"
RELIABILITY = (Path(__file__).parent.parent / "docs" / "reliability.md").read_text()

# What the page says where the sandbox is as odd as it is named: the verdicts that differ from those about a usual
# one, and a text that the page about that one does not have.
NOTICED: dict[str, tuple[dict[str, str], str]] = {
    "half-emoji": ({"texts": NOT}, "half a character"),
    "nul": ({"texts": NOT}, "a NUL"),
    "bom": ({"texts": NOT}, "a byte order mark: 11"),
    "floats": ({"figures": NOT}, "12.0 (100 percent)"),
    "text-figures": ({"figures": NOT}, "written like no figure"),
    "half-credits": ({"figures": NOT, "understood": NOT}, "12.5 (50 percent)"),
    "offset": ({"dates": NOT}, "+01:00: 1"),
    "plain-dates": ({"dates": NOT}, "a day without a time"),
    "evening-dates": ({"dates": NOT, "understood": NOT}, "T23:00:00.000Z"),
    "no-breakdown": (dict.fromkeys(("members", "projects"), UNSEEN), "missing in 100 percent"),
    "rebate": ({"excess": NOT}, "exceeded in 79 percent of the tools"),
    "more-fields": ({"fields": NOT}, "a tool has `currency`"),
    "unlisted": ({"members": NOT}, "2 of 5 people with usage are"),
    "no-created-at": ({"lists": NOT}, "1 without a date-time as `created_at`"),
    "end-excluded": ({"end_date": NOT, "edges": NOT, "sizes": NOT, "today": UNSEEN}, "its last day is missing"),
    "longer-range": ({"one_more": NOT}, "181 days are answered"),
    "shorter-range": ({"longest": NOT, "one_more": UNSEEN}, "180 days are refused (400); 179 days are answered"),
    "old-dates-refused": ({"age": NOT}, "days 9,825 days ago are refused (400)"),
    "whole-edges": (
        {"edges": NOT},
        "cut on its Wednesday, holds its whole week; the last one, cut on its Tuesday, holds",
    ),
    "edge-dates": ({"edges": NOT, "understood": NOT}, "dated by another day than its Monday"),
    "sunday-weeks": (dict.fromkeys(("edges", "sizes", "understood"), NOT), "by week 0 of "),
    "sizes-differ": ({"edges": NOT, "sizes": NOT}, "by month 0 of 5 are what their days add up to"),
    "keys-exceed": ({"keys_total": NOT}, "the keys have 218 percent of the team's credits"),
    "no-today": ({"today": UNSEEN}, "the newest period with usage is 1 days old"),
    "limit-headers": ({"limits": HOLDS}, "x-ratelimit-remaining: 99 at first, 88 at last"),
    "slow-clock": ({"clock": NOT}, "10800 seconds behind at most"),
}
# They change nothing that the connector takes for granted.
FREE = {"nameless-keys", "sorted", "newest-first", "twice", "gzip", "free-tool"}


class Page:
    """What the command printed and how it ended, behind a sandbox with these options or what `api` answers."""

    def __init__(self, capsys: pytest.CaptureFixture[str], options: Mapping[str, Any] | None = None, **given: str):
        # A small team says the same as a large one.
        self.api = SandboxApi(**{"today": TODAY, "people": 5, **options}) if options is not None else None
        with clock(TODAY), patch.dict("os.environ", {"MAGNIFIC_API_KEY": KEY, **given}):
            if self.api:
                with self.api.serving():
                    self.code = main()
                assert len(self.api.asked) + self.api.lists.total() <= MOST_REQUESTS
            else:
                self.code = main()
        self.out, self.err = capsys.readouterr()
        self.flat = " ".join(self.out.split())
        self.verdicts: dict[str, str] = {}
        for title, part in re.findall(r"(?ms)^([A-Z ]{5,}) \(\d+\)$(.*?)(?=^[A-Z ]{5,} \(|^docs)", self.out):
            part = " ".join(part.split())
            self.verdicts |= {judge.__name__: title for said, judge in JUDGES.items() if f"- {said}: " in part}

    @property
    def requests(self) -> int:
        return len(re.findall(r"(?m)^ ?\d+\. ", self.out))


@pytest.fixture()
def usual(capsys: pytest.CaptureFixture[str]) -> Page:
    return Page(capsys, {"per_day": 100})


def differing(page: Page, usual: Page) -> dict[str, str]:
    return {name: verdict for name, verdict in page.verdicts.items() if verdict != usual.verdicts[name]}


def test_about_the_sandbox_all_holds_but_what_it_leaves_open(usual: Page) -> None:
    others = {name: verdict for name, verdict in usual.verdicts.items() if verdict != HOLDS}
    # The sandbox has tools without a breakdown and keys without a person, and asks for the clock of no process.
    assert others == {**dict.fromkeys(("breakdown", "limits"), NOT), "clock": UNSEEN}
    assert (usual.code, usual.requests, len(usual.verdicts)) == (0, MOST_REQUESTS, len(JUDGES))
    assert f"at most {MOST_REQUESTS} of the day's 100 API requests" in usual.out.partition(" 1. ")[0]
    assert usual.api is not None
    log = usual.api.control("requests")
    assert {(one["method"], one["path"].rpartition("/")[2]) for one in log} == {
        ("POST", "team-credit-usage"),
        *(("GET", url.rpartition("/")[2]) for url in LISTS.values()),
    }


def test_without_a_key_a_sandbox_is_started_and_asked_over_http(capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(capsys, MAGNIFIC_API_KEY="")
    assert (page.code, page.requests) == (0, MOST_REQUESTS)
    assert "Asking a sandbox on this machine, since MAGNIFIC_API_KEY is not set" in page.flat
    assert page.verdicts["end_date"] == HOLDS


@pytest.mark.parametrize("oddity", sorted({*ODDITIES, *CUSTOMS} - FREE))
def test_the_page_notices_each_oddity(oddity: str, usual: Page, capsys: pytest.CaptureFixture[str]) -> None:
    verdicts, told = NOTICED[oddity]
    page = Page(capsys, {"oddities": frozenset({oddity}), "per_day": 100})
    assert differing(page, usual) == verdicts
    assert (told in page.flat, told in usual.flat) == (True, False)


@pytest.mark.parametrize(
    ("options", "given_", "verdicts", "told"),
    [
        ({"awkward": True}, {}, dict.fromkeys(("fields", "once"), NOT), "174 periods and 278 tools"),
        ({"keys": 0}, {}, {"keys_total": UNSEEN}, "the team has no API keys"),
        ({"plan": "enterprise"}, {"MAGNIFIC_PLAN": "enterprise"}, {}, "365 days are answered"),
        (
            {"longest_answer": 60},
            {},
            {"answered": NOT, "longest": NOT, **dict.fromkeys(("keys_total", "one_more"), UNSEEN)},
            "180 days are not answered (504); 30 days are answered",
        ),
        (
            {"oddities": frozenset({"old-dates-refused"})},
            {"MAGNIFIC_START_DATE": "2024-01-01"},
            {"age": NOT},
            "days 1,059 days ago are refused (400)",
        ),
    ],
)
def test_the_page_notices_how_the_sandbox_answers(
    options: dict[str, Any],
    given_: dict[str, str],
    verdicts: dict[str, str],
    told: str,
    usual: Page,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = Page(capsys, options, **given_)
    assert differing(page, usual) == verdicts
    assert told in page.flat


@pytest.mark.parametrize("allowed", [1, 4, 11])
def test_the_first_429_ends_it_and_what_was_learned_is_told(
    allowed: int, usual: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Page(capsys, {"per_day": allowed})
    assert (page.code, page.requests) == (1, allowed + 1)
    assert "Stopped early. Magnific refuses more requests for now (429): try again" in page.flat
    assert f"{allowed} of {allowed + 1} were answered; HTTP 429: 1" in page.flat
    # What was not asked is not judged; what was, is judged as ever.
    others = {name for name, verdict in differing(page, usual).items() if verdict != UNSEEN}
    assert others - {"limits"} == {"answered"}


@pytest.mark.parametrize(
    ("response", "told"),
    [
        ({"status_code": 401}, "refuses the API key (401)"),
        ({"status_code": 403}, "does not let this key read analytics (403)"),
        ({"exc": requests.exceptions.ConnectionError("secret")}, "could not be read (no connection"),
        ({"status_code": 302, "headers": {"Location": "https://evil.example/"}}, "could not be read (HTTP 302)"),
        ({"exc": KeyboardInterrupt}, "It was interrupted"),
    ],
)
def test_what_ends_it_at_once_is_told_with_what_to_do(
    response: dict[str, Any], told: str, api: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    api.register_uri(requests_mock.ANY, requests_mock.ANY, **response)
    page = Page(capsys)
    assert (page.code, api.call_count) == (1, 1)
    assert told in page.flat


def test_a_setting_that_is_wrong_costs_no_request(
    api: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Page(capsys, MAGNIFIC_BASE_URL="https://evil.example")
    assert (page.code, api.call_count) == (1, 0)
    assert "base_url must be" in page.err


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"text": f'{{"data": [], "more": "{" " * POLICY.largest_body}"}}'}, "an answer of more than 24 MiB"),
        ({"exc": requests.exceptions.ReadTimeout("secret")}, "no complete answer in time"),
    ],
)
def test_an_answer_that_is_too_much_is_not_taken_for_a_small_one(
    option: dict[str, Any], told: str, api: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    api.get(requests_mock.ANY, json={"data": []})
    api.post(USAGE, [option, {"json": answer(period("2026-11-19", tool("Mystic", entry("ann@example.com"))))}])
    page = Page(capsys)
    assert (page.verdicts["longest"], page.verdicts["one_more"]) == (NOT, UNSEEN)
    assert f"180 days are too much ({told}); 30 days are answered" in page.flat


FIGURE, EMAIL = 9_182_736_455, "tale.bearer@tale.example"
REFERENCE = "7a1e7a1e-52a4-4c1d-9a8e-3f6d2b5e7a1e"
USED = entry(EMAIL, FIGURE, FIGURE, project_reference=REFERENCE, project_name="Tale Film", group_name="Tale Group")
RIGHT = answer(*[period(f"2026-11-{day}", tool("Tale Upscaler", USED, tale="tale")) for day in range(10, 20)])
WORDS = f"The days of {EMAIL} with {KEY} in Tale Group: {FIGURE} credits"
PROBLEM = {"problem": {"message": WORDS, "invalid_params": [{"name": "tale", "reason": WORDS}]}}
HEADERS = {"X-RateLimit-Limit": "tale", "X-Ratelimit-Tale": str(FIGURE), "Content-Encoding": "tale", "Date": "tale"}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([EMAIL, "Tale", "2026-11-20T00:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    EMAIL,
                    str(FIGURE),
                    *["data", "date", "consumptions", "tool", "user_uses", "user_credits", "user_usages"],
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


def nothing_is_shown(page: Page) -> None:
    shown = (page.out + page.err).lower()
    assert page.code in (0, 1) and len(page.verdicts) == len(JUDGES)
    assert [tell for tell in ("tale", "7a1e7a1e", KEY.lower()) if tell in shown] == []
    # No sum of the figures either: all of them are larger than anything that is counted.
    assert max(int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", shown)) < FIGURE


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(found=ANY_JSON, place=st.sampled_from(["body", "data", "period", "tool", "entry"]))
def test_no_answer_however_odd_keeps_the_page_from_being_made_or_shows_anything(
    found: Any, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = {
        "body": found,
        "data": {"data": found},
        "period": answer(period("2026-11-19", tool("Tale", USED)), found),
        "tool": answer(period("2026-11-19", tool("Tale", USED), found), period("2026-11-18", found)),
        "entry": answer(period("2026-11-19", tool("Tale", uses=1, credits=2, user_usages=[USED, found]))),
    }
    with requests_mock.Mocker() as api:
        api.register_uri(requests_mock.ANY, requests_mock.ANY, json=odd[place])
        nothing_is_shown(Page(capsys))


@pytest.mark.parametrize(
    "response",
    [
        {"json": RIGHT},
        {"json": {**RIGHT, EMAIL: FIGURE, "tale": EMAIL}},
        *({"content": body} for body in (b"", b"\xff\xfetale", b"<html>tale", b"[" * 100_000, b'{"data": 1e999}')),
        *({"status_code": status, "json": PROBLEM} for status in (302, 400, 401, 403, 429, 500)),
        {"exc": requests.exceptions.InvalidHeader(WORDS)},
    ],
)
def test_nothing_of_the_team_is_shown(
    response: dict[str, Any], api: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    given_ = response if "exc" in response else {"headers": HEADERS, **response}
    api.get(requests_mock.ANY, json={"data": [{"email": EMAIL, "api_key_id": "fpk-tale", "name": "Tale", EMAIL: 1}]})
    api.post(USAGE, [given_, {"status_code": 400, "json": PROBLEM}, given_])
    nothing_is_shown(Page(capsys))


def test_the_documentation_says_of_each_assumption_what_happens_without_it() -> None:
    table = RELIABILITY.partition("| taken for granted |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"(?m)^\| (?!---)(.+?) \| .+ \|$", table)) == sorted(JUDGES)
