"""The page of facts: it notices a Magnific of other facts, whatever comes back, and costs at most twelve requests."""

from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock
from builders import answer, entry, period, tool
from facts_page import TODAY, Page, made, page_of
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import LISTS, USAGE
from sandbox_api import SandboxApi

from facts.assumptions import ASSUMPTIONS
from facts.questions import MOST_REQUESTS
from sandbox.customs import CUSTOMS
from sandbox.oddities import ODDITIES
from source_magnific_analytics.policy import POLICY

HOLDS, NOT, UNSEEN = "holds", "does not hold", "could not be seen"
ROOT = Path(__file__).parent.parent

# What the page says where the sandbox is as odd as it is named: the verdicts that differ from those about a usual
# one, and a text that the page about that one does not have.
NOTICED: dict[str, tuple[dict[str, str], str]] = {
    "half-emoji": ({"texts": NOT}, "half a character"),
    "nul": ({"texts": NOT}, "a NUL"),
    "bom": ({"texts": NOT}, "a byte order mark: 11"),
    "floats": ({"figures": NOT}, "12.0 (100 percent)"),
    "text-figures": ({"fields": NOT}, "a tool has a text as `user_credits`"),
    "half-credits": ({"figures": NOT, "understood": NOT}, "12.5 (50 percent)"),
    "offset": ({"dates": NOT}, "midnight, +01:00"),
    "plain-dates": ({"dates": NOT}, "a day without a time"),
    "evening-dates": ({"dates": NOT, "understood": NOT}, "another time, 3 digits of a fraction, Z"),
    "sorted": (
        {"order": HOLDS},
        "periods: by date, ascending; tools: by name, ascending; users: by address, ascending",
    ),
    "newest-first": ({"order": HOLDS}, "periods: by date, descending; tools: by name, descending"),
    "twice": ({"entries_once": NOT}, "50 percent of the entries come once more"),
    "no-breakdown": (dict.fromkeys(("entries_once", "members", "projects"), UNSEEN), "missing in 100 percent"),
    "rebate": ({"excess": NOT}, "79 percent of the tools exceed theirs"),
    "more-fields": ({"fields": NOT}, "a tool has `currency`"),
    "unlisted": ({"members": NOT}, "2 of 5 people with usage are; 0 of 2 members have no usage"),
    "no-created-at": ({"lists": NOT}, "1 without a date-time as `created_at`"),
    "gzip": ({}, "(compressed: gzip)"),
    "end-excluded": ({"end_date": NOT, "today": UNSEEN}, "its first day is there, its last day is missing"),
    "longer-range": ({"one_more": NOT, "projects": UNSEEN}, "not asked for, the 12 requests went to other"),
    "shorter-range": ({"longest": NOT, "one_more": UNSEEN}, "180 days are refused (400); 179 are answered"),
    "old-dates-refused": ({"age": NOT}, "days 9,825 days ago are refused (400)"),
    "whole-edges": (
        {"edges": NOT},
        "cut on its Wednesday, holds its whole week; the last one, cut on its Tuesday, holds",
    ),
    "edge-dates": ({"edges": NOT, "understood": NOT}, "dated by another day than its Monday"),
    "sunday-weeks": (dict.fromkeys(("edges", "first_days", "sizes", "understood"), NOT), "by week 0 of 11 "),
    "sizes-differ": ({"edges": NOT, "sizes": NOT}, "by month 0 of 5 are what their days add up to"),
    "keys-exceed": ({"keys_total": NOT}, "the keys have 218 percent of the team's credits"),
    "nameless-keys": ({}, "'keys_people': '0 percent of these credits do"),
    "free-tool": ({"free": NOT}, "15 percent of the tools of a period have uses and no credits"),
    "no-today": ({"today": UNSEEN}, "the newest period with usage is 1 day old"),
    "limit-headers": ({"limits": HOLDS}, "x-ratelimit-remaining: 99 at first, 88 at last"),
    "slow-clock": ({"clock": NOT}, "10800 seconds behind at most"),
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page about a sandbox without oddities."""
    return page_of(tmp_path_factory.mktemp("usual"), {"per_day": 100})


def differing(page: Page, usual: Page) -> dict[str, str]:
    return {name: verdict for name, verdict in page.verdicts.items() if verdict != usual.verdicts[name]}


def test_about_the_sandbox_all_holds_but_what_it_leaves_open(usual: Page) -> None:
    others = {name: verdict for name, verdict in usual.verdicts.items() if verdict != HOLDS}
    # The sandbox has tools without a breakdown and keys without a person, and asks for the clock of no process.
    assert others == {**dict.fromkeys(("breakdown", "keys_people", "limits", "order"), NOT), "clock": UNSEEN}
    assert (usual.code, usual.content["requests"], usual.content["stopped"]) == (0, MOST_REQUESTS, None)
    assert usual.content["asked"] == "Magnific"


@pytest.mark.parametrize("oddity", [*ODDITIES, *CUSTOMS])
def test_the_page_notices_each_oddity(oddity: str, usual: Page, tmp_path: Path) -> None:
    verdicts, told = NOTICED[oddity]
    page = page_of(tmp_path, {"oddities": frozenset({oddity}), "per_day": 100})
    assert differing(page, usual) == verdicts
    assert told in str(page.seen)
    assert told not in str(usual.seen)


@pytest.mark.parametrize(
    ("options", "verdicts", "told"),
    [
        ({"empty_periods": True}, {"empty": NOT}, "31 of 219 periods are empty"),
        ({"awkward": True}, dict.fromkeys(("entries_once", "fields", "once"), NOT), "174 periods and 278 tools"),
        ({"flat_problems": True}, {}, "without `problem` around it"),
        ({"keys": 0}, dict.fromkeys(("keys_people", "keys_total"), UNSEEN), "the team has no API keys"),
        ({"plan": "enterprise"}, {"one_more": NOT, "projects": UNSEEN}, "181 days are answered; 182 days are answered"),
        (
            {"longest_answer": 60},
            {"answered": NOT, "longest": NOT, **dict.fromkeys(("keys_people", "keys_total", "one_more"), UNSEEN)},
            "180 days are not answered (504); 30 are answered",
        ),
    ],
)
def test_the_page_notices_how_the_sandbox_answers(
    options: dict[str, Any], verdicts: dict[str, str], told: str, usual: Page, tmp_path: Path
) -> None:
    page = page_of(tmp_path, options)
    assert differing(page, usual) == verdicts
    assert told in str(page.seen)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"text": f'{{"data": [], "more": "{" " * POLICY.largest_body}"}}'}, "an answer of more than 24 MiB"),
        ({"text": "{" * (POLICY.most_objects + 1)}, "an answer of more than 200,000 entries"),
        ({"exc": requests.exceptions.ReadTimeout("secret")}, "no complete answer in time"),
    ],
    ids=["bytes", "entries", "time"],
)
def test_an_answer_that_is_too_much_is_not_taken_for_a_small_one(
    option: dict[str, Any], told: str, api: requests_mock.Mocker, tmp_path: Path
) -> None:
    api.get(requests_mock.ANY, json={"data": []})
    api.post(USAGE, [option, {"json": answer(period("2026-11-19", USED))}])
    page = made(tmp_path)
    assert (page.verdicts["size"], page.verdicts["longest"], page.verdicts["one_more"]) == (NOT, NOT, UNSEEN)
    assert page.seen["size"].startswith(f"180 days of usage by day: {told}; the largest that was read: 1 kB for ")
    assert page.seen["longest"] == f"180 days are too much ({told}); 30 are answered"


def test_an_enterprise_team_is_asked_for_its_own_longest_range(tmp_path: Path) -> None:
    page = page_of(tmp_path, {"plan": "enterprise"}, MAGNIFIC_PLAN="enterprise")
    assert page.seen["longest"] == "365 days are answered"
    assert page.seen["one_more"].startswith("366 days are refused (400)")


def test_whether_a_refused_range_counts_is_told_where_headers_tell_it(tmp_path: Path) -> None:
    page = page_of(tmp_path, {"oddities": frozenset({"limit-headers"}), "per_day": 100})
    assert "a refused range counts as a request: yes" in page.seen["limits"]


def test_how_old_a_date_may_be_is_asked_from_the_start_date_on(tmp_path: Path) -> None:
    refusing = {"oddities": frozenset({"old-dates-refused"})}
    page = page_of(tmp_path, refusing, MAGNIFIC_START_DATE="2024-01-01")
    assert page.seen["age"] == "days 1,059 days ago are refused (400)"


@pytest.mark.parametrize("allowed", [1, 2, 4, 7, 11])
def test_the_first_429_ends_it_and_what_was_learned_is_told(
    allowed: int, usual: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_of(tmp_path, {"per_day": allowed})
    assert (page.code, page.content["requests"]) == (1, allowed + 1)
    assert "(429)" in page.content["stopped"]
    assert "Stopped early." in capsys.readouterr().out
    assert page.seen["answered"] == f"{allowed} of {allowed + 1} were answered; HTTP 429: 1"
    assert page.verdicts["answered"] == NOT
    # What was not asked is not judged; what was, is judged as ever.
    others = {name for name, verdict in differing(page, usual).items() if verdict != UNSEEN} - {"answered"}
    assert others <= {"limits"}


@pytest.mark.parametrize(
    ("response", "told"),
    [
        ({"status_code": 401}, "refuses the API key (401)"),
        ({"status_code": 403}, "does not let this key read analytics (403)"),
        ({"exc": requests.exceptions.ConnectionError("secret")}, "could not be read (no connection"),
        ({"status_code": 503}, "could not be read (HTTP 503)"),
    ],
)
def test_what_ends_it_at_once_is_told_with_what_to_do(
    response: dict[str, Any], told: str, api: requests_mock.Mocker, tmp_path: Path
) -> None:
    api.register_uri(requests_mock.ANY, requests_mock.ANY, **response)
    page = made(tmp_path)
    assert (page.code, page.content["requests"]) == (1, 1)
    assert told in page.content["stopped"]


def test_what_was_learned_before_an_interrupt_is_told(api: requests_mock.Mocker, tmp_path: Path) -> None:
    api.get(requests_mock.ANY, json={"data": []})
    api.post(USAGE, exc=KeyboardInterrupt)
    page = made(tmp_path)
    assert (page.code, page.content["requests"], page.content["stopped"]) == (1, 2, "It was interrupted")
    assert page.verdicts["answered"] == HOLDS
    assert (page.seen["members"], page.seen["projects"]) == ("no usage names a person", "the list was not asked for")


def test_a_setting_that_is_wrong_costs_no_request(
    api: requests_mock.Mocker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(tmp_path, MAGNIFIC_BASE_URL="https://evil.example").code == 1
    assert made(tmp_path, MAGNIFIC_START_DATE="yesterday").code == 1
    told = capsys.readouterr().err
    assert "base_url must be" in told
    assert "start_date is not valid: enter the first day" in told
    assert api.call_count == 0


def test_its_requests_are_announced_before_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page_of(tmp_path, {})
    announced, _, rest = capsys.readouterr().out.partition(" 1. ")
    assert f"at most {MOST_REQUESTS} of the day's 100 API requests" in announced
    assert f"{MOST_REQUESTS}. the list team-projects" in rest


def test_a_new_team_without_usage_is_told_what_can_be_told(api: requests_mock.Mocker, tmp_path: Path) -> None:
    api.register_uri(requests_mock.ANY, requests_mock.ANY, json={"data": []})
    page = made(tmp_path)
    assert page.code == 0
    assert page.verdicts["end_date"] == page.verdicts["sizes"] == page.verdicts["breakdown"] == UNSEEN
    assert page.verdicts["age"] == HOLDS


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2026-11-20T00:00:00Z"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "date", "consumptions", "tool", "user_uses", "user_credits", "user_usages", "email"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
USED = tool("Mystic", entry("ann@example.com"))


@settings(max_examples=50)
@given(found=ANY_JSON, place=st.sampled_from(["body", "data", "period", "tool", "entry"]))
def test_no_answer_however_odd_keeps_the_page_from_being_made(found: Any, place: str, tmp_path_factory: Any) -> None:
    bodies = {
        "body": found,
        "data": {"data": found},
        "period": answer(period("2026-11-19", USED), found),
        "tool": answer(period("2026-11-19", USED, found), period("2026-11-18", found)),
        "entry": answer(period("2026-11-19", tool("Mystic", uses=1, credits=2, user_usages=[entry(), found]))),
    }
    with requests_mock.Mocker() as api:
        api.register_uri(requests_mock.ANY, requests_mock.ANY, json=bodies[place])
        page = made(tmp_path_factory.mktemp("odd"))
        assert (page.code, api.call_count) == (0, page.content["requests"])
    assert set(page.verdicts.values()) <= {HOLDS, NOT, UNSEEN}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"<html>",
        b"[" * 100_000,
        b'{"data": 1e999}',
        b'{"data": [{"date": "9999-12-31T23:00:00-05:00"}]}',
    ],
)
def test_no_body_that_is_no_json_does_either(content: bytes, api: requests_mock.Mocker, tmp_path: Path) -> None:
    api.register_uri(requests_mock.ANY, requests_mock.ANY, content=content)
    page = made(tmp_path)
    assert page.code == 0
    assert page.verdicts["understood"] == NOT


def test_a_redirect_is_not_followed(api: requests_mock.Mocker, tmp_path: Path) -> None:
    api.get(requests_mock.ANY, json={"data": []})
    redirect = api.post(USAGE, status_code=302, headers={"Location": "https://evil.example/"})
    page = made(tmp_path)
    assert redirect.call_count
    assert {request.hostname for request in api.request_history} == {"api.magnific.com"}
    assert f"HTTP 302: {redirect.call_count}" in page.seen["answered"]


def test_it_sends_nothing_but_questions(tmp_path: Path) -> None:
    sandbox = SandboxApi(today=TODAY)
    with sandbox.serving():
        made(tmp_path)
    assert set(sandbox.lists) == {url.rpartition("/")[2] for url in LISTS.values()}
    log = sandbox.control("requests")
    assert {(one["method"], one["path"].rpartition("/")[2]) for one in log} == {
        *(("GET", name) for name in sandbox.lists),
        ("POST", "team-credit-usage"),
    }


def test_the_documentation_says_of_each_assumption_what_happens_without_it() -> None:
    rows = "".join(f"| {one.statement} | {one.otherwise} |\n" for one in ASSUMPTIONS)
    assert f"|---|---|\n{rows}\n" in (ROOT / "docs" / "reliability.md").read_text()
