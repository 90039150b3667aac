"""What a stream of usage says about itself in the log when its sync ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from source_magnific_analytics.failures import one_line


@dataclass
class Summary:
    """Deleted rows, and tools whose breakdown exceeds their totals, added up over a sync."""

    deleted_rows: int = 0
    deleted_periods: int = 0
    excesses: int = 0
    excess_uses: int = 0
    excess_credits: int = 0
    first_excess: str = ""

    def add_deleted(self, rows: int) -> None:
        """Count the deleted rows of one period."""
        self.deleted_rows += rows
        self.deleted_periods += 1

    def add_excesses(self, date: str, excesses: Iterable[tuple[str, int, int]]) -> None:
        """Count tools of the period that starts on `date`, with the uses and credits that are too much."""
        for tool, uses, credits in excesses:
            self.excesses += 1
            self.excess_uses += uses
            self.excess_credits += credits
            self.first_excess = self.first_excess or f"{one_line(tool, 80)} on {date}"

    def lines(self) -> Iterator[str]:
        """One line for each thing that a reader of the log may want to know."""
        if self.deleted_rows:
            yield (
                f"{self.deleted_rows:,} rows in {self.deleted_periods:,} periods were deleted: an earlier sync emitted "
                "them, and Magnific no longer has them."
            )
        if self.excesses:
            yield (
                f"For {self.excesses} tools and periods Magnific's breakdown by user exceeds the tool's totals, by "
                f"{self.excess_uses} uses and {self.excess_credits} credits in all (first: {self.first_excess}). The "
                "rows are emitted as Magnific states them."
            )
