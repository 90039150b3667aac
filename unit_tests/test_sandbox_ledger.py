"""The sandbox's ledger: the same in every release, changed by events alone, and added up in two ways that agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger import MANNERS, answer

from sandbox import truth
from sandbox.events import happen, read_event
from sandbox.ledger import Entry, History, Ledger
from sandbox.query import Filters, Query
from sandbox.team import FIRST_DAY, WITHOUT_BREAKDOWN, make_team

TODAY, TUESDAY = date(2026, 3, 31), date(2026, 3, 10)
LEDGER = Ledger(History(make_team(), seed=1), TODAY)
MANY_KEYS = Ledger(History(make_team(keys=150), seed=1), TODAY)
PROJECT, EMAIL = LEDGER.team.projects[0].reference, LEDGER.team.people[3].email


def credits(entries: Iterable[Entry]) -> int:
    return sum(entry.credits for entry in entries)


def test_the_first_days_of_the_default_team_stay_as_they_are() -> None:
    """Demonstrations and saved states rely on a seed meaning the same in every release."""
    days = (date(2023, 1, 2), date(2023, 1, 3), date(2023, 1, 4))
    assert [credits(LEDGER.entries(day)) for day in days] == [16262, 11568, 12603]


def test_usage_begins_in_2023_and_ends_today_with_part_of_a_day() -> None:
    assert not LEDGER.entries(FIRST_DAY - timedelta(days=1))
    assert not LEDGER.entries(TODAY + timedelta(days=1))
    assert 0 < credits(LEDGER.entries(TODAY)) < credits(LEDGER.history.on(TODAY))


DAY = {"day": "2026-03-10", "tool": WITHOUT_BREAKDOWN}
OF_PROJECT = [entry for entry in LEDGER.entries(TUESDAY) if entry.project_reference == PROJECT]
OF_PERSON = [entry for entry in LEDGER.entries(TUESDAY) if entry.user_email == EMAIL]
UNNAMED = [entry for entry in LEDGER.entries(TUESDAY) if entry.tool == WITHOUT_BREAKDOWN]
LATE = Entry(TUESDAY, WITHOUT_BREAKDOWN, EMAIL, None, PROJECT, 2, 180)


@pytest.mark.parametrize(
    ("events", "gone", "new"),
    [
        (
            [{"kind": "delete_project", "reference": PROJECT}],
            OF_PROJECT,
            [entry._replace(project_reference=None) for entry in OF_PROJECT],
        ),
        (
            [{"kind": "change_email", "old": EMAIL, "new": "ines@elsewhere.example"}],
            OF_PERSON,
            [entry._replace(user_email="ines@elsewhere.example") for entry in OF_PERSON],
        ),
        (
            [{"kind": "attribute", "email": EMAIL, **DAY}],
            UNNAMED,
            [entry._replace(user_email=EMAIL) for entry in UNNAMED],
        ),
        ([{"kind": "refund", **DAY}], UNNAMED, []),
        # In their order.
        (
            [{"kind": "refund", **DAY}, {"kind": "late", "email": EMAIL, "uses": 2, "credits": 180, **DAY}],
            UNNAMED,
            [LATE._replace(project_reference=None)],
        ),
        (
            [{"kind": "late", "email": EMAIL, "project_reference": PROJECT, "uses": 2, "credits": 180, **DAY}],
            [],
            [LATE],
        ),
    ],
    ids=lambda value: "-".join(one["kind"] for one in value) if value and isinstance(value[0], dict) else "",
)
def test_an_event_changes_the_entries_that_it_names(
    events: list[dict[str, Any]], gone: list[Entry], new: list[Entry]
) -> None:
    after = LEDGER
    for event in events:
        after = happen(after, read_event(event))
    assert Counter(after.entries(TUESDAY)) == Counter(LEDGER.entries(TUESDAY)) - Counter(gone) + Counter(new)
    assert EMAIL in {one.email for one in after.team.people} or events[0]["kind"] == "change_email"
    assert PROJECT in after.team.project_names or events[0]["kind"] == "delete_project"


FILTERS = st.builds(
    Filters,
    group_ids=st.frozensets(st.sampled_from([11, 24, 37, 52, 99]), max_size=2),
    project_references=st.frozensets(st.sampled_from([*LEDGER.team.project_names, "another"]), max_size=2),
    api_key_ids=st.frozensets(st.sampled_from([key.api_key_id for key in MANY_KEYS.team.api_keys]), max_size=9),
)
FIGURES = ("user_uses", "user_credits")


def sums(rows: Iterable[dict[str, Any]]) -> Counter[Any]:
    names = ("date", "tool", "user_email", "project_reference")
    found: Counter[Any] = Counter()
    for row in rows:
        for figure in FIGURES:
            found[(*(row.get(name) for name in names), figure)] += row[figure]
    return found


@given(
    st.sampled_from([LEDGER, MANY_KEYS]),
    st.sampled_from(["day", "week", "month", "year"]),
    st.dates(date(2024, 12, 1), date(2026, 4, 2)),
    st.integers(0, 120),
    FILTERS,
    st.lists(st.sampled_from(sorted(MANNERS)), unique=True),
)
def test_every_answer_adds_up_to_the_truth(
    ledger: Ledger, granularity: str, start: date, length: int, filters: Filters, manner: list[str]
) -> None:
    query = Query(granularity, start, start + timedelta(days=length), filters)
    tools = [
        {**tool, "date": period["date"][:10]}
        for period in answer(ledger, query, manner)["data"]
        for tool in period["consumptions"]
    ]
    entries = [{**tool, **entry} for tool in tools for entry in tool.get("user_usages") or []]
    assert sums(tools) == sums(truth.totals(ledger, query))
    assert sums(entries) == sums(truth.rows(ledger, query))
    without_user = [
        {"date": row["date"], "tool": row["tool"], **{name: row[name] for name in FIGURES}} for row in entries
    ]
    assert sums(tools) - sums(without_user) == sums(truth.unnamed(ledger, query))
