"""Turn a response from `team-credit-usage` into rows of `credit_usage`, without side effects.

All figures (uses and credits) are whole numbers. Rows with a person match rows of the dashboard's CSV export. For
each period and tool, the rows add up to the dashboard's totals. A row's key is its place in its period, counted from 0.
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
# A key to sort rows by, or to find entries of the same user, project and group.
_SortKey = tuple[Any, ...]


@dataclass(frozen=True)
class PeriodUsage:
    """A checked period and its number of rows. The usage stays encoded; decoded, it takes five times the memory."""

    consumptions: msgspec.Raw
    row_count: int


# The periods with usage in a range, keyed by their first day, in ascending order.
Answer = dict[Date, PeriodUsage]


def decode(body: bytearray, request: Request | None = None) -> Answer:
    """Decode `body` after checking all of it against the contract and, if given, against `request`.

    Raises `ContractError` even if only one entry is wrong, because then no row may be used.
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
    # Treat an empty period like a missing one.
    return {day: period for day, period in periods.items() if period.row_count}


def added_up(parts: Iterable[PeriodUsage], most_rows: int) -> PeriodUsage | None:
    """Add up a period's parts, as if one answer had covered the whole period.

    Within a tool, entries of the same user, project and group are merged. Returns None if the entries so far, together
    with the next part's rows, exceed `most_rows`, or if some destination could not store a figure exactly.
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
    """Return a period's rows, and each tool whose breakdown exceeds its totals, with the excess uses and credits.

    Each entry of a breakdown becomes a row. If a tool's totals exceed its breakdown, an extra row contains the rest.
    With `api_key_id`, each row names that key.
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
    """Return a period's deleted rows, one for each of `places`. Their figures are 0, so keeping them changes no sum."""
    prefix, common = _prefix_and_columns(date, granularity, api_key_id)
    deleted_at = read_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    figures = {"user_uses": 0, "user_credits": 0, "_ab_cdc_deleted_at": deleted_at}
    return ({"usage_id": f"{prefix}{n}", **common, **figures} for n in places)


def _tools(consumptions: Iterable[Consumption]) -> dict[str, Consumption]:
    """Return each tool's totals and breakdown, joined from all of the tool's `consumptions`."""
    tools: dict[str, Consumption] = {}
    for consumption in consumptions:
        _add(tools, consumption, consumption.breakdown)
    return tools


def _add(tools: dict[str, Consumption], more: Consumption, entries: Iterable[UserUsage]) -> None:
    """Add the totals of `more` and the given breakdown `entries` to the same tool in `tools`."""
    whole = tools.setdefault(more.tool, Consumption(more.tool, 0, 0, []))
    whole.user_uses += more.user_uses
    whole.user_credits += more.user_credits
    whole.breakdown.extend(entries)


def _entries(tool: Consumption) -> tuple[list[UserUsage], tuple[int, int]]:
    """Return a tool's breakdown, with an entry added for missing usage, and the breakdown's excess over the totals."""
    usages = tool.breakdown
    rest = UserUsage(
        user_uses=tool.user_uses - sum(usage.user_uses for usage in usages),
        user_credits=tool.user_credits - sum(usage.user_credits for usage in usages),
    )
    if _is_too_large(rest):
        raise ContractError(f"a tool's figures add up to more than {decoding.LARGEST_FIGURE}")
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
    """Join a period's pieces from one response, so that their rows are numbered in one sequence."""
    if len(several) == 1:
        return several[0]
    consumptions = [found for period in several for found in decode_consumptions(period.consumptions)]
    return _period(msgspec.Raw(msgspec.json.encode(consumptions)), _tools(consumptions))


def _merge(tool: str, usages: Iterable[UserUsage], sums: dict[_SortKey, UserUsage]) -> Iterator[UserUsage]:
    """Add each entry to its match in `sums` (same user, project and group); yield the entries without a match."""
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
    """Return a key to sort a tool's rows by, nulls first. It uses all fields, so the response's order never matters."""
    email, reference, group, name = usage.user_email, usage.project_reference, usage.group_name, usage.project_name
    who = (email is not None, email, reference is not None, reference, group is not None, group)
    return who, usage.user_uses, usage.user_credits, name is not None, name


def _prefix_and_columns(date: Date, granularity: Granularity, api_key_id: str | None) -> tuple[str, Row]:
    """Return the prefix of the row keys in a period, and the columns that all its rows share."""
    key = {} if api_key_id is None else {"api_key_id": api_key_id}
    common = {"date": date.isoformat(), "granularity": granularity.value, **key}
    return "-".join([*key.values(), granularity.value, date.isoformat(), ""]), common
