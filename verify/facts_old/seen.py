"""All that was answered, and the words in which it may be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from facts.reading import Answer, Period, Tool
from source_magnific_analytics.config import Config

Judged = tuple[bool | None, str]
"""Whether an assumption holds (None: it could not be seen), and what was seen, in words that are nobody's."""


@dataclass(frozen=True)
class Seen:
    """All that was answered, by the name of its question."""

    config: Config
    answers: dict[str, Answer]

    def good(self, name: str) -> Answer | None:
        answer = self.answers.get(name)
        return answer if answer is not None and answer.status == 200 else None

    @property
    def days(self) -> Answer | None:
        """The longest answer by day."""
        return next((good for name in ("longest", "one_less", "few_days") if (good := self.good(name))), None)

    @property
    def right(self) -> list[Answer]:
        return [answer for answer in self.answers.values() if answer.status == 200]

    @property
    def periods(self) -> list[Period]:
        """Of all answers."""
        return [period for answer in self.right if answer.question.request for period in answer.periods]

    @property
    def tools(self) -> list[Tool]:
        """Of the longest answer."""
        return [tool for period in self.days.periods for tool in period.tools] if self.days else []


NOT_SEEN: Judged = (None, "no answer tells")


def share(part: float, whole: float) -> str:
    """A share in whole percent; what is not nothing is never 0.

    >>> share(0, 9), share(1, 900), share(1, 3), share(1, 0)
    ('0 percent', 'less than 1 percent', '33 percent', 'no share')
    """
    if not whole:
        return "no share"
    percent = 100 * part / whole
    return "less than 1 percent" if 0 < percent < 1 else f"{percent:.0f} percent"


def listed(counts: Counter[str]) -> str:
    return "; ".join(f"{words}: {count:,}" for words, count in sorted(counts.items()))


def credits_of(tools: Iterable[Tool]) -> int:
    return sum(tool.figures[1] for tool in tools)
