"""A sandbox's options, and the state that changes while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any

import pendulum

from sandbox.events import happen, read_day, read_event
from sandbox.ledger import Event, History, Ledger
from sandbox.limits import Limits
from sandbox.quirks import Switched
from sandbox.team import DEFAULT_KEYS, DEFAULT_PEOPLE, make_team

DEFAULT_KEY = "sandbox-key-that-opens-nothing-else"


@dataclass(frozen=True)
class Options:
    """A sandbox's initial options. The control API can change the day, limits and quirks later."""

    key: str = DEFAULT_KEY
    plan: str = "business"
    today: date | None = None
    """The sandbox's current day. None means today in UTC."""
    seed: int = 1
    people: int = DEFAULT_PEOPLE
    keys: int = DEFAULT_KEYS
    per_minute: int = 50
    per_day: int = 100
    quirks: tuple[str | Mapping[str, Any], ...] = ()
    """Names from `sandbox.quirks.QUIRKS`, or JSON objects with parameters."""


class State:
    """The state that requests can change. Hold `lock` while you use it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = Lock()
        self.history = History(make_team(options.people, options.keys), options.seed)
        self.start_over()

    def start_over(self, today: date | None = None) -> None:
        """Reset everything to its initial state. `today` can set a different current day."""
        options = self.options
        self.today = today or options.today
        self.events: tuple[Event, ...] = ()
        self.limits = Limits(options.per_minute, options.per_day)
        self.quirks = [Switched(given) for given in options.quirks]
        self.requests: list[dict[str, Any]] = []

    def set_today(self, given: Any) -> None:
        self.today = read_day(given)

    def happen(self, given: Any) -> None:
        """Apply all events, or none if one of them is not valid."""
        ledger = self.ledger()
        for event in given:
            ledger = happen(ledger, read_event(event))
        self.events = ledger.events

    def switch_on(self, given: Any) -> None:
        self.quirks += [Switched(quirk) for quirk in given]

    def set_limits(self, given: Any) -> None:
        same = {name: getattr(self.limits, name) for name in ("per_minute", "per_day")}
        if unknown := given.keys() - same.keys() - {"reset"}:
            raise ValueError(f"unknown limits {sorted(unknown)}: choose from {', '.join(same)} and reset")
        self.limits.change(**(same | given))

    def ledger(self) -> Ledger:
        """Return a ledger of what the API reports now."""
        return Ledger(self.history, self.today or pendulum.now("UTC").date(), self.events)
