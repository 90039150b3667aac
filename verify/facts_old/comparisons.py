"""What answers say about each other: the same days asked in other ways, and ranges at the edge of what is accepted."""

from __future__ import annotations

import re

import msgspec
from pendulum import Date

from facts.contract import kind
from facts.questions import MOST_REQUESTS
from facts.reading import Answer, Sums, between
from facts.seen import NOT_SEEN, Judged, Seen, credits_of, share
from source_magnific_analytics.policy import Meaning, of_status
from source_magnific_analytics.windows import DateRange, Granularity, Request, period_of

_INSIDE, _MISSING, _EITHER = "holds the days inside", "has no usage", "has no usage in its other days"
_PARAMETERS = ("start_date", "end_date", "granularity")


def _request(answer: Answer) -> Request:
    assert answer.question.request is not None
    return answer.question.request


def _ends_included(seen: Seen) -> tuple[bool, bool] | None:
    """Whether the two days that were asked for are there; None where they were not asked for or answered."""
    answer = seen.good("two_days")
    if answer is None:
        return None
    asked = _request(answer).range
    return bool(answer.by_day.get(asked.start)), bool(answer.by_day.get(asked.end))


def end_date(seen: Seen) -> Judged:
    ends, days = _ends_included(seen), seen.days
    if ends is None or days is None:
        return None, "no two days with usage were asked for and answered"
    asked = _request(seen.answers["two_days"]).range
    expected = [bool(days.by_day.get(day)) for day in (asked.start, asked.end)]
    told = ", ".join(
        f"its {name} day is {'there' if there else 'missing' if used else 'without usage'}"
        for name, there, used in zip(("first", "last"), ends, expected, strict=True)
    )
    return list(ends) == expected, f"of a range of two days {told}"


def sizes(seen: Seen) -> Judged:
    days = seen.days
    if days is None:
        return NOT_SEEN
    told, right = [], True
    again = seen.good("two_days")
    if again is not None:
        right = again.by_day.items() <= days.by_day.items()
        told.append(f"by day in another range they are {'' if right else 'not '}the same")
    for name, unit in (("weeks", Granularity.WEEK), ("months", Granularity.MONTH)):
        answer = seen.good(name)
        if answer is None:
            continue
        asked = _request(answer).range
        wanted = _whole_periods(asked, unit, cut_last=_ends_included(seen) == (True, False))
        differing = sum(answer.by_day.get(one.start, {}) != between(days.by_day, one.start, one.end) for one in wanted)
        right &= not differing
        told.append(f"by {unit} {len(wanted) - differing} of {len(wanted)} are what their days add up to")
    return (right, "; ".join(told)) if told and days.by_day else (None, "no usage was answered that can be compared")


def _whole_periods(asked: DateRange, unit: Granularity, *, cut_last: bool) -> list[DateRange]:
    """The periods that lie in the range wholly, without the last day of the range where that is not held."""
    end = asked.end.subtract(days=1) if cut_last else asked.end
    one = period_of(asked.start, unit)
    found = []
    while one.end <= end:
        if one.start >= asked.start:
            found.append(one)
        one = period_of(one.end.add(days=1), unit)
    return found


def edges(seen: Seen) -> Judged:
    answer, days = seen.good("weeks"), seen.days
    if answer is None or days is None:
        return NOT_SEEN
    asked = _request(answer).range
    first, last = period_of(asked.start, Granularity.WEEK), period_of(asked.end, Granularity.WEEK)
    end = asked.end.subtract(days=1) if _ends_included(seen) == (True, False) else asked.end
    found = [
        _edge(answer, days, first, DateRange(asked.start, first.end)),
        _edge(answer, days, last, DateRange(last.start, end)),
    ]
    told = f"the first week, cut on its Wednesday, {found[0]}; the last one, cut on its Tuesday, {found[1]}"
    telling = [one for one in found if one not in (_MISSING, _EITHER)]
    return all(one == _INSIDE for one in telling) if telling else None, told


def _edge(answer: Answer, days: Answer, week: DateRange, inside: DateRange) -> str:
    dated = [day for day in answer.by_day if week.start <= day <= week.end]
    if not dated:
        return _MISSING
    said: Sums = answer.by_day[dated[0]]
    parts = {
        _INSIDE: between(days.by_day, inside.start, inside.end),
        "holds its whole week": between(days.by_day, week.start, week.end),
    }
    words = [name for name, sums in parts.items() if sums == said]
    dating = "" if dated[0] == week.start else ", dated by another day than its Monday"
    return (_EITHER if len(words) > 1 else words[0] if words else "holds neither these nor its whole week") + dating


def longest(seen: Seen) -> Judged:
    days = seen.config.longest_range_days
    answer = seen.answers.get("longest")
    if answer is None:
        return NOT_SEEN
    fewer = "one_less", "few_days"
    told = f"{days} days are {_outcome(answer)}" + "".join(
        f"; {_request(one).range.days} are {_outcome(one)}" for name in fewer if (one := seen.answers.get(name))
    )
    telling = of_status(answer.status or 0) in (Meaning.ANSWER, Meaning.FINAL, Meaning.TOO_MUCH)
    return answer.status == 200 if telling or answer.too_much else None, told


def one_more(seen: Seen) -> Judged:
    told = [
        f"{_request(one).range.days} days are {_outcome(one)}"
        for name in ("one_more", "two_more")
        if (one := seen.answers.get(name))
    ]
    answer = seen.answers.get("one_more")
    if answer is None or answer.status not in (200, 400):
        return NOT_SEEN
    if answer.status == 200:
        return False, "; ".join(told)
    words, looks = _refusal(answer)
    return bool(re.search(r"date|range|days", words, re.IGNORECASE)), f"{told[0]}: {looks}"


def _outcome(answer: Answer) -> str:
    if answer.status == 200:
        return "answered"
    outcome = "refused" if answer.status == 400 else "too much" if answer.too_much else "not answered"
    return f"{outcome} ({answer.failure or answer.status})"


def _refusal(answer: Answer) -> tuple[str, str]:
    """The words of a 400, which are not to be shown, and what it looks like."""
    content_type = answer.headers.get("Content-Type", "").partition(";")[0]
    known = content_type if content_type in ("application/json", "application/problem+json") else "another type"
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return "", f"{known}, no JSON"
    wrapped = isinstance(document, dict) and isinstance(document.get("problem"), dict)
    problem = document["problem"] if wrapped else document
    if not isinstance(problem, dict):
        return "", f"{known}, {kind(problem)}"
    params = problem.get("invalid_params")
    named = [one for one in params if isinstance(one, dict)] if isinstance(params, list) else []
    names = {one.get("name") for one in named if isinstance(one.get("name"), str)}
    told = [name for name in _PARAMETERS if name in names]
    others = len(names) - len(told)
    looks = (
        f"{known}, {'with' if wrapped else 'without'} `problem` around it, `message` is "
        f"{kind(problem.get('message'))}, `invalid_params` name {' and '.join(told) or 'nothing known'}"
        + (f" and {others} more" if others else "")
    )
    return f"{problem.get('message')} {params}", looks


def age(seen: Seen) -> Judged:
    asked = [one for name in ("start", "oldest") if (one := seen.answers.get(name)) and one.status in (200, 400)]
    if not asked:
        return NOT_SEEN
    told = []
    for answer in asked:
        days = _age(seen, _request(answer).range.start)
        used = " with usage" if any(answer.by_day.values()) else ", without usage"
        told.append(f"days {days:,} days ago are {_outcome(answer)}{used if answer.status == 200 else ''}")
    return all(answer.status == 200 for answer in asked), "; ".join(told)


def _age(seen: Seen, day: Date) -> int:
    return seen.config.today.toordinal() - day.toordinal()


def keys_total(seen: Seen) -> Judged:
    keys, team = seen.good("keys"), seen.good("months")
    if keys is None or team is None:
        return None, "the team has no API keys, or no whole months were asked for"
    spent = [(key, sums) for key, sums in keys.by_day.items()]
    over = sum(
        figures[1] > team.by_day.get(day, {}).get(tool, (0, 0))[1]
        for day, sums in spent
        for tool, figures in sums.items()
    )
    whole = sum(credits for sums in team.by_day.values() for _, credits in sums.values())
    through = sum(credits for _, sums in spent for _, credits in sums.values())
    if not through:
        return None, "no usage of keys was answered"
    told = f"the keys have {share(through, whole)} of the team's credits; {over:,} of their sums exceed the team's"
    return not over, told


def keys_people(seen: Seen) -> Judged:
    keys = seen.good("keys")
    tools = [tool for period in keys.periods for tool in period.tools] if keys else []
    # A breakdown can exceed its total, a share cannot.
    named = sum(
        min(sum(entry.figures[1] for entry in tool.entries or () if entry.same[0]), tool.figures[1]) for tool in tools
    )
    whole = credits_of(tools)
    return (
        (named == whole, f"{share(named, whole)} of these credits do")
        if whole
        else (None, "no usage of keys was answered")
    )


def members(seen: Seen) -> Judged:
    users = {entry.same[0] for tool in seen.tools for entry in tool.entries or () if entry.same[0]}
    known = _listed(seen, "members", "email")
    if isinstance(known, str) or not users:
        return None, known if isinstance(known, str) else "no usage names a person"
    return users <= known, (
        f"{len(users & known):,} of {len(users):,} people with usage are; {len(known - users):,} of {len(known):,} "
        "members have no usage"
    )


def projects(seen: Seen) -> Judged:
    used = {entry.same[1] for tool in seen.tools for entry in tool.entries or () if entry.same[1]}
    known = _listed(seen, "projects", "project_reference")
    if isinstance(known, str) or not used:
        return None, known if isinstance(known, str) else "no usage names a project"
    return used <= known, f"{len(used & known):,} of {len(used):,} projects with usage are"


def _listed(seen: Seen, name: str, key: str) -> set[str] | str:
    """The keys of a list, or why there are none."""
    answer = seen.answers.get(name)
    if answer is None:
        spent = len(seen.answers) == MOST_REQUESTS
        return "the list was not asked for" + (
            f", the {MOST_REQUESTS} requests went to other questions" if spent else ""
        )
    return set(answer.texts(key)) if answer.status == 200 else f"the list is {_outcome(answer)}"
