"""From an answer of `team-credit-usage` to rows of `credit_usage`: plain data in, plain data out.

Every figure is a whole number of uses or credits. A row is the dashboard's CSV row; for each bucket and tool
the rows add up to the totals that the dashboard shows.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import pendulum
from pendulum import Date

from source_magnific_analytics.windows import DateRange, Granularity, bucket_start

Row = dict[str, Any]


class ContractError(ValueError):
    """An answer that is not what the API's contract promises; the text holds no value of the answer."""


def contract_error(error: Exception) -> ContractError:
    """What a decoder's error says, without any value of the answer: figures, names and emails belong in no log."""
    match error:
        case msgspec.ValidationError():
            return ContractError(str(error))
        case msgspec.DecodeError() | RecursionError():
            return ContractError("the body is not complete JSON")
        case UnicodeDecodeError():
            return ContractError("a text is not UTF-8")
    return ContractError("a bucket's date is not a date")


class UserUsage(msgspec.Struct, gc=False):
    """One entry of a tool's breakdown: what one user did, where it resolves in one project and group."""

    user_uses: int
    user_credits: int
    user_email: str | None = None
    project_reference: str | None = None
    project_name: str | None = None
    group_name: str | None = None


class Consumption(msgspec.Struct, gc=False):
    """A tool in a bucket: its totals and, mostly, the breakdown of them."""

    tool: str
    user_uses: int
    user_credits: int
    user_usages: list[UserUsage] | None = None


class Bucket(msgspec.Struct, gc=False):
    date: str
    consumptions: list[Consumption]


# All that decoding a body can raise: wrong shape, broken JSON or UTF-8, nesting without end, a date off the calendar.
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError, OverflowError)


class _Envelope(msgspec.Struct):
    data: list[msgspec.Raw]


@dataclass
class Tool:
    """A tool's totals in one bucket and all entries of its breakdown, whatever pieces they came in."""

    uses: int = 0
    credits: int = 0
    usages: list[UserUsage] = field(default_factory=list)


@dataclass(frozen=True)
class Excess:
    """By how much a tool's breakdown exceeds its totals."""

    date: str
    tool: str
    uses: int
    credits: int


# An answer, checked from end to end but still encoded (it takes a fifth of the memory): for the first day of each
# bucket asked for, the pieces that it came in.
Answer = dict[Date, list[msgspec.Raw]]

_envelope = msgspec.json.Decoder(_Envelope)
_bucket = msgspec.json.Decoder(Bucket)
_encode = msgspec.json.Encoder().encode


def decode(body: bytes | bytearray) -> Answer:
    """Check the whole `body` against the contract and sort its buckets by date.

    Raises `ContractError` where anything is not understood: then no row of it may be used.
    """
    answer: Answer = {}
    try:
        for raw in _envelope.decode(body).data:
            answer.setdefault(_day(_bucket.decode(raw).date), []).append(raw)
    except UNREADABLE as error:
        raise contract_error(error) from None
    return dict(sorted(answer.items()))


def check_dates(answer: Answer, asked: DateRange, asked_by: Granularity) -> None:
    """Raise `ContractError` unless every bucket lies in the range asked for and starts where a bucket starts."""
    for day in answer:
        if not asked.start <= day <= asked.end:
            raise ContractError(f"a bucket is dated {day}, outside {asked.start} to {asked.end}")
        if day != bucket_start(day, asked_by):
            raise ContractError(f"a bucket is dated {day}, which is not the first day of a {asked_by}")


def tools_by_bucket(answers: Iterable[Answer], granularity: Granularity) -> Iterator[tuple[Date, dict[str, Tool]]]:
    """The tools of each bucket, ascending; buckets of a smaller granularity are added up to the one they lie in."""
    parts: dict[Date, list[list[msgspec.Raw]]] = {}
    for answer in answers:
        for day, pieces in answer.items():
            parts.setdefault(bucket_start(day, granularity), []).append(pieces)
    for bucket in sorted(parts):
        tools = [_tools(pieces) for pieces in parts[bucket]]
        yield bucket, _added_up(tools) if len(tools) > 1 else tools[0]


def rows(bucket: Date, granularity: Granularity, tools: Mapping[str, Tool]) -> tuple[list[Row], list[Excess]]:
    """The rows of one bucket, and the tools whose breakdown exceeds their totals.

    One row for each entry of a breakdown and, where the totals exceed the breakdown, one with the difference.
    """
    date = bucket.isoformat()
    result: list[Row] = []
    excesses: list[Excess] = []
    for name, tool in tools.items():
        uses = tool.uses - sum(usage.user_uses for usage in tool.usages)
        credits = tool.credits - sum(usage.user_credits for usage in tool.usages)
        if tool.usages and (uses < 0 or credits < 0):
            excesses.append(Excess(date, name, max(-uses, 0), max(-credits, 0)))
            uses, credits = max(uses, 0), max(credits, 0)
        rest = [UserUsage(uses, credits)] if uses or credits else []
        for n, usage in _numbered(tool.usages + rest):
            key = [granularity, date, name, usage.user_email, usage.project_reference, n]
            result.append(
                {
                    "usage_id": hashlib.sha256(_encode(key)).hexdigest()[:32],
                    "date": date,
                    "granularity": granularity.value,
                    "tool": name,
                    "user_email": usage.user_email,
                    "user_uses": usage.user_uses,
                    "user_credits": usage.user_credits,
                    "project_reference": usage.project_reference,
                    "project_name": usage.project_name,
                    "group_name": usage.group_name,
                }
            )
    return result, excesses


def withdrawn_row(bucket: str, granularity: Granularity, usage_id: str) -> Row:
    """A row that an earlier sync handed on and Magnific no longer holds: zero in figures, null in the rest."""
    return {
        "usage_id": usage_id,
        "date": bucket,
        "granularity": granularity.value,
        "user_uses": 0,
        "user_credits": 0,
    }


def shorten(usage_id: str) -> str:
    """The same 128 bits in 22 characters instead of 32.

    >>> shorten("00112233445566778899aabbccddeeff")
    'ABEiM0RVZneImaq7zN3u_w'
    """
    return urlsafe_b64encode(bytes.fromhex(usage_id)).decode().rstrip("=")


def lengthen(short: str) -> str:
    """The `usage_id` that `shorten` was given; raises ValueError where `short` is not its result.

    >>> lengthen("ABEiM0RVZneImaq7zN3u_w")
    '00112233445566778899aabbccddeeff'
    """
    usage_id = urlsafe_b64decode(short + "==").hex()
    if shorten(usage_id) != short or len(short) != 22:
        raise ValueError("not the short form of a usage_id")
    return usage_id


def _tools(pieces: Iterable[msgspec.Raw]) -> dict[str, Tool]:
    tools: dict[str, Tool] = {}
    for piece in pieces:
        for consumption in _bucket.decode(piece).consumptions:
            tool = tools.setdefault(consumption.tool, Tool())
            tool.uses += consumption.user_uses
            tool.credits += consumption.user_credits
            tool.usages += consumption.user_usages or []
    return tools


def _added_up(parts: Iterable[Mapping[str, Tool]]) -> dict[str, Tool]:
    """What one answer for the whole bucket would hold: the same user, project and group is one entry in it."""
    totals: dict[str, Tool] = {}
    for part in parts:
        for name, tool in part.items():
            total = totals.setdefault(name, Tool())
            total.uses += tool.uses
            total.credits += tool.credits
            total.usages = _usages_added_up(total.usages, tool.usages)
    return totals


def _usages_added_up(earlier: Iterable[UserUsage], later: Iterable[UserUsage]) -> list[UserUsage]:
    sums = dict(_alike(earlier))
    for key, usage in _alike(later):
        before = sums.get(key)
        if before is not None:
            usage.user_uses += before.user_uses
            usage.user_credits += before.user_credits
            usage.project_name = usage.project_name or before.project_name
        sums[key] = usage
    return list(sums.values())


def _alike(usages: Iterable[UserUsage]) -> Iterator[tuple[tuple[Any, ...], UserUsage]]:
    """Each entry with a key that is its own even where several share user, project and group."""
    count: dict[tuple[Any, ...], int] = {}
    for usage in usages:
        same = (usage.user_email, usage.project_reference, usage.group_name)
        count[same] = count.get(same, -1) + 1
        yield (*same, count[same]), usage


def _numbered(usages: list[UserUsage]) -> Iterator[tuple[int, UserUsage]]:
    """Number, from 0 and in the order of `group_name` (null first), the entries that share user and project."""
    if len({(usage.user_email, usage.project_reference) for usage in usages}) == len(usages):
        yield from ((0, usage) for usage in usages)
        return
    sharing: dict[tuple[str | None, str | None], list[UserUsage]] = {}
    for usage in usages:
        sharing.setdefault((usage.user_email, usage.project_reference), []).append(usage)
    for same in sharing.values():
        if len(same) > 1:
            same.sort(key=_rank)
        yield from enumerate(same)


def _rank(usage: UserUsage) -> tuple[Any, ...]:
    """Group first; the rest only so that entries which share the group come in one order whatever the answer's."""
    group, project = ((name is not None, name or "") for name in (usage.group_name, usage.project_name))
    return group, usage.user_uses, usage.user_credits, project


def _day(text: str) -> Date:
    """The UTC day of a bucket's `date`; a date-time without an offset is UTC by contract."""
    moment = datetime.fromisoformat(text)
    return pendulum.instance(moment, tz="UTC").in_timezone("UTC").date()
