"""From an answer to rows: for any legal answer in any order they add up, and each is numbered in its period."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

from any_answer import PERIODS, shuffled, totals
from builders import PROJECT, body, entry, period, tool
from hypothesis import example, given
from hypothesis import strategies as st
from ledger import START, Given, answer, entries
from pendulum import Date

from sandbox.ledger import Entry, Ledger
from sandbox.query import Filters, Query
from source_magnific_analytics import usage
from source_magnific_analytics.windows import Granularity

DAY, WEEK, _, YEAR = Granularity
NEW_YEAR = Date(2026, 1, 1)
END_OF_YEAR = date(2026, 12, 31)


def decoded(*periods: dict[str, Any]) -> usage.Answer:
    return usage.decode(bytearray(body(*periods)))


def rows_of(*periods: dict[str, Any], api_key_id: str | None = None) -> list[usage.Row]:
    """The rows of an answer by day."""
    return [row for day, found in decoded(*periods).items() for row in usage.rows(day, found, DAY, api_key_id)[0]]


def excesses_of(*periods: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [excess for day, found in decoded(*periods).items() for excess in usage.rows(day, found, DAY)[1]]


def year_of(*parts: dict[str, Any]) -> list[usage.Row]:
    """The rows of the year 2026, added up from its parts."""
    whole = usage.added_up(decoded(*parts).values(), 1000)
    found = list(usage.rows(NEW_YEAR, whole, YEAR)[0])
    assert len(found) == whole.places
    return found


def order(row: usage.Row) -> list[tuple[bool, Any]]:
    """What rows of a period are in the order of, by the published rule: null first."""
    names = ("tool", "user_email", "project_reference", "group_name", "user_uses", "user_credits")
    return [(row[name] is not None, row[name] or "" if name not in names[4:] else row[name]) for name in names]


@given(PERIODS)
def test_for_every_period_and_tool_the_rows_add_up_to_the_totals(periods: list[dict[str, Any]]) -> None:
    for figure in ("user_uses", "user_credits"):
        sums: Counter[tuple[str, str]] = Counter()
        for row in rows_of(*periods):
            sums[row["date"], row["tool"]] += row[figure]
        for place, (stated, broken_down) in totals(periods, figure).items():
            assert sums.pop(place, 0) == max(stated, broken_down)
        assert not sums


@given(PERIODS)
def test_every_entry_is_one_row_whatever_it_holds(periods: list[dict[str, Any]]) -> None:
    entries_ = [one for part in periods for piece in part["consumptions"] for one in piece.get("user_usages") or []]
    fields = ("user_email", "user_uses", "user_credits", "project_reference", "group_name")
    wanted = Counter(tuple(one.get(name) for name in fields) for one in entries_)
    found = Counter(tuple(row[name] for name in fields) for row in rows_of(*periods))
    assert wanted <= found
    assert all(row[0] is None and row[3] is None and row[4] is None for row in found - wanted)


@given(PERIODS)
def test_every_row_is_numbered_by_its_place_in_its_period(periods: list[dict[str, Any]]) -> None:
    for day, found in decoded(*periods).items():
        rows = list(usage.rows(day, found, DAY)[0])
        assert [row["usage_id"] for row in rows] == [f"day-{day}-{n}" for n in range(found.places)]
        assert [order(row) for row in rows] == sorted(map(order, rows))


@given(PERIODS)
def test_a_period_without_a_row_is_none(periods: list[dict[str, Any]]) -> None:
    days = {row["date"] for row in rows_of(*periods)}
    assert [str(day) for day in decoded(*periods)] == sorted(days)


@given(PERIODS, st.randoms(use_true_random=False))
def test_the_rows_are_the_same_in_whatever_order_and_pieces_the_answer_comes(
    periods: list[dict[str, Any]], random: Random
) -> None:
    assert rows_of(*shuffled(periods, random)) == rows_of(*periods)


def test_a_renamed_project_and_other_figures_replace_the_row() -> None:
    def day(name: str, credits: int) -> dict[str, Any]:
        return period(
            "2026-03-01", tool("Mystic", entry(credits=credits, project_reference=PROJECT, project_name=name))
        )

    [before], [after] = rows_of(day("Spring", 10)), rows_of(day("Summer", 8))
    assert after == {**before, "project_name": "Summer", "user_credits": 8}


def test_rows_that_share_everything_else_are_ordered_by_their_project_name() -> None:
    alike = [entry(project_reference=PROJECT, project_name=name) for name in ("Winter", None, "Spring")]
    assert [row["project_name"] for row in rows_of(period("2026-03-01", tool("Mystic", *alike)))] == [
        *(None, "Spring", "Winter")
    ]


def test_a_row_is_the_line_of_the_dashboards_table() -> None:
    one = entry("ann@example.com", 3, 60, project_reference=PROJECT, project_name="Spring", group_name="Design")
    row = {
        "usage_id": "day-2026-03-01-0",
        "date": "2026-03-01",
        "granularity": "day",
        "tool": "Mystic",
        "user_email": "ann@example.com",
        "user_uses": 3,
        "user_credits": 60,
        "project_reference": PROJECT,
        "project_name": "Spring",
        "group_name": "Design",
    }
    day = period("2026-03-01", tool("Mystic", one))
    assert rows_of(day) == [row]
    of_a_key = {**row, "usage_id": "fpk-abc-day-2026-03-01-0", "api_key_id": "fpk-abc"}
    assert rows_of(day, api_key_id="fpk-abc") == [of_a_key]


def test_a_breakdown_above_the_totals_is_emitted_as_it_is_and_reported() -> None:
    part = period("2026-03-01", tool("Mystic", entry(uses=5, credits=50), uses=3, credits=70), tool("Video", entry()))
    assert [(row["user_uses"], row["user_credits"]) for row in rows_of(part)] == [(0, 20), (5, 50), (1, 10)]
    assert excesses_of(part) == [("Mystic", 2, 0)]
    part = period("2026-03-01", tool("Mystic", entry(uses=5, credits=50), uses=5, credits=49))
    assert excesses_of(part) == [("Mystic", 0, 1)]
    assert excesses_of(period("2026-03-01", tool("Mystic", entry(uses=5, credits=50)))) == []


def test_a_refund_larger_than_the_usage_still_adds_up() -> None:
    part = period("2026-03-01", tool("Mystic", uses=0, credits=-30))
    assert [(row["user_uses"], row["user_credits"]) for row in rows_of(part)] == [(0, -30)]
    assert excesses_of(part) == []


@given(
    st.lists(entries(END_OF_YEAR), max_size=25),
    st.sets(st.dates(START + timedelta(1), END_OF_YEAR), max_size=3),
    st.sampled_from(["day", "month"]),
)
@example([], set(), "month")
def test_a_year_added_up_from_parts_has_the_rows_of_one_request(used: list[Entry], cuts: set[date], unit: str) -> None:
    def said(first: date, last: date, granularity: str) -> list[dict[str, Any]]:
        return answer(ledger, Query(granularity, first, last, Filters()))["data"]

    ledger = Ledger(Given(used), END_OF_YEAR)
    firsts = [START, *sorted({cut if unit == "day" else cut.replace(day=1) for cut in cuts} - {START})]
    lasts = [*(first - timedelta(1) for first in firsts[1:]), END_OF_YEAR]
    parts = [part for first, last in zip(firsts, lasts, strict=True) for part in said(first, last, unit)]
    whole = decoded(*said(START, END_OF_YEAR, "year"))
    at_once = [row for day, found in whole.items() for row in usage.rows(day, found, YEAR)[0]]
    assert year_of(*parts) == at_once


def test_a_project_renamed_within_the_year_has_one_row_under_its_last_known_name() -> None:
    months = [
        period(f"2026-0{month}-01", tool("Mystic", entry(project_reference=PROJECT, project_name=name)))
        for month, name in [(3, None), (1, "Spring"), (2, "Summer")]
    ]
    [row] = year_of(*months)
    assert (row["date"], row["project_name"], row["user_uses"]) == ("2026-01-01", "Summer", 3)


def test_entries_alike_in_one_month_stay_apart_in_the_year() -> None:
    january = period("2026-01-01", tool("Mystic", entry(uses=1, credits=5), entry(uses=2, credits=6)))
    february = period("2026-02-01", tool("Mystic", entry(uses=10, credits=70)))
    rows = year_of(january, february)
    assert [(row["user_uses"], row["user_credits"]) for row in rows] == [(2, 6), (11, 75)]


def test_what_is_too_much_in_one_month_and_missing_in_another_evens_out_in_the_year() -> None:
    january = period("2026-01-01", tool("Mystic", entry(uses=5, credits=50), uses=3, credits=40))
    february = period("2026-02-01", tool("Mystic", uses=2, credits=15))
    assert [(row["user_email"], row["user_uses"], row["user_credits"]) for row in year_of(january, february)] == [
        *((None, 0, 5), ("ann@example.com", 5, 50))
    ]


def test_a_deleted_row_keeps_its_place_is_nothing_else_and_says_when_that_was_read() -> None:
    read_at = datetime(2026, 11, 22, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    kept = {
        "date": "2026-03-01",
        "granularity": "week",
        "user_uses": 0,
        "user_credits": 0,
        "_ab_cdc_deleted_at": "2026-11-22T12:00:00.123Z",
    }
    day = Date(2026, 3, 1)
    assert list(usage.deleted_rows(day, WEEK, range(2, 4), read_at)) == [
        {"usage_id": "week-2026-03-01-2", **kept},
        {"usage_id": "week-2026-03-01-3", **kept},
    ]
    assert list(usage.deleted_rows(day, WEEK, range(1), read_at.astimezone(UTC), "fpk-abc")) == [
        {"usage_id": "fpk-abc-week-2026-03-01-0", "api_key_id": "fpk-abc", **kept}
    ]
    assert list(usage.deleted_rows(day, WEEK, range(3, 3), read_at)) == []
