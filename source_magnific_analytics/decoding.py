"""Decode a response into strings and numbers that every warehouse can store, or raise `ContractError`."""

import codecs
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
from msgspec.json import Decoder
from pendulum import Date

# All exceptions that decoding can raise, for a wrong shape, broken JSON or UTF-8, deep nesting or an impossible date.
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError, OverflowError)

# Both patterns find escaped NULs and escaped or raw surrogates. The first tells if there are any, the second where.
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\xed[\xa0-\xbf]")
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<nul>\\u0000)"
    rb"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\xed[\xa0-\xbf][\x80-\xbf])|\\.",
    re.DOTALL,
)
_MENDED = {"nul": b"", "half": rb"\ufffd"}


class ContractError(ValueError):
    """A response breaks the API's contract. The message quotes no values from it. `cut` means incomplete JSON."""

    def __init__(self, text: str, *, cut: bool = False) -> None:
        super().__init__(text)
        self.cut = cut


# Every destination stores values within these limits exactly. Many store numbers as doubles, which are exact only up
# to 2**53. Redshift and MySQL limit a string to 64 KiB, and a character can take four bytes.
LARGEST_FIGURE = 2**53 - 1
_Figure = Annotated[int, msgspec.Meta(ge=-LARGEST_FIGURE, le=LARGEST_FIGURE)]
_Text = Annotated[str, msgspec.Meta(max_length=2**14 - 1)]


class UserUsage(msgspec.Struct, gc=False, kw_only=True):
    """One entry of a tool's breakdown: one user's usage in one project and group. Its fields become columns."""

    user_email: _Text | None = None
    user_uses: _Figure
    user_credits: _Figure
    project_reference: _Text | None = None
    project_name: _Text | None = None
    group_name: _Text | None = None


class Consumption(msgspec.Struct, gc=False):
    """A tool's totals in one period, usually with a breakdown by user."""

    tool: _Text
    user_uses: _Figure
    user_credits: _Figure
    user_usages: list[UserUsage] | None = None

    @property
    def breakdown(self) -> list[UserUsage]:
        """The breakdown's entries, or an empty list if Magnific sends null."""
        return [] if self.user_usages is None else self.user_usages


class _Piece(msgspec.Struct, gc=False):
    """One entry of a response. Several entries can belong to the same period."""

    date: str
    consumptions: msgspec.Raw


def _object(required: dict[str, Any], optional: dict[str, Any]) -> type:
    """Return the type of a JSON object with these required and optional fields. Decoding drops all other fields."""
    fields = {**required, **{name: NotRequired[kind | None] for name, kind in optional.items()}}
    return TypedDict("Object", fields)  # type: ignore[operator, no-any-return]


Member = _object({"email": _Text}, {"role": _Text, "status": _Text})
ApiKey = _object({"api_key_id": _Text}, {"display_name": _Text, "status": _Text})
Group = _object({"group_id": _Figure}, {"name": _Text, "member_count": _Figure})
Project = _object({"project_reference": _Text}, {"name": _Text})

_usage: Decoder[dict[str, list[_Piece]]] = Decoder(_object({"data": list[_Piece]}, {}))
_list: Decoder[dict[str, list[msgspec.Raw]]] = Decoder(_object({"data": list[msgspec.Raw]}, {}))
# Not strict, so that 12.0, 1.2e1 and "12" are decoded as 12.
decode_consumptions = Decoder(list[Consumption], strict=False).decode


def pieces(body: bytearray) -> Iterator[tuple[str, msgspec.Raw, list[Consumption]]]:
    """Yield each entry's date, and its consumptions in encoded and decoded form. Can raise any of `UNREADABLE`."""
    for piece in _usage.decode(mended(body))["data"]:
        yield piece.date, piece.consumptions, decode_consumptions(piece.consumptions)


def rows(body: bytearray, kind: type) -> Iterator[dict[str, Any]]:
    """Yield a list's rows with all fields, but check only the fields of `kind`. Can raise any of `UNREADABLE`."""
    for raw in _list.decode(mended(body))["data"]:
        row = msgspec.json.decode(raw, type=dict[str, Any])
        yield {**row, **msgspec.convert(row, kind, strict=False)}


def period_day(text: str) -> Date:
    """Return the day of a period's `date`, whose time must be midnight, either in its own offset or in UTC."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.time() != time() and moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ContractError("a period's `date` is not a valid date") from None
    if moment.time() != time():
        raise ContractError("a period's date has a time other than midnight")
    return Date(moment.year, moment.month, moment.day)


def contract_error(body: bytearray, error: Exception) -> ContractError:
    """Return an error that says what is wrong with a body that could not be decoded, without quoting its values.

    Classify by the body, because new library versions reword `error`. Figures, names and emails must not be logged.
    """
    if isinstance(error, ContractError):
        return error
    # Decode in chunks, because the whole body as one string could take four times as much memory.
    chunks = (bytes(body[start : start + 2**16]) for start in range(0, len(body), 2**16))
    try:
        for _ in codecs.iterdecode(chunks, "utf-8"):
            pass
        msgspec.json.decode(body, type=msgspec.Raw)
        return ContractError(str(error))
    except UnicodeDecodeError:
        if body.rstrip().endswith(b"}"):
            return ContractError("a string is not UTF-8")
    except UNREADABLE:
        pass
    return ContractError("the body is not complete JSON", cut=True)


def mended(body: bytearray) -> bytearray:
    r"""Change `body` in place so that every warehouse accepts its strings, and return it.

    Drop NUL characters and a leading byte order mark, and replace each lone surrogate with U+FFFD.

    >>> mended(bytearray(b'["Caf\\u00e9 \\ud83d", "a\\u0000b", "\\ud83d\\ude00", "C:\\\\u0000"]')).decode()
    '["Caf\\u00e9 \\ufffd", "ab", "\\ud83d\\ude00", "C:\\\\u0000"]'
    """
    if body.startswith(codecs.BOM_UTF8):
        del body[: len(codecs.BOM_UTF8)]
    # Return early if there is nothing to replace. This check is ten times as fast as the search below.
    if not ((b"\\" in body or b"\xed" in body) and _SUSPICIOUS.search(body)):
        return body
    # Append piece by piece, because `re.sub` would keep all matches, which take ten times the memory of `body`.
    result, end = bytearray(), 0
    with memoryview(body) as view:
        for match in _ESCAPES.finditer(view):
            result += view[end : match.start()]
            result += _MENDED.get(match.lastgroup or "", match.group())
            end = match.end()
        result += view[end:]
    body[:] = result
    return body
