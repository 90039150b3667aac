"""Turns an answer of `team-credit-usage` into rows of `credit_usage`, without side effects.

Every figure is a whole number of uses or credits. A row is the dashboard's CSV row; for each period and tool the rows
add up to the totals that the dashboard shows. A row's key is its place in its period, counted from 0.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import asdict
from pendulum import Date

from source_magnific_analytics import decoding
from source_magnific_analytics.decoding import UNREADABLE, Consumption, ContractError, UserUsage, decode_consumptions
from source_magnific_analytics.windows import Granularity, Request, period_of

Row = dict[str, Any]
# A key for sorting rows, or for finding entries of the same person, project and group.
_SortKey = tuple[Any, ...]


@dataclass(frozen=True)
class PeriodUsage:
    """A checked period and the number of its rows. It stays encoded: decoded, it takes five times the memory."""

    consumptions: msgspec.Raw
    row_count: int


# The answer for a range: its periods with usage, by their first day, ascending.
Answer = dict[Date, PeriodUsage]


def decode(body: bytearray, request: Request | None = None) -> Answer:
    """Check the whole `body` against the contract and, with `request`, against what was requested.

    Raises `ContractError` if anything is not understood: then no row of it may be used.
    """
    found: dict[Date, list[PeriodUsage]] = {}
    try:
        for date, piece, consumptions in decoding.pieces(body):
            day = decoding.period_day(date)
            if request and not request.range.start <= day <= request.range.end:
                raise ContractError(f"a period is dated {day}, outside {request.range.start} to {request.range.end}")
            if request and day != period_of(day, request.granularity).start:
                raise ContractError(f"a period is dated {day}, which is not the first day of a {request.granularity}")
            found.setdefault(day, []).append(_period(piece, _tools(consumptions)))
    except UNREADABLE as error:
        raise decoding.contract_error(body, error) from None
    periods = {day: _in_one(several) for day, several in sorted(found.items())}
    # An empty period is the same as none.
    return {day: period for day, period in periods.items() if period.row_count}


def added_up(parts: Iterable[PeriodUsage], most_rows: int) -> PeriodUsage | None:
    """Add up the parts of a period to what one answer for all of it would be.

    In each tool, the same user, project and group become one entry. Returns None if that is too much: if the entries so
    far and the next part exceed `most_rows`, or if some destination cannot store a figure exactly.
    """
    total: dict[str, Consumption] = {}
    sums: dict[_SortKey, UserUsage] = {}
    for part in parts:
        if part.row_count + len(sums) > most_rows:
            return None
        for name, tool in _tools(decode_consumptions(part.consumptions)).items():
            _add(total, tool, _merge(name, tool.breakdown, sums))
    if any(_is_too_large(tool) or any(map(_is_too_large, tool.breakdown)) for tool in total.values()):
        return None
    with suppress(ContractError):
        return _period(msgspec.Raw(msgspec.json.encode(list(total.values()))), total)
    return None


def rows(
    date: Date, period: PeriodUsage, granularity: Granularity, api_key_id: str | None = None
) -> tuple[Iterator[Row], list[tuple[str, int, int]]]:
    """The rows of the period that starts on `date`; the tools whose breakdown exceeds their totals, and by how much.

    One row for each entry of a breakdown and, if the totals exceed it, one with the difference. With `api_key_id`, each
    row names that key.
    """
    tools = {name: _entries(tool) for name, tool in _tools(decode_consumptions(period.consumptions)).items()}
    excesses = [(name, *excess) for name, (_, excess) in tools.items() if any(excess)]
    prefix, common = _prefix_and_columns(date, granularity, api_key_id)
    numbered = enumerate((name, entry) for name in sorted(tools) for entry in sorted(tools[name][0], key=_rank))
    found = ({"usage_id": f"{prefix}{n}", **common, "tool": name, **asdict(entry)} for n, (name, entry) in numbered)
    return found, excesses


def deleted_rows(
    date: Date, granularity: Granularity, places: range, read_at: datetime, api_key_id: str | None = None
) -> Iterator[Row]:
    """Deletions of the rows at `places` of a period. Their figures are zero, in case a warehouse keeps them."""
    prefix, common = _prefix_and_columns(date, granularity, api_key_id)
    deleted_at = read_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    figures = {"user_uses": 0, "user_credits": 0, "_ab_cdc_deleted_at": deleted_at}
    return ({"usage_id": f"{prefix}{n}", **common, **figures} for n in places)


def _tools(consumptions: Iterable[Consumption]) -> dict[str, Consumption]:
    """Each tool's totals and the entries of its breakdown, joined from all pieces."""
    tools: dict[str, Consumption] = {}
    for consumption in consumptions:
        _add(tools, consumption, consumption.breakdown)
    return tools


def _add(tools: dict[str, Consumption], more: Consumption, entries: Iterable[UserUsage]) -> None:
    """Add the totals of `more`, and these entries of its breakdown, to those of the same tool."""
    whole = tools.setdefault(more.tool, Consumption(more.tool, 0, 0, []))
    whole.user_uses += more.user_uses
    whole.user_credits += more.user_credits
    whole.breakdown.extend(entries)


def _entries(tool: Consumption) -> tuple[list[UserUsage], tuple[int, int]]:
    """A tool's breakdown plus an entry for the rest of its totals; the uses and credits by which it exceeds them."""
    usages = tool.breakdown
    rest = UserUsage(
        user_uses=tool.user_uses - sum(usage.user_uses for usage in usages),
        user_credits=tool.user_credits - sum(usage.user_credits for usage in usages),
    )
    if _is_too_large(rest):
        raise ContractError(f"the figures of a tool add up to more than {decoding.LARGEST_FIGURE}")
    excess = (0, 0)
    if usages:
        excess = (max(-rest.user_uses, 0), max(-rest.user_credits, 0))
        rest.user_uses, rest.user_credits = max(rest.user_uses, 0), max(rest.user_credits, 0)
    return [*usages, rest] if rest.user_uses or rest.user_credits else usages, excess


def _is_too_large(figures: Consumption | UserUsage) -> bool:
    return max(abs(figures.user_uses), abs(figures.user_credits)) > decoding.LARGEST_FIGURE


def _period(consumptions: msgspec.Raw, tools: dict[str, Consumption]) -> PeriodUsage:
    return PeriodUsage(consumptions, sum(len(_entries(tool)[0]) for tool in tools.values()))


def _in_one(several: list[PeriodUsage]) -> PeriodUsage:
    """Join the pieces of one period in an answer, so that their rows are numbered together."""
    if len(several) == 1:
        return several[0]
    consumptions = [found for period in several for found in decode_consumptions(period.consumptions)]
    return _period(msgspec.Raw(msgspec.json.encode(consumptions)), _tools(consumptions))


def _merge(tool: str, usages: Iterable[UserUsage], sums: dict[_SortKey, UserUsage]) -> Iterator[UserUsage]:
    """Add each entry to its counterpart in `sums` (same user, project and group); yield the entries that have none."""
    alike: Counter[_SortKey] = Counter()
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


def _rank(usage: UserUsage) -> _SortKey:
    """The sort key of a tool's rows, null first; the name comes last, so that the answer's order never matters."""
    email, reference, group, name = usage.user_email, usage.project_reference, usage.group_name, usage.project_name
    who = (email is not None, email, reference is not None, reference, group is not None, group)
    return who, usage.user_uses, usage.user_credits, name is not None, name


def _prefix_and_columns(date: Date, granularity: Granularity, api_key_id: str | None) -> tuple[str, Row]:
    """The prefix of the keys of a period's rows, and the columns that all of them share."""
    key = {} if api_key_id is None else {"api_key_id": api_key_id}
    common = {"date": date.isoformat(), "granularity": granularity.value, **key}
    return "-".join([*key.values(), granularity.value, date.isoformat(), ""]), common
