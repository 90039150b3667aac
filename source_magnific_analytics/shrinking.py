"""Decide how many days to request at once if a long range is too much for the server.

A stream begins with the plan's maximum and halves the range's length until a request succeeds. It keeps that length to
avoid another search, but makes requests longer again if the length might not have been the problem.
"""

from dataclasses import dataclass, replace

# One success proves little, because the next range might have more usage. After two in a row, try a longer range.
SUCCESSES_TO_GROW = 2
# One failure might be a temporary server problem. After this many, assume that the length is the problem.
FAILURES_TO_BAR = 2


@dataclass(frozen=True)
class Span:
    """`days` is the length of the longest range to request now, with both ends counted. It never exceeds `longest`.

    `failed` lists the lengths of failed requests; a length is removed once a request at least as long succeeds.
    """

    longest: int
    days: int
    failed: tuple[int, ...] = ()
    in_a_row: int = 0

    @property
    def is_barred(self) -> bool:
        """Whether the span cannot grow: it is at `longest`, or two requests for up to twice its length have failed."""
        longer = min(2 * self.days, self.longest)
        return longer == self.days or sum(days <= longer for days in self.failed) >= FAILURES_TO_BAR

    def after_failure(self, asked: int, times: int = 1) -> "Span":
        """Set the span to half of `asked` (two or more days), after `times` requests of that length failed in a row."""
        return replace(self, days=(asked + 1) // 2, failed=(*self.failed, *(asked,) * times), in_a_row=0)

    def after_success(self, asked: int) -> "Span":
        """Keep the length. After two successes in a row, double it, unless the doubled length has failed twice."""
        now = replace(self, failed=tuple(days for days in self.failed if days > asked), in_a_row=self.in_a_row + 1)
        if now.in_a_row < SUCCESSES_TO_GROW or now.is_barred:
            return now
        return replace(now, days=min(2 * now.days, now.longest), in_a_row=0)
