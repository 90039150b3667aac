"""An answer that is not the contract's is refused whole; what is understood, is understood exactly."""

import json
from typing import Any

import pytest
from builders import answer, body, bucket, entry, tool
from hypothesis import given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics import usage
from source_magnific_analytics.decoding import ContractError
from source_magnific_analytics.windows import DateRange, Granularity, Request

SECRET = "ann@example.com"
NOVEMBER = DateRange(Date(2026, 11, 1), Date(2026, 11, 30))


def good(**changes: Any) -> dict[str, Any]:
    """A consumption of one person, with `changes`; a change to `...` leaves the property out."""
    consumption = {**tool("Mystic of " + SECRET, entry(SECRET, 3, 41)), **changes}
    return {name: value for name, value in consumption.items() if value is not ...}


def one(**changes: Any) -> dict[str, Any]:
    changed = {**entry(SECRET, 3, 41), **changes}
    return good(user_usages=[{name: value for name, value in changed.items() if value is not ...}])


def with_date(date: Any) -> bytes:
    return json.dumps(answer({**bucket("2026-11-01", good()), "date": date})).encode()


def decoded(text: bytes, asked_by: Granularity | None = None) -> usage.Answer:
    """An answer as it is understood where nothing, or the days of November by `asked_by`, was asked for."""
    return usage.decode(bytearray(text), None if asked_by is None else Request(NOVEMBER, asked_by))


def rows_of(*buckets: dict[str, Any]) -> list[usage.Row]:
    found = decoded(body(*buckets), Granularity.DAY)
    return [row for day, period in found.items() for row in usage.rows(day, period, Granularity.DAY)[0]]


def refusal(text: bytes) -> str:
    with pytest.raises(ContractError) as error:
        decoded(text)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b'"ann@example.com"',
        b"41",
        b'{"data": null}',
        b'{"data": {}}',
        b'{"data": "ann@example.com"}',
        b'{"data": [null]}',
        b'{"data": ["ann@example.com"]}',
        b'{"data": [[]]}',
        b'{"message": "ann@example.com"}',
        b"<html><body>ann@example.com</body></html>",
        b"\x1f\x8b\x08\x00ann@example.com",
        body(bucket("2026-11-01", good()))[:-1],
        body(bucket("2026-11-01", good()))[:80],
        body(bucket("2026-11-01", good())) + b"}",
        b'{"data":' + b"[" * 100_000,
        b'{"data":[{"x":' + b"[" * 100_000,
        body(bucket("2026-11-01", good())).replace(b"Mystic", b"M\xffstic"),
    ],
)
def test_a_body_that_is_not_usage_is_refused_and_not_quoted(text: bytes) -> None:
    words = refusal(text)
    assert words
    assert SECRET not in words
    assert "41" not in words


@pytest.mark.parametrize(
    "part",
    [
        {"consumptions": [good()]},
        {**bucket("2026-11-01"), "consumptions": None},
        {"date": "2026-11-01"},
        {**bucket("2026-11-01"), "consumptions": {}},
        bucket("2026-11-01", good(), None),  # type: ignore[arg-type]
        bucket("2026-11-01", good(tool=...)),
        bucket("2026-11-01", good(tool=None)),
        bucket("2026-11-01", good(tool=41)),
        bucket("2026-11-01", good(user_usages=SECRET)),
        bucket("2026-11-01", good(user_usages=[None])),
        bucket("2026-11-01", good(user_usages={SECRET: 41})),
        bucket("2026-11-01", one(user_email=41)),
        bucket("2026-11-01", one(user_email=[SECRET])),
        bucket("2026-11-01", one(project_reference=41)),
        bucket("2026-11-01", one(project_name={})),
        bucket("2026-11-01", one(group_name=True)),
    ],
)
def test_a_part_that_is_missing_or_of_another_kind_is_refused(part: dict[str, Any]) -> None:
    words = refusal(body(bucket("2026-11-02", good()), part))
    assert SECRET not in words
    assert "41" not in words


@pytest.mark.parametrize("figure", [..., None, "41", "", 41.5, 2**53, -(2**63), 1e300, True, [41], {}])
@pytest.mark.parametrize("name", ["user_uses", "user_credits"])
@pytest.mark.parametrize("place", [good, one])
def test_a_figure_that_is_not_a_whole_number_is_refused(place: Any, name: str, figure: Any) -> None:
    words = refusal(body(bucket("2026-11-01", place(**{name: figure}))))
    assert SECRET not in words
    assert "41" not in words


@pytest.mark.parametrize(
    "date",
    [
        None,
        1795377358,
        "",
        "today",
        SECRET,
        "2026-02-30",
        "2026-13-01",
        "2026-11-01T25:00:00Z",
        "2026-11",
        "01/11/2026",
        "0001-01-01T01:00:00+05:00",
        "2026-11-01T12:00:00Z",
    ],
)
def test_a_date_that_is_none_is_refused(date: Any) -> None:
    words = refusal(with_date(date))
    assert SECRET not in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{}", "Object missing required field `data`"),
        (body(bucket("2026-11-01", good(tool=41))), "Expected `str`, got `int` - at `$[0].tool`"),
        (body()[:-1], "the body is not complete JSON"),
        (body(bucket("2026-11-01", good())).replace(b"Mystic", b"M\xffstic"), "a text is not UTF-8"),
        (with_date("2026-02-30"), "a period's date is not a date"),
    ],
)
def test_the_refusal_says_what_was_wrong(text: bytes, words: str) -> None:
    assert refusal(text) == words


@pytest.mark.parametrize("text", [b'{"data": []}', b'{"data": [], "next": null, "page": {"size": 10}}'])
def test_an_answer_without_periods_is_no_usage(text: bytes) -> None:
    assert decoded(text) == {}


def test_an_unknown_field_changes_nothing_wherever_it_stands() -> None:
    plain = bucket("2026-11-01", tool("Mystic", entry(SECRET)))
    extended = bucket("2026-11-01", tool("Mystic", entry(SECRET, seat="x"), kind=["y"]), timezone={"name": "UTC"})
    assert rows_of(extended) == rows_of(plain) != []


def test_the_same_period_twice_is_one_period_in_two_pieces() -> None:
    pieces = [bucket("2026-11-01", tool("Mystic", entry(SECRET, uses))) for uses in (1, 2)]
    assert [(row["user_uses"], row["user_email"]) for row in rows_of(*pieces)] == [(1, SECRET), (2, SECRET)]


def test_ten_thousand_people_in_one_period_are_ten_thousand_rows() -> None:
    crowd = [entry(f"user{n}@example.com") for n in range(10_000)]
    assert len({row["usage_id"] for row in rows_of(bucket("2026-11-01", tool("Mystic", *crowd)))}) == 10_000


def test_the_largest_figures_that_a_warehouse_holds_are_kept_exactly() -> None:
    [row] = rows_of(bucket("2026-11-01", tool("Mystic", uses=2**53 - 1, credits=1 - 2**53)))
    assert (row["user_uses"], row["user_credits"]) == (2**53 - 1, 1 - 2**53)


@pytest.mark.parametrize("figure", [2**53 - 1, 1 - 2**53])
@pytest.mark.parametrize("name", ["user_uses", "user_credits"])
def test_figures_that_add_up_beyond_what_a_warehouse_holds_are_refused(name: str, figure: int) -> None:
    words = refusal(body(*[bucket("2026-11-01", tool("Mystic", **{name.removeprefix("user_"): figure}))] * 2))
    assert words == f"the figures of a tool add up beyond {2**53 - 1}"


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "date", "consumptions", "tool", "user_uses"]), inner, max_size=4)
        ),
    ).map(lambda value: json.dumps({"data": [value]}).encode())
)
def test_whatever_comes_is_understood_or_refused(text: bytes) -> None:
    try:
        decoded(text)
    except ContractError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("day", "asked_by"),
    [
        ("2026-10-31", Granularity.DAY),
        ("2026-12-01", Granularity.DAY),
        ("2026-11-03", Granularity.WEEK),
        ("2026-11-02", Granularity.MONTH),
        ("2026-11-01", Granularity.YEAR),
        ("2025-11-01", Granularity.MONTH),
    ],
)
@pytest.mark.parametrize("tools", [[], [tool("Mystic", entry())]])
def test_a_period_outside_the_range_or_inside_another_is_refused_even_an_empty_one(
    day: str, asked_by: Granularity, tools: list[dict[str, Any]]
) -> None:
    with pytest.raises(ContractError, match=day):
        decoded(body(bucket(day, *tools)), asked_by)


@pytest.mark.parametrize(
    ("day", "asked_by"),
    [
        ("2026-11-01", Granularity.DAY),
        ("2026-11-30", Granularity.DAY),
        ("2026-11-30", Granularity.WEEK),
        ("2026-11-01", Granularity.MONTH),
    ],
)
def test_a_period_on_either_edge_of_the_range_is_accepted(day: str, asked_by: Granularity) -> None:
    assert [str(found) for found in decoded(body(bucket(day, tool("Mystic", entry()))), asked_by)] == [day]
