"""What the page of facts shows may be shown to everybody: nothing of the team is in it, whatever comes back."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock
from builders import KEY, answer, entry, period, tool
from facts_page import made
from in_process import LISTS, USAGE

FIGURE = 9_182_736_455
REFERENCE = "7a1e7a1e-52a4-4c1d-9a8e-3f6d2b5e7a1e"
EMAIL = "tale.bearer@tale.example"
NAMES = {"project_reference": REFERENCE, "project_name": "Tale Film", "group_name": "Tale Group"}
TELLS = ("tale", "7a1e7a1e", KEY.lower(), "918273")

USED = entry(EMAIL, FIGURE, FIGURE, **NAMES)
PERIODS = [period(f"2026-11-{day}", tool("Tale Upscaler", USED, USED, tale_of_tales="tale")) for day in range(10, 20)]
WORDS = f"The days of {EMAIL} with {KEY} in Tale Group: {FIGURE} credits"
PROBLEM = {"problem": {"message": WORDS, "invalid_params": [{"name": "tale", "reason": WORDS}, {"name": "start_date"}]}}
ROWS = {
    "members": {"email": EMAIL, "role": "tale", "status": "tale"},
    "api_keys": {"api_key_id": "fpk-tale", "display_name": "Tale Key", "status": "tale", "created_at": "tale"},
    "groups": {"group_id": FIGURE, "name": "Tale Group", "member_count": FIGURE},
    "projects": {"project_reference": REFERENCE, "name": "Tale Film"},
}
HEADERS = {
    "X-Tale": EMAIL,
    "X-RateLimit-Limit": "tale",
    "X-RateLimit-Remaining": "88",
    "X-Ratelimit-Tale": str(FIGURE),
    "Content-Type": "application/tale",
    "Date": "tale",
    "Location": "https://tale.example/",
}


def by(name: str, value: Any) -> dict[str, Any]:
    """A team whose usage is keyed by its names."""
    return {"data": {name: value}, name: value}


USAGE_ANSWERS: dict[str, dict[str, Any]] = {
    "right": {"json": answer(*PERIODS)},
    "beside the data": {"json": {**answer(*PERIODS), EMAIL: FIGURE, "tale": EMAIL, str(FIGURE): []}},
    "by name": {"json": by(EMAIL, {"Tale Upscaler": FIGURE})},
    "periods by name": {"json": answer({"date": EMAIL, "consumptions": {EMAIL: FIGURE}, EMAIL: FIGURE, "Tale": 1})},
    "tools by name": {"json": answer(period("2026-11-19", {EMAIL: FIGURE, "Tale": {}, "tool": FIGURE}))},
    "entries by name": {
        "json": answer(period("2026-11-19", tool("Tale", {EMAIL: 1, "user_uses": 1, "user_credits": 1})))
    },
    "texts for figures": {"json": answer(period("2026-11-19", tool("Tale", uses=EMAIL, credits=str(FIGURE))))},  # type: ignore[arg-type]
    "names as texts": {"json": {"data": [EMAIL, FIGURE, [EMAIL]]}},
    "a name alone": {"json": EMAIL},
    "a page": {"text": f"<html>{WORDS}</html>"},
    "bytes": {"content": b"\xfftale"},
    "a refusal": {"status_code": 400, "json": PROBLEM},
    "a refusal in words": {"status_code": 400, "text": WORDS},
    "a refused key": {"status_code": 401, "json": {"message": WORDS}},
    "no privilege": {"status_code": 403, "json": {"message": WORDS}},
    "a limit": {"status_code": 429, "json": {"message": WORDS}},
    "a redirect": {"status_code": 302, "text": WORDS},
    "a broken server": {"status_code": 500, "text": WORDS},
    "no connection": {"exc": requests.exceptions.ConnectionError(WORDS)},
    "a strange failure": {"exc": requests.exceptions.InvalidHeader(WORDS)},
}


@pytest.mark.parametrize("lists", ["right", "as odd as usage"])
@pytest.mark.parametrize("what", USAGE_ANSWERS)
def test_nothing_of_the_team_is_in_what_the_command_shows(
    what: str,
    lists: str,
    api: requests_mock.Mocker,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    given = USAGE_ANSWERS[what]
    with_headers = given if "exc" in given else {**given, "headers": HEADERS}
    # The second question about usage is the range that is too long.
    api.post(USAGE, [with_headers, {"status_code": 400, "json": PROBLEM, "headers": HEADERS}, with_headers])
    for name, url in LISTS.items():
        row = {**ROWS[name], "tale": EMAIL, EMAIL: FIGURE}
        api.get(url, **({"json": answer(row, row), "headers": HEADERS} if lists == "right" else with_headers))
    page = made(tmp_path)
    out, err = capfd.readouterr()
    shown = "\n".join([out, err, caplog.text, *(file.read_text() for file in tmp_path.iterdir())])
    assert page.content["requests"] == api.call_count > 0
    assert {one.name for one in tmp_path.iterdir()} == {"facts.json"}
    assert json.loads((tmp_path / "facts.json").read_text())["assumptions"]
    assert [tell for tell in TELLS if tell in shown.lower()] == []
    # No sum of the figures either: all of them are larger than anything that is counted.
    assert max(int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", shown)) < FIGURE
