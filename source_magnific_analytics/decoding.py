"""From the bytes of an answer to texts and numbers that a warehouse can hold, or a `ContractError`."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
from pendulum import Date

# All that decoding a body can raise: wrong shape, broken JSON or UTF-8, nesting without end, a date off the calendar.
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError, OverflowError)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# NUL, and any surrogate, as an escape or as the bytes that UTF-8 forbids; the second finds each escape where it begins.
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\xed[\xa0-\xbf]")
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|\xed[\xa0-\xbf][\x80-\xbf]",
    re.DOTALL,
)


class ContractError(ValueError):
    """An answer that is not what the API's contract promises; the text holds no value of the answer.

    `cut` says that the body does not even end as JSON does: it may have broken off.
    """

    def __init__(self, text: str, *, cut: bool = False) -> None:
        super().__init__(text)
        self.cut = cut


# What every destination keeps exact: JSON's numbers are often read as doubles, Redshift's and MySQL's texts end at
# 64 KiB, and a character takes up to four.
LARGEST_FIGURE = 2**53 - 1
_Figure = Annotated[int, msgspec.Meta(ge=-LARGEST_FIGURE, le=LARGEST_FIGURE)]
_Text = Annotated[str, msgspec.Meta(max_length=2**14 - 1)]


class UserUsage(msgspec.Struct, gc=False):
    """One entry of a tool's breakdown: what one user did, where it resolves in one project and group."""

    user_uses: _Figure
    user_credits: _Figure
    user_email: _Text | None = None
    project_reference: _Text | None = None
    project_name: _Text | None = None
    group_name: _Text | None = None


class Consumption(msgspec.Struct, gc=False):
    """A tool in a period: its totals and, mostly, the breakdown of them."""

    tool: _Text
    user_uses: _Figure
    user_credits: _Figure
    user_usages: list[UserUsage] | None = None


class Member(TypedDict):
    """A row of `team-members`. The lists' rows may have more than is known here, which is handed on as it comes."""

    email: _Text
    role: NotRequired[_Text | None]
    status: NotRequired[_Text | None]


class ApiKey(TypedDict):
    """A row of `team-api-keys`."""

    api_key_id: _Text
    display_name: NotRequired[_Text | None]
    status: NotRequired[_Text | None]
    created_at: NotRequired[Any]


class Group(TypedDict):
    """A row of `team-groups`."""

    group_id: _Figure
    name: NotRequired[_Text | None]
    member_count: NotRequired[_Figure | None]


class Project(TypedDict):
    """A row of `team-projects`."""

    project_reference: _Text
    name: NotRequired[_Text | None]


class _Piece(msgspec.Struct, gc=False):
    """What an answer says about one period, or a part of that."""

    date: str
    consumptions: msgspec.Raw


class _Usage(msgspec.Struct):
    data: list[_Piece]


class _List(msgspec.Struct):
    data: list[msgspec.Raw]


_usage = msgspec.json.Decoder(_Usage)
_list = msgspec.json.Decoder(_List)
decode_consumptions = msgspec.json.Decoder(list[Consumption]).decode
encode = msgspec.json.Encoder().encode
# A figure, however it is written.
_FIGURE = re.compile(rb'("user_(?:uses|credits)"\s*:\s*)(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)')


def pieces(body: bytearray) -> Iterator[tuple[str, msgspec.Raw, list[Consumption]]]:
    """Each period's date with its consumptions, still encoded and decoded. Raises one of `UNREADABLE`."""
    for piece in _usage.decode(readable(body)).data:
        raw = piece.consumptions
        try:
            consumptions = decode_consumptions(raw)
        except msgspec.ValidationError as error:
            if not _is_fraction(error):
                raise
            raw = msgspec.Raw(_replaced(_FIGURE, _as_integer, raw))
            consumptions = decode_consumptions(raw)
        yield piece.date, raw, consumptions


def rows(body: bytearray, kind: type) -> Iterator[dict[str, Any]]:
    """Each row of a list, whole, whose known columns are those of `kind`. Raises one of `UNREADABLE`."""
    for raw in _list.decode(readable(body)).data:
        row = whole(msgspec.json.decode(raw, type=dict[str, Any]))
        msgspec.convert(row, kind)
        yield row


def midnight(text: str) -> Date:
    """The calendar day of a period's `date`, which is the midnight of that day, by its own offset or by UTC."""
    moment = datetime.fromisoformat(text)
    if moment.time() != time() and moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    if moment.time() != time():
        raise ContractError("a period's date is not a midnight")
    return Date(moment.year, moment.month, moment.day)


def contract_error(error: Exception) -> ContractError:
    """What a decoder's error says, without any value of the answer: figures, names and emails belong in no log."""
    match error:
        case ContractError():
            return error
        case msgspec.ValidationError() if _is_fraction(error):
            return ContractError(f"a figure is not a whole number - {str(error).partition(' - ')[2]}")
        case msgspec.ValidationError():
            return ContractError(str(error))
        case msgspec.DecodeError() | RecursionError():
            return ContractError("the body is not complete JSON", cut=True)
        case UnicodeDecodeError():
            return ContractError("a text is not UTF-8")
    return ContractError("a period's date is not a date")


def readable(body: bytearray) -> bytes | bytearray:
    r"""The JSON of `body` with texts that every warehouse takes.

    NUL is dropped, half a surrogate pair becomes U+FFFD, a byte order mark before the whole is skipped.

    >>> readable(bytearray(b'["Caf\\u00e9 \\ud83d", "a\\u0000b", "\\ud83d\\ude00", "C:\\\\u0000"]')).decode()
    '["Caf\\u00e9 \\ufffd", "ab", "\\ud83d\\ude00", "C:\\\\u0000"]'
    """
    if body.startswith(_BYTE_ORDER_MARK):
        del body[: len(_BYTE_ORDER_MARK)]
    # Whether they can be there at all is told ten times as fast as where.
    if (b"\\" in body or b"\xed" in body) and _SUSPICIOUS.search(body):
        return _replaced(_ESCAPES, _mended, body)
    return body


def whole(value: Any) -> Any:
    """`value` with every figure that is written with a fraction of zero, such as 12.0, as the integer that it is.

    One beyond what is exact stays as it is.
    """
    match value:
        case float() if value.is_integer() and abs(value) <= LARGEST_FIGURE:
            return int(value)
        case dict():
            return {name: whole(item) for name, item in value.items()}
        case list():
            return [whole(item) for item in value]
    return value


def _replaced(
    pattern: re.Pattern[bytes], replacement: Callable[[re.Match[bytes]], bytes], text: bytearray | msgspec.Raw
) -> bytearray:
    """`text` with the replacement of each match. `re.sub` would hold all of them, ten times the memory of `text`."""
    result, end = bytearray(), 0
    with memoryview(text) as view:
        for match in pattern.finditer(view):
            result += view[end : match.start()]
            result += replacement(match)
            end = match.end()
        result += view[end:]
    return result


def _is_fraction(error: msgspec.ValidationError) -> bool:
    """Whether a figure was written with a fraction or an exponent."""
    return "got `float`" in str(error)


def _as_integer(match: re.Match[bytes]) -> bytes:
    """The figure without its fraction, where that is zero: 12.0 is 12."""
    try:
        figure = Decimal(match[2].decode())
    except InvalidOperation:
        # An exponent beyond any figure.
        return match[0]
    if not figure:
        return match[1] + b"0"
    is_whole = figure.adjusted() < 400 and figure == figure.to_integral_value()
    return match[1] + b"%d" % int(figure) if is_whole else match[0]


def _mended(match: re.Match[bytes]) -> bytes:
    text = match.group()
    if text.startswith(b"\xed"):
        return "\ufffd".encode()
    if len(text) == 6 and text[1:2] == b"u":
        if text[2:] == b"0000":
            return b""
        if text[2:3] in b"dD" and text[3:4] in b"89abcdefABCDEF":
            return rb"\ufffd"
    return text
