"""What answers look like, each by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from pendulum import Date

from facts.reading import Figures, every_text
from facts.seen import NOT_SEEN, Judged, Seen, credits_of, listed, share
from source_magnific_analytics import decoding, usage
from source_magnific_analytics.decoding import UNREADABLE, contract_error
from source_magnific_analytics.streams import ApiKeys, Groups, Members, Projects
from source_magnific_analytics.windows import DateRange, Request, period_of

_LISTS = {"members": Members, "api_keys": ApiKeys, "groups": Groups, "projects": Projects}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def understood(seen: Seen) -> Judged:
    refused: Counter[str] = Counter()
    for answer in seen.right:
        try:
            asked = answer.question.request
            if asked:
                # The connector asks for no period that begins before its range.
                whole = DateRange(period_of(asked.range.start, asked.granularity).start, asked.range.end)
                usage.decode(bytearray(answer.body), Request(whole, asked.granularity))
            else:
                list(decoding.rows(bytearray(answer.body), _LISTS[answer.question.name].row_type))
        except UNREADABLE as error:
            refused[str(contract_error(bytearray(answer.body), error))] += 1
    if not seen.right:
        return NOT_SEEN
    told = f"{len(seen.right) - refused.total()} of {len(seen.right)} are understood"
    return not refused, told + (f"; {listed(refused)}" if refused else "")


def fields(seen: Seen) -> Judged:
    odd: Counter[str] = sum((answer.notes.odd for answer in seen.right), Counter())
    return (not odd, listed(odd) or "nothing else was met") if seen.right else NOT_SEEN


def figures(seen: Seen) -> Judged:
    written: Counter[str] = sum((answer.notes.written for answer in seen.right), Counter())
    forms = ", ".join(f"{form} ({share(count, written.total())})" for form, count in sorted(written.items()))
    return (set(written) == {"12"}, f"written like {forms}") if written else (None, "no figure was met")


def texts(seen: Seen) -> Judged:
    found: Counter[str] = Counter()
    for answer in seen.right:
        found["a byte order mark"] += answer.body.startswith(b"\xef\xbb\xbf")
        found["bytes that are not UTF-8"] += answer.is_broken
        for text in every_text(answer.content):
            found["a NUL"] += "\0" in text
            found["half a character"] += any("\ud800" <= one <= "\udfff" for one in text)
    found = +found
    return (not found, listed(found) or "nothing to mend was met") if seen.right else NOT_SEEN


def dates(seen: Seen) -> Judged:
    forms = Counter(_form(period.written) for period in seen.periods)
    right = {form for form in forms if re.fullmatch(r"midnight(, \d digits of a fraction)?, (Z|\+00:00)", form)}
    return (set(forms) == right, listed(forms)) if forms else (None, "no period was answered")


def _form(text: str) -> str:
    moment = _MOMENT.fullmatch(text)
    if moment is None:
        return "no date-time"
    time, fraction, offset = moment.groups()
    if time is None:
        return "a day without a time"
    midnight = not time.replace(":", "").strip("0") and not (fraction or "").strip(".0")
    digits = f", {len(fraction) - 1} digits of a fraction" if fraction else ""
    return f"{'midnight' if midnight else 'another time'}{digits}, {offset or 'no offset'}"


def first_days(seen: Seen) -> Judged:
    """Of periods that no edge of a range cuts: of those, `edges` tells."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for answer in seen.right:
        asked = answer.question.request
        for period in answer.periods if asked else ():
            if (
                asked is None
                or period.day is None
                or period_of(period.day, asked.granularity).start < asked.range.start
            ):
                continue
            inside = period.day <= asked.range.end and period.day == period_of(period.day, asked.granularity).start
            # A period at the range's start may be one that is cut.
            if inside:
                right[asked.granularity] += 1
            elif period.day != asked.range.start:
                wrong[asked.granularity] += 1
    told = "; ".join(
        f"by {unit} {right[unit]:,} of {right[unit] + wrong[unit]:,}" for unit in sorted(right.keys() | wrong.keys())
    )
    return (not wrong, f"dated so: {told}") if told else (None, "no period was answered")


def once(seen: Seen) -> Judged:
    periods, tools = 0, 0
    for answer in seen.right:
        found = answer.periods if answer.question.request else []
        periods += len(found) - len({period.day for period in found})
        pairs = [(period.day, tool.name) for period in found for tool in period.tools]
        tools += len(pairs) - len(set(pairs))
    if not seen.periods:
        return None, "no period was answered"
    return not periods and not tools, f"{periods:,} periods and {tools:,} tools of a period come once more"


def entries_once(seen: Seen) -> Judged:
    several = [[entry.same for entry in tool.entries] for tool in seen.tools if tool.entries]
    count = sum(len(entries) for entries in several)
    twice = sum(len(entries) - len(set(entries)) for entries in several)
    return (not twice, f"{share(twice, count)} of the entries come once more") if count else (None, "no entry was met")


def empty(seen: Seen) -> Judged:
    count = sum(not period.tools for period in seen.periods)
    return (not count, f"{count:,} of {len(seen.periods):,} periods are empty") if seen.periods else NOT_SEEN


def order(seen: Seen) -> Judged:
    days = [period.day for period in seen.days.periods if period.day] if seen.days else []
    if len(set(days)) < 2:
        return None, "fewer than two periods were answered"
    tools = [period.tools for period in (seen.days.periods if seen.days else [])]
    entries = [tool.entries for tool in seen.tools if tool.entries]
    found = {
        "periods": _order([days], {"date": lambda day: day}),
        "tools": _order(tools, {"name": lambda tool: tool.name, "credits": lambda tool: tool.figures[1]}),
        "users": _order(
            entries, {"address": lambda entry: entry.same[0] or "", "credits": lambda entry: entry.figures[1]}
        ),
    }
    return "none" not in found.values(), "; ".join(f"{what}: {words}" for what, words in found.items())


def _order(several: Sequence[Sequence[Any]], keys: dict[str, Callable[[Any], Any]]) -> str:
    """The order that all of them have."""
    longer = [one for one in several if len(one) > 1]
    if not longer:
        return "cannot be told"
    for name, key in keys.items():
        values = [[key(item) for item in one] for one in longer]
        if all(before <= after for one in values for before, after in pairwise(one)):
            return f"by {name}, ascending"
        if all(before >= after for one in values for before, after in pairwise(one)):
            return f"by {name}, descending"
    return "none"


def breakdown(seen: Seen) -> Judged:
    missing = [tool for tool in seen.tools if tool.entries is None and any(tool.figures)]
    partial = [tool for tool in seen.tools if tool.entries and _short(tool.figures, tool.broken_down)]
    whole = credits_of(seen.tools)
    lacking = sum(max(tool.figures[1] - tool.broken_down[1], 0) for tool in partial)
    told = (
        f"missing in {share(len(missing), len(seen.tools))} of the tools ({share(credits_of(missing), whole)} of the "
        f"credits), partial in {share(len(partial), len(seen.tools))} (where {share(lacking, whole)} of all credits "
        "name nobody)"
    )
    return (not missing and not partial, told) if seen.tools else (None, "no tool was answered")


def _short(total: Figures, parts: Figures) -> bool:
    return total[0] > parts[0] or total[1] > parts[1]


def excess(seen: Seen) -> Judged:
    over = [tool for tool in seen.tools if tool.entries and _short(tool.broken_down, tool.figures)]
    credits = sum(max(tool.broken_down[1] - tool.figures[1], 0) for tool in over)
    told = (
        f"{share(len(over), len(seen.tools))} of the tools exceed theirs, by {share(credits, credits_of(seen.tools))} "
    )
    return (not over, told + "of all credits") if seen.tools else (None, "no tool was answered")


def free(seen: Seen) -> Judged:
    nothing = sum(tool.figures[0] > 0 and tool.figures[1] == 0 for tool in seen.tools)
    unused = sum(tool.figures[0] == 0 and tool.figures[1] > 0 for tool in seen.tools)
    told = (
        f"{share(nothing, len(seen.tools))} of the tools of a period have uses and no credits, "
        f"{share(unused, len(seen.tools))} credits and no uses"
    )
    return (not nothing and not unused, told) if seen.tools else (None, "no tool was answered")


def lists(seen: Seen) -> Judged:
    told, right = [], True
    for name, stream in _LISTS.items():
        key = stream.primary_key
        answer = seen.good(name)
        if answer is None:
            continue
        keys = [str(row[key]) for row in answer.rows if isinstance(row.get(key), str | int)]
        lacking = len(answer.rows) - len(set(keys))
        right &= not lacking
        told.append(f"{len(answer.rows):,} {name.replace('_', ' ')}, {lacking:,} without a key of their own")
        if name == "api_keys":
            undated = sum(_form(str(row.get("created_at"))) == "no date-time" for row in answer.rows)
            right &= not undated
            told.append(f"{undated:,} without a date-time as `created_at`")
    return (right, "; ".join(told)) if told else NOT_SEEN


def today(seen: Seen) -> Judged:
    used = [day for day, sums in seen.days.by_day.items() if sums] if seen.days else []
    if not used:
        return None, "no usage was answered"
    newest: Date = max(used)
    if newest >= seen.config.today:
        return True, "it is there"
    age = seen.config.today.toordinal() - newest.toordinal()
    return None, f"the newest period with usage is {age:,} {'day' if age == 1 else 'days'} old"
