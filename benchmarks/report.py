"""Format the measured figures as Markdown tables, and insert them into a documentation page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

OPENING, CLOSING = "<!-- figures -->", "<!-- /figures -->"
# A row of the overview: a figure's name, its measured value, its upper limit (the bar) and its target (the aim).
Headline = tuple[str, str, str, str]


@dataclass(frozen=True)
class Table:
    """A table with a title; `note` explains how to read it."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """Return Markdown whose columns also line up in a terminal."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = [self.head, ["-" * width for width in widths], *self.rows]
        body = "".join(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |\n"
            for line in lines
        )
        return f"## {self.title}\n\n{self.note}\n\n{body}"


def write_figures(page: Path, figures: str) -> None:
    """Replace the text between the page's two markers with `figures`; raise ValueError if a marker is missing."""
    before, opening, rest = page.read_text(encoding="utf-8").partition(OPENING)
    _, closing, after = rest.partition(CLOSING)
    if not (opening and closing):
        raise ValueError(f"{page} must contain the markers {OPENING} and {CLOSING}")
    page.write_text(f"{before}{OPENING}\n\n{figures}\n{CLOSING}{after}", encoding="utf-8")
