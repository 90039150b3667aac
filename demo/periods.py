"""A span of days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Days:
    """Days in UTC, both ends included."""

    first: date
    last: date
