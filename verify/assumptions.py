"""Collect the checks of the connector's assumptions. docs/reliability.md says what happens if one does not hold."""

from collections import Counter
from collections.abc import Callable

from verify.probe_answers import Answer, Seen

Judged = tuple[bool | None, str]
"""Whether an assumption holds (None if it could not be checked), and a remark that shows none of the team's data."""
Judge = Callable[[Seen], Judged]

NOT_SEEN: Judged = (None, "no response shows it")
JUDGES: dict[str, Judge] = {}
"""The checks, by assumption. Each assumption is worded as in docs/reliability.md."""


def judges(assumption: str) -> Callable[[Judge], Judge]:
    return lambda judge: JUDGES.setdefault(assumption, judge)


def share(part: float, whole: float) -> str:
    """Return a share in whole percent, or as "less than 1 percent". Hide huge shares, which could reveal a figure.

    >>> share(0, 9), share(1, 900), share(1, 3), share(1, 0)
    ('0 percent', 'less than 1 percent', '33 percent', 'no share')
    >>> share(9182736455, 2), share(-9182736455, 2)
    ('beyond 1,000 percent', 'beyond 1,000 percent')
    """
    percent = 100 * part / (whole or 1)
    if not whole or abs(percent) > 1000:
        return "beyond 1,000 percent" if whole else "no share"
    return "less than 1 percent" if 0 < percent < 1 else f"{percent:.0f} percent"


def listed(counts: Counter[str]) -> str:
    return "; ".join(f"{words}: {count:,}" for words, count in sorted((+counts).items()))


def outcome(answer: Answer) -> str:
    word = "refused" if answer.status == 400 else "too much" if answer.too_much else "not answered"
    return "answered" if answer.status == 200 else f"{word} ({answer.failure or answer.status})"
