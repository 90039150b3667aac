"""Tables for people, and where they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

OPENING, CLOSING = "<!-- figures -->", "<!-- /figures -->"


@dataclass(frozen=True)
class Table:
    """A titled table; `note` says what a reader needs to know to read it."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """Markdown, with columns that line up in a terminal too."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        lines.insert(1, ["-" * width for width in widths])
        body = "\n".join(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
            for line in lines
        )
        return f"## {self.title}\n\n{self.note}\n\n{body}\n"


@dataclass(frozen=True)
class Headline:
    """One line of the last table: a figure beside the bar it should reach and the aim beyond."""

    subject: str
    measured: str
    bar: str
    aim: str = ""


def summary(headlines: Sequence[Headline]) -> Table:
    """The last table: every figure that has a bar."""
    return Table(
        "At a glance",
        "Medians of the ratios within one round, with the lowest and the highest. Lower is better.",
        ("figure", "measured", "bar", "aim"),
        [(line.subject, line.measured, line.bar, line.aim) for line in headlines],
    )


def write_figures(page: Path, figures: str) -> None:
    """Put `figures` between the page's two marks; what stands around them is kept.

    Raises ValueError where a mark is missing.
    """
    before, opening, rest = page.read_text(encoding="utf-8").partition(OPENING)
    _, closing, after = rest.partition(CLOSING)
    if not (opening and closing):
        raise ValueError(f"{page} lacks the marks {OPENING} and {CLOSING}")
    page.write_text(f"{before}{OPENING}\n\n{figures}\n{CLOSING}{after}", encoding="utf-8")
