"""What a stream of usage says about itself in the log when its sync ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from source_magnific_analytics.usage import Excess


@dataclass
class Summary:
    """Rows that were withdrawn, and tools whose breakdown exceeds their totals, added up over a sync."""

    withdrawn_rows: int = 0
    withdrawn_periods: int = 0
    excesses: int = 0
    excess_uses: int = 0
    excess_credits: int = 0
    first_excess: Excess | None = None

    def add_withdrawn(self, rows: int) -> None:
        """Of one period."""
        self.withdrawn_rows += rows
        self.withdrawn_periods += 1

    def add_excesses(self, excesses: Iterable[Excess]) -> None:
        for excess in excesses:
            self.excesses += 1
            self.excess_uses += excess.uses
            self.excess_credits += excess.credits
            self.first_excess = self.first_excess or excess

    def lines(self) -> Iterator[str]:
        """One line for each thing that a reader of the log may want to know."""
        if self.withdrawn_rows:
            yield (
                f"{self.withdrawn_rows:,} rows in {self.withdrawn_periods:,} periods were withdrawn: an earlier sync "
                "handed them on, and Magnific does not have them any more."
            )
        if self.first_excess is not None:
            yield (
                f"For {self.excesses} tools and periods Magnific's breakdown by user exceeds the tool's totals, by "
                f"{self.excess_uses} uses and {self.excess_credits} credits in all (first: {self.first_excess.tool} on "
                f"{self.first_excess.date}). The rows are handed on as Magnific states them."
            )
