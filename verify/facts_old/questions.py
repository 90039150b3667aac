"""Which questions settle what the connector takes for granted: at most twelve, each of which only reads."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pendulum import Date

from facts.reading import Answer, Sums
from source_magnific_analytics.config import EARLIEST_START, Config
from source_magnific_analytics.windows import DateRange, Granularity, Request, period_of

MOST_REQUESTS = 12
# Of a team that came to Magnific this week; any plan's longest range holds it.
_FEW_DAYS = 30
# Figures of days this recent can move between two questions.
_UNSETTLED_DAYS = 3


@dataclass(frozen=True)
class Question:
    """A list of the team or, with `request`, its credit usage; through `api_key_ids` alone where they are given."""

    name: str
    endpoint: str
    request: Request | None = None
    api_key_ids: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, Any] | None:
        if self.request is None:
            return None
        return self.request.body | ({"api_key_ids": list(self.api_key_ids)} if self.api_key_ids else {})

    @property
    def words(self) -> str:
        if self.request is None:
            return f"the list {self.endpoint}"
        through = " through the API keys" if self.api_key_ids else ""
        return f"{self.request.range.days} days of usage by {self.request.granularity}{through}"


def usage(name: str, unit: Granularity, first: Date, last: Date) -> Question:
    return Question(name, "team-credit-usage", Request(DateRange(first, last), unit))


def questions(config: Config) -> Generator[Question, Answer, None]:
    """Each question in turn; the next depends on the answer that is sent back. The least important come last."""
    yield Question("members", "team-members")
    keys = yield Question("api_keys", "team-api-keys")
    days = yield from _longest_range(config)
    if days is not None:
        yield from _about_known_days(days, config.today, tuple(keys.texts("api_key_id")))
    oldest_known = config.today.subtract(days=config.longest_range_days)
    accepted = True
    if config.start_date < oldest_known:
        answer = yield usage("start", Granularity.DAY, config.start_date, config.start_date.add(days=6))
        accepted = answer.status == 200
    if accepted and config.start_date > EARLIEST_START:
        yield usage("oldest", Granularity.DAY, EARLIEST_START, EARLIEST_START.add(days=6))
    yield Question("groups", "team-groups")
    yield Question("projects", "team-projects")


def _longest_range(config: Config) -> Generator[Question, Answer, Answer | None]:
    """The plan's longest range, one more or fewer days; returns the first answer with days, if any has them."""
    longest, today = config.longest_range_days, config.today

    def days(name: str, count: int) -> Question:
        return usage(name, Granularity.DAY, today.subtract(days=count - 1), today)

    answer = yield days("longest", longest)
    if answer.status == 200:
        more = yield days("one_more", longest + 1)
        if more.status == 200:
            yield days("two_more", longest + 2)
        return answer
    if answer.status == 400:
        answer = yield days("one_less", longest - 1)
    if answer.status != 200:
        answer = yield days("few_days", _FEW_DAYS)
    return answer if answer.status == 200 else None


def _about_known_days(days: Answer, today: Date, api_key_ids: tuple[str, ...]) -> Iterator[Question]:
    """Questions about days that `days` tells of: what they say has to agree with that."""
    assert days.question.request is not None
    first = days.question.request.range.start
    last = _two_days(days.by_day, first, today.subtract(days=_UNSETTLED_DAYS))
    if last is not None:
        yield usage("two_days", Granularity.DAY, last.subtract(days=1), last)
    monday = period_of(today, Granularity.WEEK).start.subtract(days=7)
    weeks = min((monday.toordinal() - first.toordinal()) // 7, 12)
    yield usage("weeks", Granularity.WEEK, monday.subtract(days=7 * weeks - 2), monday.add(days=1))
    start = period_of(first.subtract(days=1), Granularity.MONTH).end.add(days=1)
    end = period_of(today.subtract(days=_UNSETTLED_DAYS), Granularity.MONTH).start.subtract(days=1)
    if start < end:
        months = usage("months", Granularity.MONTH, start, end)
        yield months
        if api_key_ids:
            yield replace(months, name="keys", api_key_ids=api_key_ids)


def _two_days(used: dict[Date, Sums], first: Date, last: Date) -> Date | None:
    """The second of the newest two days in a row with usage between `first` and `last`; else the newest with usage."""
    days = [day for day in sorted(used, reverse=True) if first < day <= last and used[day]]
    in_a_row = [day for day in days if used.get(day.subtract(days=1))]
    return next(iter([*in_a_row, *days]), None)
