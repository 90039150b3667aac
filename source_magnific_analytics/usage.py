"""From an answer of `team-credit-usage` to rows of `credit_usage`: plain data in, plain data out.

Every figure is a whole number of uses or credits. A row is the dashboard's CSV row; for each period and tool the rows
add up to the totals that the dashboard shows. A row's key is its place in its period, counted from 0.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from pendulum import Date

from source_magnific_analytics.decoding import (
    LARGEST_FIGURE,
    UNREADABLE,
    Consumption,
    ContractError,
    UserUsage,
    contract_error,
    decode_consumptions,
    encode,
    midnight,
    pieces,
)
from source_magnific_analytics.windows import Granularity, Request, period_of

Row = dict[str, Any]


@dataclass(frozen=True)
class Period:
    """What Magnific says about one period: checked from end to end, still encoded (a fifth of the memory).

    `places` is the number of its rows.
    """

    consumptions: msgspec.Raw
    places: int


# What was answered about a range: the periods with usage, by their first day, ascending.
Answer = dict[Date, Period]


@dataclass
class _Tool:
    """A tool's totals in one period and all entries of its breakdown, whatever pieces they came in."""

    uses: int = 0
    credits: int = 0
    usages: list[UserUsage] = field(default_factory=list)

    @property
    def rest(self) -> tuple[int, int]:
        """Uses and credits of the totals that the breakdown does not have; below 0 where it has more."""
        uses, credits = self.uses, self.credits
        for usage in self.usages:
            uses -= usage.user_uses
            credits -= usage.user_credits
        return uses, credits

    @property
    def entries(self) -> list[UserUsage]:
        """The breakdown and, where the totals exceed it, the rest as an entry without a user; the totals alone whole."""
        uses, credits = self.rest
        _check_figures(uses, credits)
        if self.usages:
            uses, credits = max(uses, 0), max(credits, 0)
        return [*self.usages, UserUsage(uses, credits)] if uses or credits else self.usages


def decode(body: bytearray, request: Request | None = None) -> Answer:
    """Check the whole `body` against the contract and, with `request`, against what was asked for.

    Raises `ContractError` where anything is not understood: then no row of it may be used.
    """
    found: dict[Date, list[Period]] = {}
    try:
        for date, piece, consumptions in pieces(body):
            day = midnight(date)
            if request is not None:
                _check_day(day, request)
            found.setdefault(day, []).append(_period(piece, _tools(consumptions)))
    except UNREADABLE as error:
        raise contract_error(body, error) from None
    periods = {day: _in_one(several) for day, several in sorted(found.items(), key=lambda item: item[0])}
    # Nothing said about a period is the same as the period left out.
    return {day: period for day, period in periods.items() if period.places}


class TooManyRowsError(ValueError):
    """Parts of a period with more rows than are added up at once."""


def added_up(parts: Iterable[Period], most_rows: int) -> Period:
    """A period from smaller ones in it: what one answer for the whole would have said.

    The same user, project and group is one entry then, in each tool. One part is decoded at a time: raises
    `TooManyRowsError` where it and what was added up before have more than `most_rows`, and `ContractError` where
    figures add up beyond what every destination keeps exact.
    """
    total: dict[str, _Tool] = {}
    sums: dict[tuple[Any, ...], UserUsage] = {}
    for part in parts:
        if part.places + len(sums) > most_rows:
            raise TooManyRowsError
        for name, tool in _tools(decode_consumptions(part.consumptions)).items():
            whole = total.setdefault(name, _Tool())
            whole.uses += tool.uses
            whole.credits += tool.credits
            whole.usages += _first_entries(name, tool.usages, sums)
    for tool in total.values():
        _check_figures(tool.uses, tool.credits)
        for usage in tool.usages:
            _check_figures(usage.user_uses, usage.user_credits)
    consumptions = [Consumption(name, tool.uses, tool.credits, tool.usages) for name, tool in total.items()]
    return _period(msgspec.Raw(encode(consumptions)), total)


def rows(
    date: Date, period: Period, granularity: Granularity, api_key_id: str | None = None
) -> tuple[Iterator[Row], list[tuple[str, int, int]]]:
    """The rows of the period that starts on `date`, as many as its places, and the tools with too much breakdown.

    One row for each entry of a breakdown and, where the totals exceed the breakdown, one with the difference. With
    `api_key_id` they are the usage of that key alone, and say so. A tool with too much comes with the uses and credits
    by which its breakdown exceeds its totals.
    """
    entries: list[tuple[Any, ...]] = []
    excesses: list[tuple[str, int, int]] = []
    for name, tool in _tools(decode_consumptions(period.consumptions)).items():
        entries += (_ranked(name, usage) for usage in tool.entries)
        uses, credits = tool.rest
        if tool.usages and (uses < 0 or credits < 0):
            excesses.append((name, max(-uses, 0), max(-credits, 0)))
    entries.sort()
    return _numbered(entries, _place(date, granularity, api_key_id)), excesses


def deleted_rows(
    date: Date, granularity: Granularity, places: range, read_at: datetime, api_key_id: str | None = None
) -> Iterator[Row]:
    """Deletions of the rows at `places` of a period: an earlier sync may have emitted them, and Magnific lacks them.

    The figures are zero, so sums are right even where a warehouse keeps the row.
    """
    prefix, common = _place(date, granularity, api_key_id)
    deleted_at = read_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for n in places:
        figures = {"user_uses": 0, "user_credits": 0, "_ab_cdc_deleted_at": deleted_at}
        yield {"usage_id": f"{prefix}{n}", **common, **figures}


def _check_day(day: Date, request: Request) -> None:
    asked = request.range
    if not asked.start <= day <= asked.end:
        raise ContractError(f"a period is dated {day}, outside {asked.start} to {asked.end}")
    if day != period_of(day, request.granularity).start:
        raise ContractError(f"a period is dated {day}, which is not the first day of a {request.granularity}")


def _tools(consumptions: Iterable[Consumption]) -> dict[str, _Tool]:
    tools: dict[str, _Tool] = {}
    for consumption in consumptions:
        tool = tools.setdefault(consumption.tool, _Tool())
        tool.uses += consumption.user_uses
        tool.credits += consumption.user_credits
        tool.usages += consumption.user_usages or []
    return tools


def _check_figures(uses: int, credits: int) -> None:
    if max(abs(uses), abs(credits)) > LARGEST_FIGURE:
        raise ContractError(f"the figures of a tool add up beyond {LARGEST_FIGURE}")


def _period(consumptions: msgspec.Raw, tools: dict[str, _Tool]) -> Period:
    return Period(consumptions, sum(len(tool.entries) for tool in tools.values()))


def _in_one(several: list[Period]) -> Period:
    """One period from the pieces that an answer has of it: their rows are numbered together."""
    if len(several) == 1:
        return several[0]
    consumptions = [found for period in several for found in decode_consumptions(period.consumptions)]
    return _period(msgspec.Raw(encode(consumptions)), _tools(consumptions))


def _first_entries(
    tool: str, usages: Iterable[UserUsage], sums: dict[tuple[Any, ...], UserUsage]
) -> Iterator[UserUsage]:
    """Add entries to those in `sums` of the same user, project and group; the entries that are the first of theirs.

    Several entries of one part that share all three stay several.
    """
    alike: Counter[tuple[Any, ...]] = Counter()
    for usage in usages:
        key = (tool, usage.user_email, usage.project_reference, usage.group_name)
        alike[key] += 1
        known = sums.setdefault((*key, alike[key]), usage)
        if known is usage:
            yield usage
        else:
            known.user_uses += usage.user_uses
            known.user_credits += usage.user_credits
            known.project_name = usage.project_name or known.project_name


def _ranked(tool: str, usage: UserUsage) -> tuple[Any, ...]:
    """What the rows of a period are sorted by, null first; the name decides only so that any order ends as one."""
    return (
        tool,
        usage.user_email is not None,
        usage.user_email,
        usage.project_reference is not None,
        usage.project_reference,
        usage.group_name is not None,
        usage.group_name,
        usage.user_uses,
        usage.user_credits,
        usage.project_name is not None,
        usage.project_name,
    )


def _place(date: Date, granularity: Granularity, api_key_id: str | None) -> tuple[str, Row]:
    """What the keys of a period's rows begin with, and the columns that all of them share."""
    day, size = date.isoformat(), granularity.value
    if api_key_id is None:
        return f"{size}-{day}-", {"date": day, "granularity": size}
    return f"{api_key_id}-{size}-{day}-", {"date": day, "granularity": size, "api_key_id": api_key_id}


def _numbered(entries: Iterable[tuple[Any, ...]], place: tuple[str, Row]) -> Iterator[Row]:
    prefix, common = place
    for n, (tool, _, email, _, reference, _, group, uses, credits, _, project) in enumerate(entries):
        yield {
            "usage_id": f"{prefix}{n}",
            **common,
            "tool": tool,
            "user_email": email,
            "user_uses": uses,
            "user_credits": credits,
            "project_reference": reference,
            "project_name": project,
            "group_name": group,
        }
