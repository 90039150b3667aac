"""The sandbox's ledger: the same for everyone who asks, and changed by events alone."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import truth
from sandbox.answers import Manner, credit_usage
from sandbox.events import happen, read_event
from sandbox.ledger import History, Ledger
from sandbox.query import Filters, Query
from sandbox.team import FIRST_DAY, WITHOUT_BREAKDOWN, make_team

TODAY = date(2026, 3, 31)
TUESDAY = date(2026, 3, 10)
PROJECT = make_team().projects[0].reference


def ledger(seed: int = 1) -> Ledger:
    return Ledger(History(make_team(), seed), TODAY)


LEDGER = ledger()


def after(before: Ledger, *events: dict[str, Any]) -> Ledger:
    for event in events:
        before = happen(before, read_event(event))
    return before


def credits_on(one: Ledger, day: date) -> int:
    return sum(entry.credits for entry in one.entries(day))


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


@given(st.permutations(days(date(2026, 3, 1), date(2026, 3, 31))))
def test_every_day_is_the_same_in_whatever_order_days_are_asked_for(order: list[date]) -> None:
    shuffled, straight = ledger(), ledger()
    assert {day: shuffled.entries(day) for day in order} == {day: straight.entries(day) for day in sorted(order)}


def test_the_first_days_of_the_default_team_stay_as_they_are() -> None:
    """Demonstrations and saved states rely on a seed meaning the same in every release."""
    first = [credits_on(ledger(), day) for day in days(date(2023, 1, 2), date(2023, 1, 4))]
    assert first == [16262, 11568, 12603]


def test_usage_begins_in_2023_and_ends_today_with_part_of_a_day() -> None:
    assert not ledger().entries(FIRST_DAY - timedelta(days=1))
    assert not ledger().entries(TODAY + timedelta(days=1))
    whole = Ledger(ledger().history, TODAY + timedelta(days=1))
    assert 0 < credits_on(ledger(), TODAY) < credits_on(whole, TODAY)


def test_a_deleted_project_leaves_its_usage_without_a_project() -> None:
    deleted = after(ledger(), {"kind": "delete_project", "reference": PROJECT})
    assert PROJECT in {entry.project_reference for entry in ledger().entries(TUESDAY)}
    assert PROJECT not in {entry.project_reference for entry in deleted.entries(TUESDAY)}
    assert credits_on(deleted, TUESDAY) == credits_on(ledger(), TUESDAY)
    assert PROJECT not in {project.reference for project in deleted.team.projects}


def test_a_new_email_is_new_in_the_list_and_in_all_days() -> None:
    old, new = make_team().people[3].email, "ines@elsewhere.example"
    changed = after(ledger(), {"kind": "change_email", "old": old, "new": new})
    assert {old, new} & {person.email for person in changed.team.people} == {new}
    for day in days(date(2026, 3, 1), TODAY):
        was = [entry.user_email == old for entry in ledger().entries(day)]
        assert was == [entry.user_email == new for entry in changed.entries(day)]


def test_events_are_replayed_in_their_order() -> None:
    tool = WITHOUT_BREAKDOWN
    late = {
        "kind": "late",
        "day": "2026-03-10",
        "tool": tool,
        "email": "a@b.example",
        "uses": 2,
        "credits": 180,
    }
    refund = {"kind": "refund", "day": "2026-03-10", "tool": tool}
    used = after(ledger(), refund, late)
    assert [entry.credits for entry in used.entries(TUESDAY) if entry.tool == tool] == [180]
    assert not [entry for entry in after(ledger(), late, refund).entries(TUESDAY) if entry.tool == tool]


def test_attributed_usage_keeps_its_figures() -> None:
    someone = make_team().people[0].email
    named = after(ledger(), {"kind": "attribute", "day": "2026-03-10", "tool": WITHOUT_BREAKDOWN, "email": someone})
    assert credits_on(named, TUESDAY) == credits_on(ledger(), TUESDAY)
    assert {e.user_email for e in named.entries(TUESDAY) if e.tool == WITHOUT_BREAKDOWN} == {someone}


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "rename_project", "reference": "no-such-project", "name": "New"},
        {"kind": "refund", "day": "2026-03-10", "tool": "No Such Tool"},
        {"kind": "refund", "day": "2026-02-30", "tool": "Upscaler"},
        {"kind": "late", "day": "2026-03-10", "tool": "Upscaler", "email": None, "uses": "2", "credits": 1},
        {"kind": "rename_group", "group_id": 11},
        {"kind": "refund", "day": "2026-03-10", "tool": "Upscaler", "reason": "x"},
        {"kind": "explode"},
    ],
)
def test_an_event_that_is_mistyped_or_changes_nothing_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        after(ledger(), event)


MANY_KEYS = Ledger(History(make_team(keys=150), seed=1), TODAY)


def figures(*answers: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    """Uses and credits by date and tool, added up over the answers."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for one in answers:
        for period in one["data"]:
            for consumption in period["consumptions"]:
                for figure in ("user_uses", "user_credits"):
                    sums[period["date"][:10], consumption["tool"], figure] += consumption[figure]
    return sums


@given(
    st.sampled_from([LEDGER, MANY_KEYS]),
    st.sampled_from(["day", "month"]),
    st.dates(date(2023, 1, 1), date(2026, 3, 31)),
)
@settings(max_examples=20)
def test_every_key_and_the_usage_without_one_add_up_to_the_team(one: Ledger, granularity: str, start: date) -> None:
    last = start + timedelta(days=9)
    team = credit_usage(one, Query(granularity, start, last, Filters()), Manner())
    by_key = [
        credit_usage(one, Query(granularity, start, last, Filters(api_key_ids=frozenset({key.api_key_id}))), Manner())
        for key in one.team.api_keys
    ]
    rest: Counter[tuple[str, str, str]] = Counter()
    for day in days(start, last):
        for entry in one.entries(day):
            if entry.api_key_id is None:
                first = str(day if granularity == "day" else day.replace(day=1))
                rest[first, entry.tool, "user_uses"] += entry.uses
                rest[first, entry.tool, "user_credits"] += entry.credits
    assert figures(*by_key) + rest == figures(team)


FILTERS = [
    Filters(),
    Filters(group_ids=frozenset({11, 52})),
    Filters(project_references=frozenset({PROJECT})),
    Filters(api_key_ids=frozenset({make_team().api_keys[1].api_key_id})),
    Filters(frozenset({37}), frozenset({PROJECT}), frozenset({make_team().api_keys[0].api_key_id})),
]


@given(
    st.sampled_from(["day", "week", "month", "year"]),
    st.dates(date(2024, 12, 1), date(2026, 4, 2)),
    st.integers(0, 120),
    st.sampled_from(FILTERS),
    st.booleans(),
)
def test_every_answer_adds_up_to_the_truth(
    granularity: str, start: date, length: int, filters: Filters, awkward: bool
) -> None:
    query = Query(granularity, start, start + timedelta(days=length), filters)
    answer = credit_usage(LEDGER, query, Manner(awkward))
    rows: Counter[tuple[str, str, str, str | None, str]] = Counter()
    for period in answer["data"]:
        for consumption in period["consumptions"]:
            for figure in ("user_uses", "user_credits"):
                key = period["date"][:10], consumption["tool"]
                for usage in consumption.get("user_usages") or []:
                    rows[(*key, usage["user_email"], usage.get("project_reference"), figure)] += usage[figure]
    assert figures(answer) == {
        (one["date"], one["tool"], figure): one[figure]
        for one in truth.totals(LEDGER, query)
        for figure in ("user_uses", "user_credits")
    }
    assert rows == {
        (one["date"], one["tool"], one["user_email"], one["project_reference"], figure): one[figure]
        for one in truth.rows(LEDGER, query)
        for figure in ("user_uses", "user_credits")
    }
    named: Counter[tuple[str, str, str]] = Counter()
    for (day, tool, _, _, figure), total in rows.items():
        named[day, tool, figure] += total
    assert figures(answer) - named == {
        (one["date"], one["tool"], figure): one[figure]
        for one in truth.unnamed(LEDGER, query)
        for figure in ("user_uses", "user_credits")
    }
