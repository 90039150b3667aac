"""From an answer to rows: for any legal answer in any order they add up, and their keys stay what they are."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from builders import OTHER_PROJECT, PROJECT, body, bucket, entry, tool
from hypothesis import example, given
from hypothesis import strategies as st
from ledger import START, answered, entries

from source_magnific_analytics import usage
from source_magnific_analytics.windows import Granularity

FIGURES = st.integers(0, 10**12)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
EXTRA = st.dictionaries(st.sampled_from(["plan", "unit"]), st.none() | st.integers() | st.text(max_size=3), max_size=1)
USAGES = st.fixed_dictionaries(
    {"user_uses": FIGURES, "user_credits": FIGURES},
    optional={
        "user_email": st.sampled_from([None, "", "ann@example.com", "Ann@example.com", "bob@example.com"]) | NAMES,
        "project_reference": st.sampled_from([None, PROJECT, OTHER_PROJECT]),
        "group_name": st.none() | NAMES,
        "region": st.text(max_size=2),
    },
)


def total(usages: Iterable[Any] | None, figure: str) -> int:
    return sum(one[figure] for one in usages or [])


@st.composite
def pieces(draw: st.DrawFn) -> dict[str, Any]:
    """A consumption with any breakdown: absent, null, empty, partial, complete or too large."""
    usages = draw(st.none() | st.lists(USAGES, max_size=4))
    missing = draw(st.tuples(*[st.sampled_from([0, 0, 1, 250, -1])] * 2))
    piece = {
        "tool": draw(st.sampled_from(["Upscaler", "Mystic", "Größer 大", 'a"\\\n\x7f\u2028']) | NAMES),
        "user_uses": max(total(usages, "user_uses") + missing[0], 0),
        "user_credits": max(total(usages, "user_credits") + missing[1], 0),
        **draw(EXTRA),
    }
    return piece if usages is None and draw(st.booleans()) else {**piece, "user_usages": usages}


# A date may come in several buckets and a tool several times in each.
BUCKETS = st.lists(
    st.builds(
        lambda day, parts, extra: bucket(f"2026-03-0{day}", *parts, **extra),
        st.integers(1, 3),
        st.lists(pieces(), max_size=4),
        EXTRA,
    ),
    max_size=5,
)


def rows_of(*buckets: dict[str, Any], granularity: Granularity = Granularity.DAY) -> list[usage.Row]:
    return rows_of_all([usage.decode(body(*buckets))], granularity)


def rows_of_all(answers: list[usage.Answer], granularity: Granularity) -> list[usage.Row]:
    tools_by_bucket = usage.tools_by_bucket(answers, granularity)
    return [row for day, tools in tools_by_bucket for row in usage.rows(day, granularity, tools)[0]]


def excesses_of(*buckets: dict[str, Any]) -> list[usage.Excess]:
    tools_by_bucket = usage.tools_by_bucket([usage.decode(body(*buckets))], Granularity.DAY)
    return [excess for day, tools in tools_by_bucket for excess in usage.rows(day, Granularity.DAY, tools)[1]]


def totals(buckets: list[dict[str, Any]], figure: str) -> dict[tuple[str, str], tuple[int, int]]:
    """For each date and tool: the stated total, and the sum of the breakdown."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for part in buckets:
        for piece in part["consumptions"]:
            both = sums[part["date"][:10], piece["tool"]]
            both[0] += piece[figure]
            both[1] += total(piece.get("user_usages"), figure)
    return {key: (stated, broken_down) for key, (stated, broken_down) in sums.items()}


def key(row: usage.Row, n: int) -> str:
    """`usage_id` by its published formula, written a second time."""
    parts = [row["granularity"], row["date"], row["tool"], row["user_email"], row["project_reference"], n]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def shuffled(buckets: list[dict[str, Any]], random: Random) -> list[dict[str, Any]]:
    """The same answer in another order, its dates and tools cut into more pieces."""
    parts = []
    for part in buckets:
        for piece in part["consumptions"]:
            usages = list(piece.get("user_usages") or [])
            random.shuffle(usages)
            cut = random.randint(0, len(usages))
            rest = {**piece, "user_uses": 0, "user_credits": 0, "user_usages": usages[cut:]}
            parts += [{**part, "consumptions": [{**piece, "user_usages": usages[:cut]}]}]
            parts += [{**part, "consumptions": [rest]}]
    random.shuffle(parts)
    return parts


@given(BUCKETS)
def test_for_every_bucket_and_tool_the_rows_add_up_to_the_totals(buckets: list[dict[str, Any]]) -> None:
    for figure in ("user_uses", "user_credits"):
        sums: Counter[tuple[str, str]] = Counter()
        for row in rows_of(*buckets):
            sums[row["date"], row["tool"]] += row[figure]
        for place, (stated, broken_down) in totals(buckets, figure).items():
            assert sums.pop(place, 0) == max(stated, broken_down)
        assert not sums


@given(BUCKETS)
def test_every_entry_is_one_row_whatever_it_holds(buckets: list[dict[str, Any]]) -> None:
    entries_ = [one for b in buckets for piece in b["consumptions"] for one in piece.get("user_usages") or []]
    fields = ("user_email", "user_uses", "user_credits", "project_reference", "group_name")
    wanted = Counter(tuple(one.get(name) for name in fields) for one in entries_)
    found = Counter(tuple(row[name] for name in fields) for row in rows_of(*buckets))
    assert wanted <= found
    assert all(row[0] is None and row[3] is None and row[4] is None for row in found - wanted)


@given(BUCKETS)
def test_every_key_is_unique_and_follows_the_published_formula(buckets: list[dict[str, Any]]) -> None:
    rows = rows_of(*buckets)
    alike: dict[tuple[Any, ...], list[usage.Row]] = defaultdict(list)
    for row in rows:
        alike[row["date"], row["tool"], row["user_email"], row["project_reference"]].append(row)
    for same in alike.values():
        by_key = {row["usage_id"]: row for row in same}
        numbered = [by_key[key(same[0], n)] for n in range(len(same))]
        assert [row["group_name"] or "" for row in numbered] == sorted(row["group_name"] or "" for row in same)
    assert len({row["usage_id"] for row in rows}) == len(rows)


@given(BUCKETS, st.randoms(use_true_random=False))
def test_the_rows_are_the_same_in_whatever_order_and_pieces_the_answer_comes(
    buckets: list[dict[str, Any]], random: Random
) -> None:
    rows, again = rows_of(*buckets), rows_of(*shuffled(buckets, random))
    assert sorted(again, key=lambda row: row["usage_id"]) == sorted(rows, key=lambda row: row["usage_id"])


@given(BUCKETS, NAMES, st.integers(2, 9))
def test_no_key_changes_when_names_and_figures_change(buckets: list[dict[str, Any]], name: str, times: int) -> None:
    before = [row["usage_id"] for row in rows_of(*buckets)]
    for part in buckets:
        for piece in part["consumptions"]:
            for one in [piece, *(piece.get("user_usages") or [])]:
                one["user_uses"] *= times
                one["user_credits"] *= times
            for one in piece.get("user_usages") or []:
                one["project_name"] = name
                if one.get("group_name"):
                    one["group_name"] = "Team " + one["group_name"]
    assert sorted(row["usage_id"] for row in rows_of(*buckets)) == sorted(before)


def test_a_renamed_project_replaces_its_row() -> None:
    [before] = rows_of(bucket("2026-03-01", tool("Mystic", entry(project_reference=PROJECT, project_name="Spring"))))
    [after] = rows_of(bucket("2026-03-01", tool("Mystic", entry(project_reference=PROJECT, project_name="Summer"))))
    assert after == {**before, "project_name": "Summer"}


def test_one_person_in_several_groups_is_numbered_by_group_without_group_first() -> None:
    alike = [entry(uses=n, group_name=group) for n, group in enumerate(["Zoo", "Art", None, "XY"], 1)]
    rows = rows_of(bucket("2026-03-01", tool("Mystic", *alike)))
    order = sorted(rows, key=lambda row: [key(row, n) for n in range(4)].index(row["usage_id"]))
    assert [row["group_name"] for row in order] == [None, "Art", "XY", "Zoo"]


def test_a_row_is_the_line_of_the_dashboards_table() -> None:
    one = entry("ann@example.com", 3, 60, project_reference=PROJECT, project_name="Spring", group_name="Design")
    [row] = rows_of(bucket("2026-03-01", tool("Mystic", one)), granularity=Granularity.DAY)
    assert row == {
        "usage_id": key(row, 0),
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


def test_what_nobody_is_named_for_is_one_more_row_without_names() -> None:
    rows = rows_of(bucket("2026-03-01", tool("Mystic", entry("ann@example.com", 1, 10), uses=3, credits=40)))
    assert [(row["user_email"], row["user_uses"], row["user_credits"]) for row in rows] == [
        ("ann@example.com", 1, 10),
        (None, 2, 30),
    ]
    assert rows[1]["project_reference"] is rows[1]["project_name"] is rows[1]["group_name"] is None


def test_uses_without_credits_and_credits_without_uses_are_not_lost() -> None:
    rows = rows_of(bucket("2026-03-01", tool("Asset Download", uses=4, credits=0), tool("Fee", uses=0, credits=7)))
    assert [(row["user_uses"], row["user_credits"]) for row in rows] == [(4, 0), (0, 7)]


def test_a_breakdown_above_the_totals_is_handed_on_as_it_is_and_told() -> None:
    part = bucket("2026-03-01", tool("Mystic", entry(uses=5, credits=50), uses=3, credits=70), tool("Video", entry()))
    assert [(row["user_uses"], row["user_credits"]) for row in rows_of(part)] == [(5, 50), (0, 20), (1, 10)]
    assert excesses_of(part) == [usage.Excess("2026-03-01", "Mystic", uses=2, credits=0)]
    part = bucket("2026-03-01", tool("Mystic", entry(uses=5, credits=50), uses=5, credits=49))
    assert excesses_of(part) == [usage.Excess("2026-03-01", "Mystic", uses=0, credits=1)]
    assert excesses_of(bucket("2026-03-01", tool("Mystic", entry(uses=5, credits=50)))) == []


def test_a_refund_larger_than_the_usage_still_adds_up() -> None:
    part = bucket("2026-03-01", tool("Mystic", uses=0, credits=-30))
    assert [(row["user_uses"], row["user_credits"]) for row in rows_of(part)] == [(0, -30)]
    assert excesses_of(part) == []


@given(st.lists(entries(START.replace(month=12, day=31)), max_size=25), st.sets(st.integers(2, 12), max_size=3))
@example([], set())
def test_a_year_asked_for_by_months_has_the_rows_of_one_request(ledger: list[Any], cuts: set[int]) -> None:
    firsts = [1, *sorted(cuts)]
    lasts = [*(START.replace(month=month - 1, day=28) for month in firsts[1:]), START.replace(month=12, day=31)]
    by_months = [
        {"start_date": f"2026-{first:02}-01", "end_date": str(last), "granularity": "month"}
        for first, last in zip(firsts, lasts, strict=True)
    ]
    kept = [used for used in ledger if used.day.day <= 28]
    by_year = {"start_date": "2026-01-01", "end_date": "2026-12-31", "granularity": "year"}
    parts = [usage.decode(json.dumps(answered(kept, query)).encode()) for query in by_months]
    whole = usage.decode(json.dumps(answered(kept, by_year)).encode())
    added_up, at_once = (rows_of_all(answers, Granularity.YEAR) for answers in (parts, [whole]))
    assert sorted(added_up, key=lambda row: row["usage_id"]) == sorted(at_once, key=lambda row: row["usage_id"])


def test_a_project_renamed_within_the_year_has_one_row_under_its_last_known_name() -> None:
    months = [
        bucket(f"2026-0{month}-01", tool("Mystic", entry(project_reference=PROJECT, project_name=name)))
        for month, name in [(3, None), (1, "Spring"), (2, "Summer")]
    ]
    [row] = rows_of(*months, granularity=Granularity.YEAR)
    assert (row["date"], row["project_name"], row["user_uses"]) == ("2026-01-01", "Summer", 3)


def test_entries_alike_in_one_month_stay_apart_in_the_year() -> None:
    january = bucket("2026-01-01", tool("Mystic", entry(uses=1, credits=5), entry(uses=2, credits=6)))
    february = bucket("2026-02-01", tool("Mystic", entry(uses=10, credits=70)))
    rows = rows_of(january, february, granularity=Granularity.YEAR)
    assert [(row["user_uses"], row["user_credits"]) for row in rows] == [(2, 6), (11, 75)]


def test_buckets_are_handed_on_in_the_order_of_their_days() -> None:
    days = [bucket(day, tool("Mystic", entry())) for day in ("2026-03-02", "2026-03-03", "2026-03-01")]
    assert [row["date"] for row in rows_of(*days)] == ["2026-03-01", "2026-03-02", "2026-03-03"]


def test_a_withdrawn_row_keeps_its_key_and_is_nothing_else() -> None:
    assert usage.withdrawn_row("2026-03-01", Granularity.WEEK, "0" * 32) == {
        "usage_id": "0" * 32,
        "date": "2026-03-01",
        "granularity": "week",
        "user_uses": 0,
        "user_credits": 0,
    }


@given(st.binary(min_size=16, max_size=16))
def test_every_key_has_a_short_form_that_leads_back_to_it(bits: bytes) -> None:
    short = usage.shorten(bits.hex())
    assert len(short) == 22
    assert usage.lengthen(short) == bits.hex()


@given(st.text(max_size=30))
@example("A" * 22 + "=")
@example("A" * 21)
@example("A" * 26)
@example("AAAAAAAAAAAAAAAAAAAAAB")
@example("AAAAAAAAAAA+AAAAAAAAAA")
def test_no_other_text_passes_for_a_short_key(text: str) -> None:
    try:
        long = usage.lengthen(text)
    except ValueError:
        return
    assert usage.shorten(long) == text
    assert len(text) == 22


def test_a_text_that_is_no_short_key_is_called_so() -> None:
    with pytest.raises(ValueError, match=r"^not the short form of a usage_id$"):
        usage.lengthen("A" * 21 + "B")
