"""Test that a response that breaks the contract is refused as a whole, and that any other response is read exactly.

The expected messages are the same in every version of msgspec that setup.py allows.
"""

import json
from typing import Any

import pytest
from builders import Json, answer, body, entry, period, tool
from hypothesis import given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics import usage
from source_magnific_analytics.decoding import LARGEST_FIGURE, ContractError
from source_magnific_analytics.windows import DateRange, Granularity, Request

ANN = "ann@example.com"
NOVEMBER = DateRange(Date(2026, 11, 1), Date(2026, 11, 30))
DEEP, USAGE = b"[" * 100_000, ".user_usages[0]"


def good(**changes: Any) -> Json:
    """Return a tool with one user's usage, modified by `changes`. The value `...` removes a property."""
    consumption = {**tool("Mystic of " + ANN, entry(ANN, 3, 41)), **changes}
    return {name: value for name, value in consumption.items() if value is not ...}


def one(**changes: Any) -> Json:
    changed = {**entry(ANN, 3, 41), **changes}
    return good(user_usages=[{name: value for name, value in changed.items() if value is not ...}])


def decoded(text: bytes, asked_by: Granularity | None = None) -> usage.Answer:
    """Decode a response and, if `asked_by` is given, check it against a request for November at that granularity."""
    return usage.decode(bytearray(text), None if asked_by is None else Request(NOVEMBER, asked_by))


def refusal(text: bytes) -> tuple[str, bool]:
    """Return why a response is refused, and whether it might be incomplete."""
    with pytest.raises(ContractError) as error:
        decoded(text)
    return str(error.value), error.value.cut


GOOD = body(period("2026-11-01", good()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"null", "Expected `object`, got `null`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "Object missing required field `data`"),
        (b'"ann@example.com"', "Expected `object`, got `str`"),
        (b'{"data": null}', "Expected `array`, got `null` - at `$.data`"),
        (b'{"data": ["ann@example.com"]}', "Expected `object`, got `str` - at `$.data[0]`"),
        (GOOD.replace(b"Mystic", b"M\xffstic"), "a string is not UTF-8"),
        (GOOD.replace(b"41", b"1e999", 1), "Number out of range - at `$[0].user_credits`"),
    ],
)
def test_a_body_that_is_not_usage_is_refused_and_not_quoted(text: bytes, words: str) -> None:
    assert refusal(text) == (words, False)


@pytest.mark.parametrize(
    "text",
    [
        *[b"", b"<html>ann@example.com</html>", b"\x1f\x8b\x08\x00ann@example.com"],
        *[GOOD[:-1], GOOD[:80], GOOD + b"}", GOOD.replace(b"Mystic", b"\\qMystic")],
        *[b'{"data":' + DEEP, b'{"data":[{"x":' + DEEP],
    ],
)
def test_a_body_that_is_no_json_may_have_broken_off(text: bytes) -> None:
    assert refusal(text) == ("the body is not complete JSON", True)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"consumptions": [good()]}, "Object missing required field `date` - at `$.data[1]`"),
        ({"date": "2026-11-01"}, "Object missing required field `consumptions` - at `$.data[1]`"),
        ({**period("2026-11-01"), "consumptions": None}, "Expected `array`, got `null`"),
        *[
            (period("2026-11-01", good(), *found), f"{words} - at `$[1]{place}`")
            for found, words, place in [
                ([None], "Expected `object`, got `null`", ""),
                ([good(tool=...)], "Object missing required field `tool`", ""),
                ([good(tool=41)], "Expected `str`, got `int`", ".tool"),
                ([good(tool="x" * 2**14)], "Expected `str` of length <= 16383", ".tool"),
                ([good(user_usages=ANN)], "Expected `array | null`, got `str`", ".user_usages"),
                ([good(user_usages=[None])], "Expected `object`, got `null`", ".user_usages[0]"),
                ([one(user_email=41)], "Expected `str | null`, got `int`", ".user_usages[0].user_email"),
                ([one(project_name={})], "Expected `str | null`, got `object`", ".user_usages[0].project_name"),
                ([one(group_name=True)], "Expected `str | null`, got `bool`", ".user_usages[0].group_name"),
                ([one(project_reference=[])], "Expected `str | null`, got `array`", f"{USAGE}.project_reference"),
            ]
        ],
    ],
)
def test_a_part_that_is_missing_or_of_another_kind_is_refused(part: Json, words: str) -> None:
    assert refusal(body(period("2026-11-02", good()), part)) == (words, False)


@pytest.mark.parametrize("name", ["user_uses", "user_credits"])
@pytest.mark.parametrize(("make", "place"), [(good, "$[0]"), (one, "$[0].user_usages[0]")])
@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (..., "Object missing required field `{name}` - at `{place}`"),
        *[
            (figure, f"Expected `int`, got `{kind}` - at `{{place}}.{{name}}`")
            for figure, kind in [
                *[(None, "null"), ("many", "str"), ("41.5", "str"), (41.5, "float"), (1e300, "float"), (True, "bool")]
            ]
        ],
        *[(n, f"Expected `int` <= {LARGEST_FIGURE} - at `{{place}}.{{name}}`") for n in (2**53, 2.0**53, 10**30)],
        (-(2**53), f"Expected `int` >= -{LARGEST_FIGURE} - at `{{place}}.{{name}}`"),
    ],
)
def test_a_figure_that_no_warehouse_holds_is_refused(make: Any, place: str, name: str, figure: Any, words: str) -> None:
    expected = words.format(place=place, name=name)
    assert refusal(body(period("2026-11-01", make(**{name: figure})))) == (expected, False)


@pytest.mark.parametrize("written", ["12", "12.0", "1.2e1", '"12"', '"12.0"'])
def test_a_whole_figure_is_whole_however_it_is_written(written: str) -> None:
    text = body(period("2026-11-01", good(user_uses=12), good(tool="x", user_uses=12, user_usages=None)))
    for read in (decoded(text.replace(b"12", written.encode())), decoded(text)):
        [found] = read.values()
        figures = [row["user_uses"] for row in usage.rows(Date(2026, 11, 1), found, Granularity.DAY)[0]]
        assert (figures, {type(figure) for figure in figures}) == ([9, 3, 12], {int})


@pytest.mark.parametrize(
    ("date", "words"),
    [
        (None, "Expected `str`, got `null` - at `$.data[0].date`"),
        (1795377358, "Expected `str`, got `int` - at `$.data[0].date`"),
        *[
            (date, "a period's `date` is not a valid date")
            for date in [
                *["", "today", ANN, "2026-02-30", "2026-13-01", "2026-11-01T25:00:00Z", "2026-11", "01/11/2026"],
                "0001-01-01T01:00:00+05:00",
            ]
        ],
        ("2026-11-01T12:00:00Z", "a period's date has a time other than midnight"),
    ],
)
def test_an_invalid_date_is_refused(date: Any, words: str) -> None:
    text = json.dumps(answer({**period("2026-11-01", good()), "date": date})).encode()
    assert refusal(text) == (words, False)


@pytest.mark.parametrize("text", [b'{"data": []}', b'{"data": [], "next": null, "page": {"size": 10}}'])
def test_an_answer_without_periods_is_no_usage(text: bytes) -> None:
    assert decoded(text) == {}


@pytest.mark.parametrize("name", ["uses", "credits"])
@pytest.mark.parametrize("figure", [2**53 - 1, 1 - 2**53])
def test_the_largest_figures_are_kept_exactly_and_their_sum_is_refused(name: str, figure: int) -> None:
    largest = period("2026-11-01", tool("Mystic", **{"uses": 0, "credits": 0, name: figure}))
    [found] = decoded(body(largest)).values()
    [row] = usage.rows(Date(2026, 11, 1), found, Granularity.DAY)[0]
    assert row[f"user_{name}"] == figure
    assert refusal(body(largest, largest)) == (f"a tool's figures add up to more than {2**53 - 1}", False)


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
    ("asked_by", "right", "wrong"),
    [
        (Granularity.DAY, ["2026-11-01", "2026-11-30"], ["2026-10-31", "2026-12-01"]),
        (Granularity.WEEK, ["2026-11-02", "2026-11-30"], ["2026-11-03", "2026-11-01"]),
        (Granularity.MONTH, ["2026-11-01"], ["2026-11-02", "2025-11-01"]),
        (Granularity.YEAR, [], ["2026-11-01"]),
    ],
)
def test_a_period_that_was_not_asked_for_is_refused(asked_by: Granularity, right: list[str], wrong: list[str]) -> None:
    for day in right:
        assert [str(found) for found in decoded(body(period(day, good())), asked_by)] == [day]
    for part in (part for day in wrong for part in (period(day), period(day, good()))):
        with pytest.raises(ContractError, match=part["date"][:10]):
            decoded(body(part), asked_by)
