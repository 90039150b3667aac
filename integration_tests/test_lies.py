"""Answers that lie: each is understood exactly or refused loudly, and none is ever taken for "no usage"."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import requests
from connector_process import Connector, FastConnector
from patience import HUNG
from sandbox_process import USAGE, Sandbox
from warehouse import ALL, USAGE_ALONE, Warehouse, catalog

Json = dict[str, Any]
DAY = "2026-03-02T00:00:00.000Z"


def truth(sandbox: Sandbox, config: Json) -> Json:
    """What the API really says about the one window of `config`."""
    answer = requests.post(
        f"{sandbox.base_url}/v1/analytics/{USAGE}",
        json={name: config[name] for name in ("granularity", "start_date", "end_date")},
        headers={"x-magnific-api-key": config["api_key"]},
        timeout=HUNG,
    )
    sandbox.requests()
    content: Json = answer.json()
    return content


@pytest.fixture()
def march(config: Json) -> Json:
    """One window of thirty-one periods."""
    return config | {"granularity": "day", "start_date": "2026-03-01"}


def usage(**figures: Any) -> Json:
    return {"tool": "Upscaler", "user_uses": 1, "user_credits": 60, **figures}


def period(*consumptions: Any, date: Any = DAY, **more: Any) -> Json:
    return {"date": date, "consumptions": list(consumptions), **more}


def user(**fields: Any) -> Json:
    return {"user_email": "a@team.example", "user_uses": 1, "user_credits": 60, **fields}


REFUSED: dict[str, Any] = {
    "an empty object": {},
    "an empty list": [],
    "null": None,
    "a text": "data",
    "a number": 7,
    "data is null": {"data": None},
    "data is an object": {"data": {}},
    "data under another name": {"Data": []},
    "an error with 200": {"message": "Internal error"},
    "a period is null": {"data": [None]},
    "a period is a list": {"data": [[]]},
    "a period without date": {"data": [{"consumptions": [usage()]}]},
    "a period with a null date": {"data": [period(usage(), date=None)]},
    "a period with a number for a date": {"data": [period(usage(), date=1772323200)]},
    "a period with a date that does not exist": {"data": [period(usage(), date="2026-02-30T00:00:00Z")]},
    "a period with an empty date": {"data": [period(usage(), date="")]},
    "a period before the window": {"data": [period(usage(), date="2026-02-28T00:00:00Z")]},
    "a period after the window": {"data": [period(usage(), date="2026-04-01T00:00:00Z")]},
    "a period of another year": {"data": [period(usage(), date="0001-01-01T00:00:00Z")]},
    "consumptions are null": {"data": [{"date": DAY, "consumptions": None}]},
    "consumptions are missing": {"data": [{"date": DAY}]},
    "consumptions are an object": {"data": [{"date": DAY, "consumptions": {}}]},
    "a consumption is null": {"data": [period(None)]},
    "a tool is null": {"data": [period(usage(tool=None))]},
    "a tool is missing": {"data": [period({"user_uses": 1, "user_credits": 60})]},
    "a tool is a number": {"data": [period(usage(tool=5))]},
    "uses are a text": {"data": [period(usage(user_uses="one"))]},
    "uses are a fraction": {"data": [period(usage(user_uses=1.5))]},
    "uses are null": {"data": [period(usage(user_uses=None))]},
    "uses are missing": {"data": [period({"tool": "Upscaler", "user_credits": 60})]},
    "uses are true": {"data": [period(usage(user_uses=True))]},
    "credits are a text": {"data": [period(usage(user_credits="sixty"))]},
    "credits are a fraction": {"data": [period(usage(user_credits=60.25))]},
    "the breakdown is an object": {"data": [period(usage(user_usages={}))]},
    "an entry of the breakdown is null": {"data": [period(usage(user_usages=[None]))]},
    "a user's uses are a text": {"data": [period(usage(user_usages=[user(user_uses="one")]))]},
    "a user's credits are missing": {"data": [period(usage(user_usages=[{"user_email": "a", "user_uses": 1}]))]},
    "a user's email is a number": {"data": [period(usage(user_usages=[user(user_email=1)]))]},
    "one bad figure behind good periods": {
        "data": [period(usage()), period(usage(user_uses="two"), date="2026-03-03T00:00:00Z")]
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_never_no_usage(
    fast: FastConnector, sandbox: Sandbox, march: Json, warehouse: Warehouse, name: str
) -> None:
    sandbox.spoil(kind="body", body=REFUSED[name], path=USAGE)
    run = fast("read", config=march, catalog=USAGE_ALONE)
    stream, failure, message = run.errors[0]
    assert (run.code, stream, failure) == (1, "credit_usage", "transient_error")
    assert "not what the API promises" in message
    assert "a@team.example" not in run.stdout.decode()
    assert run.records("credit_usage") == []
    assert len(sandbox.requests()) == 4
    warehouse.load(run.stdout)
    assert "credit_usage" not in warehouse.states
    sandbox.heal()
    warehouse.load(fast("read", config=march, catalog=USAGE_ALONE, state=warehouse.state).stdout)
    warehouse.check(sandbox, march)


@pytest.mark.parametrize("granularity", ["week", "month", "year"])
def test_a_date_that_starts_no_period_is_refused(
    fast: FastConnector, sandbox: Sandbox, config: Json, granularity: str
) -> None:
    config |= {"granularity": granularity, "start_date": "2026-01-01"}
    sandbox.spoil(kind="body", body={"data": [period(usage(), date="2026-02-10T00:00:00Z")]}, path=USAGE)
    run = fast("read", config=config, catalog=USAGE_ALONE)
    assert (run.code, run.records("credit_usage")) == (1, [])
    assert "2026-02-10" in run.errors[0][2]


Change = Callable[[Json], None]


def each_usage(change: Change) -> Change:
    def change_all(answer: Json) -> None:
        for one in answer["data"]:
            for consumption in one["consumptions"]:
                for entry in consumption.get("user_usages") or []:
                    change(entry)

    return change_all


def twice_in_pieces(answer: Json) -> None:
    """The same period twice, each piece with some of its tools."""
    first = answer["data"][0]
    answer["data"].append({**first, "consumptions": first["consumptions"][1:]})
    first["consumptions"] = first["consumptions"][:1]


def with_offsets(answer: Json) -> None:
    """The same moments, written for another zone."""
    for one in answer["data"]:
        one["date"] = one["date"].replace("T00:00:00.000Z", "T05:30:00+05:30")


UNDERSTOOD: dict[str, Change] = {
    "unknown fields everywhere": lambda answer: answer.update(
        data=[{**one, "currency": {"code": "credits"}, "more": [1]} for one in answer["data"]], meta={"page": 1}
    ),
    "unknown fields in the breakdown": each_usage(lambda entry: entry.update(seat=["x"], model=None)),
    "the same period in two pieces": twice_in_pieces,
    "another order": lambda answer: answer["data"].reverse(),
    "another offset": with_offsets,
    "a date without time": lambda answer: answer.update(
        data=[{**one, "date": one["date"][:10]} for one in answer["data"]]
    ),
    "every optional field null": each_usage(
        lambda entry: entry.update({name: entry.get(name) for name in ("project_reference", "project_name")})
    ),
    "an empty period more": lambda answer: answer["data"].append(period(date="2026-03-31T00:00:00Z")),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_what_is_unusual_but_clear_is_understood_exactly(
    fast: FastConnector, sandbox: Sandbox, march: Json, warehouse: Warehouse, name: str
) -> None:
    answer = truth(sandbox, march)
    UNDERSTOOD[name](answer)
    sandbox.spoil(kind="body", body=answer, path=USAGE)
    run = fast("read", config=march, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    warehouse.check(sandbox, march)
    assert run.code == 0


def test_no_email_anywhere_leaves_the_totals_exact(
    fast: FastConnector, sandbox: Sandbox, march: Json, warehouse: Warehouse
) -> None:
    answer = truth(sandbox, march)
    before = copy.deepcopy(answer)
    each_usage(lambda entry: entry.update(user_email=None))(answer)
    sandbox.spoil(kind="body", body=answer, path=USAGE)
    warehouse.load(fast("read", config=march, catalog=USAGE_ALONE).stdout)
    assert answer != before
    assert warehouse.by_user() == {}
    sandbox.heal()
    # With the emails back, the rows without are deleted.
    run = fast("read", config=march | {"lookback_window_days": 31}, catalog=USAGE_ALONE, state=warehouse.state)
    warehouse.load(run.stdout)
    assert warehouse.totals() != {}


def test_negative_figures_are_a_correction_and_add_up(
    fast: FastConnector, sandbox: Sandbox, march: Json, warehouse: Warehouse
) -> None:
    body = {"data": [period(usage(user_uses=-1, user_credits=-60, user_usages=[user(user_uses=-1, user_credits=-60)]))]}
    sandbox.spoil(kind="body", body=body, path=USAGE)
    run = fast("read", config=march, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    assert run.code == 0
    assert list(warehouse.totals().values()) == [(-1, -60)]


def test_a_breakdown_beyond_its_total_is_handed_on_and_told(fast: FastConnector, sandbox: Sandbox, march: Json) -> None:
    body = {"data": [period(usage(user_usages=[user(user_uses=3, user_credits=180)]))]}
    sandbox.spoil(kind="body", body=body, path=USAGE)
    run = fast("read", config=march, catalog=USAGE_ALONE)
    assert [(row["user_uses"], row["user_credits"]) for row in run.records("credit_usage")] == [(3, 180)]
    assert "exceeds the tool's totals, by 2 uses and 120 credits" in run.log


def test_ten_thousand_users_in_a_period(
    fast: FastConnector, sandbox: Sandbox, march: Json, warehouse: Warehouse
) -> None:
    users = [user(user_email=f"user{n}@team.example") for n in range(10_000)]
    body = {"data": [period(usage(user_uses=10_001, user_credits=600_060, user_usages=users))]}
    sandbox.spoil(kind="body", body=body, path=USAGE)
    run = fast("read", config=march | {"lookback_window_days": 31}, catalog=USAGE_ALONE)
    warehouse.load(run.stdout)
    assert run.code == 0
    assert len(warehouse.usage) == 10_001
    assert list(warehouse.totals().values()) == [(10_001, 600_060)]
    again = fast("read", config=march | {"lookback_window_days": 31}, catalog=USAGE_ALONE, state=warehouse.state)
    warehouse.load(again.stdout)
    assert len(warehouse.usage) == 10_001


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"data": None},
        {"data": {}},
        {"data": [None]},
        {"data": ["x"]},
        {"data": [{}]},
        {"data": [{"email": None}]},
        {"data": [{"email": 5}]},
        {"data": [{"role": "member"}]},
        {"data": [{"email": "a@team.example"}, {"Email": "b"}]},
    ],
    ids=str,
)
def test_a_list_without_its_key_is_refused_whole(
    fast: FastConnector, sandbox: Sandbox, config: Json, body: Any
) -> None:
    sandbox.spoil(kind="body", body=body, path="team-members")
    run = fast("read", config=config, catalog=catalog("members", "groups"))
    assert run.code == 1
    assert [error[:2] for error in run.errors if error[0]] == [("members", "transient_error")]
    assert (run.records("members"), len(run.records("groups"))) == ([], 4)
    assert "a@team.example" not in run.stdout.decode()


def test_list_rows_are_handed_on_as_they_come(fast: FastConnector, sandbox: Sandbox, config: Json) -> None:
    rows = [
        {"email": "a@team.example", "role": "billing", "status": "on leave", "seats": {"full": [1, 2.5]}},
        {"email": "Ä@team.example"},
    ]
    sandbox.spoil(kind="body", body={"data": rows}, path="team-members")
    run = fast("read", config=config, catalog=catalog("members"))
    assert (run.code, run.records("members")) == (0, rows)


def test_an_empty_list_is_an_empty_table(fast: FastConnector, sandbox: Sandbox, config: Json) -> None:
    sandbox.spoil(kind="body", body={"data": []})
    run = fast("read", config=config, catalog=ALL)
    assert (run.code, run.of("RECORD")) == (0, [])


def test_the_console_script_refuses_a_lie(connector: Connector, sandbox: Sandbox, march: Json) -> None:
    sandbox.spoil(kind="body", body={"data": None}, path=USAGE, times=1)
    run = connector("check", config=march)
    assert run.connection == ("SUCCEEDED", "")
    assert "not what the API promises" in run.log
    assert len(sandbox.requests()) == 2
