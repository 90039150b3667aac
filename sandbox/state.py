"""How a sandbox starts, and all that changes while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any

import pendulum

from sandbox.customs import CUSTOMS, Customs
from sandbox.faults import Fault, too_long
from sandbox.ledger import Event, History, Ledger
from sandbox.limits import Limits
from sandbox.oddities import ODDITIES
from sandbox.team import DEFAULT_KEYS, DEFAULT_PEOPLE, make_team

DEFAULT_KEY = "sandbox-key-that-opens-nothing-else"


@dataclass(frozen=True)
class Options:
    """How a sandbox starts; the control surface changes the day and the limits later."""

    key: str = DEFAULT_KEY
    plan: str = "business"
    today: date | None = None
    """None: the real day, UTC."""
    seed: int = 1
    people: int = DEFAULT_PEOPLE
    keys: int = DEFAULT_KEYS
    """How many API keys the team has."""
    forbidden: bool = False
    flat_problems: bool = False
    empty_periods: bool = False
    awkward: bool = False
    oddities: frozenset[str] = frozenset()
    """Names of `sandbox.oddities.ODDITIES` and `sandbox.customs.CUSTOMS`."""
    per_minute: int = 50
    per_day: int = 100
    limit_header: str = "retry-after"
    longest_answer: int = 0
    """Days of credit usage that one answer can cover, both ends counted; 0: as many as the plan allows."""
    too_long: str = "504"
    """What becomes of a longer one: a kind of `sandbox.faults.TOO_LONG`."""

    def __post_init__(self) -> None:
        """ValueError where an oddity is mistyped, since nothing would be odd then."""
        known = {**ODDITIES, **CUSTOMS}
        if unknown := self.oddities - known.keys():
            raise ValueError(f"no such oddities: {sorted(unknown)}; there are {', '.join(known)}")


class State:
    """Everything that requests change; whoever changes it holds the lock."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = Lock()
        self.history = History(make_team(options.people, options.keys), options.seed)
        self.customs = Customs(options.oddities)
        self.lasting_faults = (too_long(options.longest_answer, options.too_long),) if options.longest_answer else ()
        self.start_over()

    def start_over(self, today: date | None = None) -> None:
        """Everything as it was at the start, on another day where one is given."""
        options = self.options
        self.today = today or options.today
        self.events: tuple[Event, ...] = ()
        self.limits = Limits(options.per_minute, options.per_day, options.limit_header)
        self.faults: list[Fault] = []
        self.requests: list[dict[str, Any]] = []

    def ledger(self) -> Ledger:
        """What the API knows at this moment."""
        today = self.today or pendulum.now("UTC").date()
        return Ledger(self.history, today, self.events, self.customs.events(today))
