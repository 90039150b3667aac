"""Tables for people, and the page that keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

OPENING, CLOSING = "<!-- figures -->", "<!-- /figures -->"
# A figure: what was measured, the bar it should reach, and the aim.
Headline = tuple[str, str, str, str]


@dataclass(frozen=True)
class Table:
    """A titled table; `note` says how to read it."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """Markdown, with columns that line up in a terminal too."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = [self.head, ["-" * width for width in widths], *self.rows]
        body = "".join(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |\n"
            for line in lines
        )
        return f"## {self.title}\n\n{self.note}\n\n{body}"


def write_figures(page: Path, figures: str) -> None:
    """Put `figures` between the page's two marks; raise ValueError if one is missing."""
    before, opening, rest = page.read_text(encoding="utf-8").partition(OPENING)
    _, closing, after = rest.partition(CLOSING)
    if not (opening and closing):
        raise ValueError(f"{page} lacks the marks {OPENING} and {CLOSING}")
    page.write_text(f"{before}{OPENING}\n\n{figures}\n{CLOSING}{after}", encoding="utf-8")
