"""How many days to request at once if a long range is too long for the server.

A stream begins with the plan's maximum. A length that fails is halved until one is answered. The stream keeps that
length, so it searches only once, and lengthens it again if the length was not the problem.
"""

from dataclasses import dataclass, replace

# One success says little, as the next range may have more usage. After two in a row, a longer range is worth a try.
SUCCESSES_TO_GROW = 2
# One failure may be the server's bad moment. After this many, the length is the problem.
FAILURES_TO_BAR = 2


@dataclass(frozen=True)
class Span:
    """The longest range to request now: `days`, both ends counted, and never more than `longest`.

    `failed` lists the lengths that failed, once for each failure; an answer to a range at least as long removes them.
    """

    longest: int
    days: int
    failed: tuple[int, ...] = ()
    in_a_row: int = 0

    @property
    def is_barred(self) -> bool:
        """Whether it stays this short, because it cannot be longer or twice as much has failed twice."""
        longer = min(2 * self.days, self.longest)
        return longer == self.days or sum(days <= longer for days in self.failed) >= FAILURES_TO_BAR

    def after_failure(self, asked: int, times: int = 1) -> "Span":
        """Request half of `asked` days (two or more), a length that was too long `times` times in a row."""
        return replace(self, days=(asked + 1) // 2, failed=(*self.failed, *(asked,) * times), in_a_row=0)

    def after_success(self, asked: int) -> "Span":
        """Keep the length or, after two successes in a row, double it, unless that length has failed twice."""
        now = replace(self, failed=tuple(days for days in self.failed if days > asked), in_a_row=self.in_a_row + 1)
        if now.in_a_row < SUCCESSES_TO_GROW or now.is_barred:
            return now
        return replace(now, days=min(2 * now.days, now.longest), in_a_row=0)
