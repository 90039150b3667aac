"""Test that a valid response, whatever its order, becomes rows that add up and are numbered within their period."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from builders import OTHER_PROJECT, PROJECT, Json, body, entry, period, tool
from hypothesis import example, given
from hypothesis import strategies as st
from pendulum import Date
from small_team import START, Given, answer, entries

from sandbox.ledger import Entry, Ledger
from sandbox.query import Filters, Query
from source_magnific_analytics import usage
from source_magnific_analytics.decoding import LARGEST_FIGURE as LARGEST
from source_magnific_analytics.windows import Granularity

DAY, WEEK, _, YEAR = Granularity
END_OF_YEAR = date(2026, 12, 31)
FIGURES = ("user_uses", "user_credits")
COLUMNS = ("user_email", "project_reference", "group_name", *FIGURES, "project_name")


def decoded(*periods: Json) -> usage.Answer:
    return usage.decode(bytearray(body(*periods)))


def rows_of(*periods: Json, api_key_id: str | None = None) -> list[usage.Row]:
    """Return the rows of a response with daily granularity."""
    return [row for day, found in decoded(*periods).items() for row in usage.rows(day, found, DAY, api_key_id)[0]]


def year_of(*parts: Json) -> list[usage.Row]:
    """Return the rows of the year 2026, added up from its parts."""
    whole = usage.added_up(decoded(*parts).values(), 1000)
    found = list(usage.rows(Date(2026, 1, 1), whole, YEAR)[0])
    assert len(found) == whole.row_count
    return found


NAMES = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
USAGES = st.fixed_dictionaries(
    dict.fromkeys(FIGURES, st.integers(0, 10**12)),
    optional={
        "user_email": st.sampled_from(["", "ann@example.com", "Ann@example.com", "bob@example.com"]) | NAMES,
        "project_reference": st.sampled_from([None, PROJECT, OTHER_PROJECT]),
        **dict.fromkeys(("group_name", "project_name", "region"), NAMES),
    },
)


@st.composite
def tools(draw: st.DrawFn) -> Json:
    """Generate a tool whose breakdown is absent, null, empty, partial, complete or too large."""
    usages = draw(st.none() | st.lists(USAGES, max_size=4))
    missing = st.sampled_from([0, 0, 1, 250, -1])
    totals = {name: max(sum(one[name] for one in usages or ()) + draw(missing), 0) for name in FIGURES}
    name = draw(st.sampled_from(["Upscaler", "Mystic", "Größer 大", 'a"\\\n\x7f\u2028']) | NAMES.filter(bool))
    found = {"tool": name, **totals, "unit": 1}
    return found if usages is None and draw(st.booleans()) else {**found, "user_usages": usages}


# Several periods can have the same date, and a period can list the same tool several times.
PERIODS = st.lists(
    st.builds(lambda day, parts: period(f"2026-03-0{day}", *parts), st.integers(1, 3), st.lists(tools(), max_size=4)),
    max_size=5,
)


def published(periods: list[Json]) -> list[usage.Row]:
    """Return the rows that the docs require: one per entry and one for the rest of a tool's total. Nulls sort first."""
    pieces: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for part in periods:
        for piece in part["consumptions"]:
            pieces[part["date"][:10], piece["tool"]].append(piece)
    days: dict[str, list[tuple[str, Json]]] = defaultdict(list)
    for (day, name), of_tool in pieces.items():
        found = [one for piece in of_tool for one in piece.get("user_usages") or ()]
        rest = {n: sum(piece[n] for piece in of_tool) - sum(one[n] for one in found) for n in FIGURES}
        if any(value > 0 for value in rest.values()):
            found = [*found, {n: max(value, 0) for n, value in rest.items()}]
        days[day] += [(name, one) for one in found]

    def order(row: tuple[str, Json]) -> list[Any]:
        return [row[0], *([row[1].get(column) is not None, row[1].get(column)] for column in COLUMNS)]

    return [
        {"usage_id": f"day-{day}-{n}", "date": day, "granularity": "day", "tool": name}
        | {column: one.get(column) for column in COLUMNS}
        for day in sorted(days)
        for n, (name, one) in enumerate(sorted(days[day], key=order))
    ]


def shuffled(periods: list[Json], random: Random) -> list[Json]:
    """Return the same response in a different order, with its periods and tools split into more pieces."""
    parts = []
    for part in periods:
        for piece in part["consumptions"]:
            usages = list(piece.get("user_usages") or [])
            random.shuffle(usages)
            cut = random.randint(0, len(usages))
            rest = {**piece, **dict.fromkeys(FIGURES, 0), "user_usages": usages[cut:]}
            parts += [{**part, "consumptions": [one]} for one in ({**piece, "user_usages": usages[:cut]}, rest)]
    random.shuffle(parts)
    return parts


ALIKE = [entry(project_reference=PROJECT, project_name=name) for name in ("Winter", None, "Spring")]


@given(PERIODS, st.randoms(use_true_random=False))
@example([period("2026-03-01", tool("Mystic", *ALIKE))], Random(0))
def test_the_rows_are_the_entries_and_the_rest_of_the_totals_in_any_order(periods: list[Json], random: Random) -> None:
    assert rows_of(*periods) == rows_of(*shuffled(periods, random)) == published(periods)
    # A period without rows is left out.
    assert [str(day) for day in decoded(*periods)] == sorted({row["date"] for row in published(periods)})


def test_rows_and_ids_of_a_key_name_the_key() -> None:
    row = {
        **{"usage_id": "fpk-abc-day-2026-03-01-0", "date": "2026-03-01", "granularity": "day"},
        **{"api_key_id": "fpk-abc", "tool": "Mystic", "project_reference": None, "project_name": None},
        **{"group_name": None, **entry("ann@example.com", 3, 60)},
    }
    assert rows_of(period("2026-03-01", tool("Mystic", entry(uses=3, credits=60))), api_key_id="fpk-abc") == [row]


def test_a_breakdown_above_the_totals_is_reported() -> None:
    def excesses(*tools: Json) -> list[tuple[str, int, int]]:
        [(day, found)] = decoded(period("2026-03-01", *tools)).items()
        return usage.rows(day, found, DAY)[1]

    used = entry(uses=5, credits=50)
    assert excesses(tool("Mystic", used, uses=3, credits=70), tool("Video", entry())) == [("Mystic", 2, 0)]
    assert excesses(tool("Mystic", used, uses=5, credits=49)) == [("Mystic", 0, 1)]
    assert excesses(tool("Mystic", used)) == []
    # A refund that exceeds the usage does not count as an excess, and the rows still add up.
    refund = tool("Mystic", uses=0, credits=-30)
    assert excesses(refund) == []
    assert [row["user_credits"] for row in rows_of(period("2026-03-01", refund))] == [-30]


@given(
    st.lists(entries(END_OF_YEAR), max_size=25),
    st.sets(st.dates(START + timedelta(1), END_OF_YEAR), max_size=3),
    st.sampled_from(["day", "month"]),
)
@example([], set(), "month")
def test_a_year_added_up_from_parts_has_the_rows_of_one_request(used: list[Entry], cuts: set[date], unit: str) -> None:
    def said(first: date, last: date, granularity: str) -> list[Json]:
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


def test_parts_are_added_up_where_a_part_and_the_people_before_it_are_not_too_many() -> None:
    def january(day: int, *people: str) -> Json:
        return period(f"2026-01-0{day}", tool("Mystic", *map(entry, people)))

    days = decoded(january(1, "ann", "bob"), january(2, "ann", "bob"), january(3, "eve")).values()
    whole = usage.added_up(days, 4)
    assert whole is not None
    assert whole.row_count == 3
    assert usage.added_up(days, 3) is None


@pytest.mark.parametrize(
    ("january", "february"),
    [
        (tool("Mystic", entry("ann", LARGEST)), tool("Mystic", entry("bob", LARGEST))),
        (tool("Mystic", entry("ann", 0, LARGEST), credits=0), tool("Mystic", uses=1, credits=-1)),
    ],
)
def test_parts_are_not_added_up_to_figures_that_a_destination_would_round(january: Json, february: Json) -> None:
    assert usage.added_up(decoded(period("2026-01-01", january), period("2026-02-01", february)).values(), 9) is None


def test_what_is_too_much_in_one_month_and_missing_in_another_evens_out_in_the_year() -> None:
    january = period("2026-01-01", tool("Mystic", entry(uses=5, credits=50), uses=3, credits=40))
    february = period("2026-02-01", tool("Mystic", uses=2, credits=15))
    rows = [(row["user_email"], row["user_uses"], row["user_credits"]) for row in year_of(january, february)]
    assert rows == [(None, 0, 5), ("ann@example.com", 5, 50)]


def test_a_deleted_row_keeps_its_place_is_nothing_else_and_says_when_that_was_read() -> None:
    read_at = datetime(2026, 11, 22, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    kept = {"date": "2026-03-01", "granularity": "week", "user_uses": 0, "user_credits": 0}
    kept["_ab_cdc_deleted_at"] = "2026-11-22T12:00:00.123Z"
    day = Date(2026, 3, 1)
    rows = list(usage.deleted_rows(day, WEEK, range(2, 4), read_at))
    assert rows == [{"usage_id": f"week-2026-03-01-{n}", **kept} for n in (2, 3)]
    [of_a_key] = usage.deleted_rows(day, WEEK, range(1), read_at.astimezone(UTC), "fpk-abc")
    assert of_a_key == {"usage_id": "fpk-abc-week-2026-03-01-0", "api_key_id": "fpk-abc", **kept}
