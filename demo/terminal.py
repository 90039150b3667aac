"""Print the results line by line and, below them, the current step."""

from __future__ import annotations

import sys
import textwrap
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_INDENT = 15


class Screen:
    """The demo's output. In a terminal, a clock runs at the bottom; in a file, each step is one line."""

    def __init__(self) -> None:
        # Keep the current stdout, because stdout is redirected to a log while PyAirbyte runs.
        self._console = Console(file=sys.stdout, highlight=False)
        self._clock = Progress(
            SpinnerColumn(),
            TextColumn("[dim]{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._clock.add_task("starting")
        self._shown = ""

    def __enter__(self) -> Screen:
        self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clock.stop()

    @property
    def width(self) -> int:
        """The width of the terminal in columns."""
        return self._console.width

    def going_on(self, doing: str) -> None:
        """Show the current step."""
        if self._console.is_terminal:
            self._clock.update(self._task, description=doing)
        elif doing != self._shown:
            self._console.print(f"… {doing}")
        self._shown = doing

    def done(self, name: str, words: str) -> None:
        """Print a finished step and its result."""
        self._step("[green]✓[/]", name, words)

    def failed(self, name: str, words: str) -> None:
        self._step("[red]✗[/]", name, words)

    def also(self, words: str) -> None:
        """Print another line about the finished step, below it."""
        self._console.print(escape(f"{' ' * _INDENT}{self._wrapped(words)}"), soft_wrap=True)

    def print(self, *content: Any) -> None:
        self._console.print(*content)

    def _step(self, mark: str, name: str, words: str) -> None:
        self._console.print(f"{mark} [bold]{name:<{_INDENT - 2}}[/]{escape(self._wrapped(words))}", soft_wrap=True)

    def _wrapped(self, words: str) -> str:
        """Wrap between words. Never break a path that is longer than a line, so that the user can copy it."""
        room = max(20, self.width - _INDENT)
        lines = textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False)
        return f"\n{' ' * _INDENT}".join(lines)
