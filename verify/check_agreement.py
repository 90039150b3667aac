"""Compare responses to different requests for the same days, and check the longest and the oldest ranges."""

import re
from collections import Counter

from source_magnific_analytics.policy import Meaning, of_status
from source_magnific_analytics.windows import DateRange, Granularity, period_of
from verify.assumptions import NOT_SEEN, Judged, judges, outcome, share
from verify.probe_answers import Answer, Seen, Tool, between

_INSIDE, _UNKNOWN = "contains only the days in the range", "has no usage outside the range"


def _range(answer: Answer) -> DateRange:
    assert answer.question.request is not None
    return answer.question.request.range


@judges("A range includes both its first and its last day")
def end_date(seen: Seen) -> Judged:
    two, days = seen.good("two_days"), seen.days
    if two is None or days is None:
        return None, "no response covers two days with usage"
    ends = {"first": _range(two).start, "last": _range(two).end}
    told = {name: any(two.by_day.get(day, {}).values()) for name, day in ends.items()}
    used = {name: any(days.by_day.get(day, {}).values()) for name, day in ends.items()}
    words = [f"the {n} day is {'included' if told[n] else 'missing' if used[n] else 'without usage'}" for n in ends]
    return told == used, f"in a range of two days, {', '.join(words)}"


@judges("The same days have the same totals, whether requested by day, week or month")
def sizes(seen: Seen) -> Judged:
    days = seen.days
    if days is None or not days.by_day:
        return None, "no response has usage to compare"
    told, right = [], True
    if again := seen.good("two_days"):
        right = all(days.by_day.get(day) == sums for day, sums in again.by_day.items())
        told.append(f"in a range of only two of these days, the totals are {'the same' if right else 'different'}")
    for name, unit in (("weeks", Granularity.WEEK), ("months", Granularity.MONTH)):
        if answer := seen.good(name):
            first, last = _range(answer).start, _range(answer).end
            periods = {period_of(day, unit) for day in (*days.by_day, *answer.by_day)}
            whole = [one for one in periods if one.start >= first and one.end <= last]
            pairs = [(answer.by_day.get(one.start), between(days.by_day, one.start, one.end)) for one in whole]
            same = sum((held or Counter()) == added_up for held, added_up in pairs)
            right &= same == len(whole)
            told.append(f"by {unit}, {same} of {len(whole)} periods equal the sum of their days")
    return (right, "; ".join(told)) if told else NOT_SEEN


@judges("If a range covers only part of a period, the period's figures cover only the days in the range")
def edges(seen: Seen) -> Judged:
    answer, days = seen.good("weeks"), seen.days
    if answer is None or days is None:
        return NOT_SEEN
    asked = _range(answer)
    first = _edge(answer, days, DateRange(asked.start, period_of(asked.start, Granularity.WEEK).end))
    last = _edge(answer, days, DateRange(period_of(asked.end, Granularity.WEEK).start, asked.end))
    told = f"the first week (requested from Wednesday on) {first}; the last week (requested up to Tuesday) {last}"
    telling = [one for one in (first, last) if one != _UNKNOWN]
    return all(one == _INSIDE for one in telling) if telling else None, told


def _edge(answer: Answer, days: Answer, inside: DateRange) -> str:
    week = period_of(inside.start, Granularity.WEEK)
    held, whole = (between(by_day, week.start, week.end) for by_day in (answer.by_day, days.by_day))
    cut = between(days.by_day, inside.start, inside.end)
    if cut == whole:
        return _UNKNOWN
    words = _INSIDE if held == cut else "contains the whole week" if held == whole else "contains other figures"
    return words + ("" if week.start in answer.by_day else ", but its date is not the Monday")


@judges("Magnific answers a request for the plan's longest range, counting both the first and the last day")
def longest(seen: Seen) -> Judged:
    answer = seen.answers.get("longest")
    if answer is None:
        return NOT_SEEN
    telling = of_status(answer.status or 0) in (Meaning.ANSWER, Meaning.FINAL, Meaning.TOO_MUCH) or answer.too_much
    size = f", {max(len(answer.body) // 1000, 1):,} kB in {answer.seconds:.1f} seconds" if answer.status == 200 else ""
    return answer.status == 200 if telling else None, _days(seen, "longest", "one_less", "few_days") + size


@judges("A range one day longer than the plan allows is refused with a 400 that names the range")
def one_more(seen: Seen) -> Judged:
    answer = seen.answers.get("one_more")
    if answer is None or answer.status not in (200, 400):
        return NOT_SEEN
    problem = answer.json.get("problem", answer.json) if isinstance(answer.json, dict) else None
    words = f"{problem.get('message')} {problem.get('invalid_params')}" if isinstance(problem, dict) else ""
    names_range = answer.status == 400 and bool(re.search(r"date|range|days", words, re.IGNORECASE))
    return names_range, _days(seen, "one_more") + (", naming the range" if names_range else "")


def _days(seen: Seen, *names: str) -> str:
    found = [seen.answers[name] for name in names if name in seen.answers]
    return "; ".join(f"{_range(answer).length} days: {outcome(answer)}" for answer in found)


@judges("Dates of any age are accepted")
def age(seen: Seen) -> Judged:
    asked = [one for name in ("start", "oldest") if (one := seen.answers.get(name)) and one.status in (200, 400)]
    told = []
    for answer in asked:
        used = f" with{'' if any(answer.tools) else 'out'} usage" if answer.status == 200 else ""
        days = seen.config.today.toordinal() - _range(answer).start.toordinal()
        told.append(f"a range from {days:,} days ago: {outcome(answer)}{used}")
    return (all(answer.status == 200 for answer in asked), "; ".join(told)) if asked else NOT_SEEN


@judges("Responses include today's usage before the day is over")
def today(seen: Seen) -> Judged:
    used = [day for day, sums in seen.days.by_day.items() if any(sums.values())] if seen.days else []
    if not used:
        return None, "no response has usage"
    days = seen.config.today.toordinal() - max(used).toordinal()
    return (None, f"the last usage is {days:,} day{'s' * (days > 1)} old") if days > 0 else (True, "today is included")


@judges("A tool's breakdown adds up to its total")
def breakdown(seen: Seen) -> Judged:
    missing = [tool for tool in seen.tools if not tool.entries and any(tool.figures)]
    partial = [tool for tool in seen.tools if tool.entries and _exceeds(tool.figures, tool.broken_down)]
    told = f"missing in {_shares(missing, seen)}, partial in {_shares(partial, seen)}"
    return (not missing and not partial, told) if seen.tools else (None, "no response has a tool")


@judges("No breakdown exceeds its total")
def excess(seen: Seen) -> Judged:
    over = [tool for tool in seen.tools if tool.entries and _exceeds(tool.broken_down, tool.figures)]
    credits = share(sum(max(tool.broken_down[1] - tool.figures[1], 0) for tool in over), _credits(seen.tools))
    told = f"exceeded in {_shares(over, seen)}, by {credits} of all credits"
    return (not over, told) if seen.tools else (None, "no response has a tool")


def _shares(tools: list[Tool], seen: Seen) -> str:
    """Describe what share of all tools and of all credits these tools account for."""
    credits = share(_credits(tools), _credits(seen.tools))
    return f"{share(len(tools), len(seen.tools))} of the tools ({credits} of the credits)"


def _exceeds(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] > other[0] or one[1] > other[1]


def _credits(tools: list[Tool]) -> int:
    return sum(tool.figures[1] for tool in tools)


@judges("Usage through API keys is part of the team's usage")
def keys_total(seen: Seen) -> Judged:
    keys, team = seen.good("keys"), seen.good("months")
    if keys is None or team is None:
        return None, "the team has no API keys, or no whole months were requested"
    over = sum(sums[tool] > team.by_day.get(day, sums)[tool] for day, sums in keys.by_day.items() for tool in sums)
    part, whole = _credits(keys.tools), _credits(team.tools)
    told = f"the keys used {share(part, whole)} of the team's credits; {over:,} of their sums by tool exceed the team's"
    return (not over, told) if part else (None, "no response has usage through keys")


@judges("Everybody with usage is in the list of members")
def members(seen: Seen) -> Judged:
    return _are_listed(seen, "members", "email", 0, "people")


@judges("Every project with usage is in the list of projects")
def projects(seen: Seen) -> Judged:
    return _are_listed(seen, "projects", "project_reference", 1, "projects")


def _are_listed(seen: Seen, name: str, key: str, place: int, words: str) -> Judged:
    used = {entry.who[place] for tool in seen.tools for entry in tool.entries if entry.who[place]}
    answer = seen.answers.get(name)
    if answer is None or answer.status != 200:
        return None, f"the list is {outcome(answer)}" if answer else "the list was not requested"
    known = set(answer.texts(key))
    told = f"{len(used & known):,} of {len(used):,} {words} with usage are listed, as are {len(known - used):,} others"
    return (used <= known, told) if used else (None, f"no {words} have usage")
