"""The requests that check the connector's assumptions: at most twelve, all read-only."""

from collections.abc import Generator, Iterator
from dataclasses import replace

from pendulum import Date

from source_magnific_analytics.config import EARLIEST_START, Config
from source_magnific_analytics.windows import DateRange, Granularity, Request, period_of
from verify.probe_answers import Answer, Question, Sums

MOST_REQUESTS = 12
# The range to try if longer ones fail: every plan allows it, and it covers all usage of a new team.
_FEW_DAYS = 30
# Figures for the most recent days can change between two requests.
_UNSETTLED_DAYS = 3


def _usage(name: str, unit: Granularity, first: Date, last: Date) -> Question:
    return Question(name, "team-credit-usage", Request(DateRange(first, last), unit))


def questions(config: Config) -> Generator[Question, Answer, None]:
    """Yield one question at a time; the next one depends on the answer sent back. Minor questions come last."""
    yield Question("members", "team-members")
    keys = yield Question("api_keys", "team-api-keys")
    days = yield from _longest_range(config)
    if days.status == 200:
        yield from _about_known_days(days, config.today, tuple(keys.texts("api_key_id")))
    accepted = True
    if config.start_date < config.today.subtract(days=config.longest_range_days):
        answer = yield _usage("start", Granularity.DAY, config.start_date, config.start_date.add(days=6))
        accepted = answer.status == 200
    if accepted and config.start_date > EARLIEST_START:
        yield _usage("oldest", Granularity.DAY, EARLIEST_START, EARLIEST_START.add(days=6))
    yield Question("groups", "team-groups")
    yield Question("projects", "team-projects")


def _longest_range(config: Config) -> Generator[Question, Answer, Answer]:
    """Try the longest range. If it works, add a day; if not, try fewer. Return the first good answer, else the last."""

    def days(name: str, count: int) -> Question:
        return _usage(name, Granularity.DAY, config.today.subtract(days=count - 1), config.today)

    answer = yield days("longest", config.longest_range_days)
    if answer.status == 200:
        yield days("one_more", config.longest_range_days + 1)
        return answer
    if answer.status == 400:
        answer = yield days("one_less", config.longest_range_days - 1)
    if answer.status != 200:
        answer = yield days("few_days", _FEW_DAYS)
    return answer


def _about_known_days(days: Answer, today: Date, api_key_ids: tuple[str, ...]) -> Iterator[Question]:
    """Yield questions about days that the response `days` already covers. The answers must agree with that response."""
    assert days.question.request is not None
    first, settled = days.question.request.range.start, today.subtract(days=_UNSETTLED_DAYS)
    if last := _two_days(days.by_day, first, settled):
        yield _usage("two_days", Granularity.DAY, last.subtract(days=1), last)
    monday = period_of(today, Granularity.WEEK).start.subtract(days=7)
    weeks = min((monday.toordinal() - first.toordinal()) // 7, 12)
    yield _usage("weeks", Granularity.WEEK, monday.subtract(days=7 * weeks - 2), monday.add(days=1))
    start = period_of(first.subtract(days=1), Granularity.MONTH).end.add(days=1)
    end = period_of(settled, Granularity.MONTH).start.subtract(days=1)
    if start < end:
        yield (months := _usage("months", Granularity.MONTH, start, end))
        if api_key_ids:
            yield replace(months, name="keys", api_key_ids=api_key_ids)


def _two_days(used: dict[Date, Sums], first: Date, last: Date) -> Date | None:
    """Return the newest day with usage whose previous day also has usage, or else the newest day with usage."""
    days = [day for day in sorted(used, reverse=True) if first < day <= last and any(used[day].values())]
    return next(iter([*(day for day in days if day.subtract(days=1) in days), *days]), None)
