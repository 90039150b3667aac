"""Test how the connector decodes bytes into strings, figures and dates that every warehouse accepts."""

import json
import re

import msgspec
import pytest
from builders import Json
from hypothesis import example, given
from hypothesis import strategies as st
from pendulum import Date

from source_magnific_analytics import decoding
from source_magnific_analytics.decoding import UNREADABLE, ContractError, Group, contract_error, period_day, rows

BACKSLASH = "\\"


def read(text: bytes) -> str:
    """Return the string that the connector decodes from the JSON in `text`."""
    return str(msgspec.json.decode(decoding.mended(bytearray(text))))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb'"a\u0000b"', "ab"),
        # After an escaped backslash, u0000 is five ordinary characters, not a NUL.
        (rb'"C:\\u0000"', rf"C:{BACKSLASH}u0000"),
        (rb'"C:\\\u0000x"', rf"C:{BACKSLASH}x"),
        (rb'"\\\\u0000"', rf"{BACKSLASH}{BACKSLASH}u0000"),
        (rb'"\\ud83d"', rf"{BACKSLASH}ud83d"),
        # A surrogate pair is one character; an unpaired surrogate becomes U+FFFD.
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\udbff\udfff\ud800\udc00"', "\U0010ffff\U00010000"),
        (rb'"\uD83D\u0041"', "\ufffdA"),
        (rb'"\ud83dA\uDFFF\uDBFF"', "\ufffdA\ufffd\ufffd"),
        (b'"\xed\xa0\xbd\xed\xb8\x80"', "\ufffd\ufffd"),
        (b'"a\xed\xbf\xbf"', "a\ufffd"),
        # Other escapes, and characters just outside the surrogate range, stay as they are.
        ("\"한 \ud7ff \ue000\"".encode(), "한 \ud7ff \ue000"),
        (rb'"\ud7ff\ue000\u0001\u00e9"', "\ud7ff\ue000\x01é"),
        (b'\xef\xbb\xbf"a"', "a"),
        ('"a\ufeffb"'.encode(), "a\ufeffb"),
    ],
)  # fmt: skip
def test_every_text_becomes_one_that_a_warehouse_can_hold(written: bytes, text: str) -> None:
    assert read(written) == text


ANY_TEXT = st.text(st.characters() | st.sampled_from('\x00\\u"\ud83d\ude00\udfff0'), max_size=12)


@given(ANY_TEXT)
@example("\\\x00\\\\\ud83d")
def test_whatever_a_text_holds_only_its_nuls_and_half_pairs_change(text: str) -> None:
    # Python's JSON decoder joins the two surrogates of a pair into one character.
    whole = json.loads(json.dumps(text))
    assert read(json.dumps(text).encode()) == re.sub("[\ud800-\udfff]", "\ufffd", whole.replace("\x00", ""))
    unescaped = json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert read(unescaped) == re.sub("[\ud800-\udfff]", "\ufffd", text.replace("\x00", ""))


def test_an_answer_without_such_texts_is_not_copied() -> None:
    answer = bytearray('{"data": "Größer 大 \U0001f600"}'.encode())
    assert decoding.mended(answer) is answer


@pytest.mark.parametrize(
    "text",
    [
        *["2026-11-21", "2026-11-21T00:00:00", "2026-11-21 00:00:00", "2026-11-21T00:00:00Z"],
        *["2026-11-21T00:00:00.000Z", "2026-11-21T00:00:00+00:00"],
        # These times are midnight at their own UTC offset.
        *["2026-11-21T00:00:00+01:00", "2026-11-21T00:00:00-08:00", "2026-11-21T00:00:00+14:00"],
        # These times are midnight in UTC, but written with another offset.
        *["2026-11-21T01:00:00+01:00", "2026-11-20T19:00:00-05:00", "2026-11-21T05:30:00+05:30"],
    ],
)
def test_a_period_starts_on_the_day_of_its_own_midnight(text: str) -> None:
    assert period_day(text) == Date(2026, 11, 21)


@pytest.mark.parametrize(
    "text",
    [
        *["2026-11-21T12:00:00", "2026-11-21T23:59:59Z", "2026-11-21T00:00:00.001Z", "2026-11-20T23:00:00Z"],
        *["2026-11-21T02:00:00+01:00", "2026-11-21T00:30:00+01:00"],
    ],
)
def test_a_time_that_is_no_midnight_is_not_the_start_of_a_period(text: str) -> None:
    with pytest.raises(ContractError, match=r"^a period's date has a time other than midnight$"):
        period_day(text)


MISSING = "Object missing required field `group_id`"


def listed(text: bytes) -> list[Json]:
    return list(rows(bytearray(text), Group))


def test_the_rows_of_a_list_have_the_same_texts_and_figures() -> None:
    row = rb'{"group_id": 7.0, "member_count": "3", "a":"x\u0000\ud83d", "n": {"k\u0000": [7.5, true, null, "7.0"]}}'
    [found] = listed(b'{"data": [' + row + b"]}")
    assert found == {"group_id": 7, "member_count": 3, "a": "x\ufffd", "n": {"k": [7.5, True, None, "7.0"]}}
    assert type(found["group_id"]) is int


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "the body is not complete JSON"),
        (b'{"data": [{"a": "ann', "the body is not complete JSON"),
        (b'{"data": [{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", "the body is not complete JSON"),
        (b'{"data": [{"a": "\xff"}]} \n', "a string is not UTF-8"),
        # The connector checks the body in pieces, and a piece can end inside a character.
        *((b" " * n + b'{"data": [{"text": "' + "é".encode() * 10**5 + b'"}]}', MISSING) for n in (0, 1)),
        (b'{"data": [{"name": "Film"}]}', MISSING),
        (b'{"data": [{"group_id": 7.5}]}', "Expected `int`, got `float` - at `$.group_id`"),
        (b'{"data": [{"group_id": 7, "name": {}}]}', "Expected `str | null`, got `object` - at `$.name`"),
    ],
)
def test_what_is_wrong_with_a_list_is_reported_and_whether_it_broke_off(text: bytes, words: str) -> None:
    with pytest.raises(UNREADABLE) as error:
        listed(text)
    problem = contract_error(bytearray(text), error.value)
    assert (str(problem), problem.cut) == (words, "complete" in words)
