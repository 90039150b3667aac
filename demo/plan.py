"""What the reader's contract says: prices and allowances, from the CSV files that the dbt package has as seeds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from demo.origin import DemoError

T = TypeVar("T")

INVENTED = Path(__file__).parent / "dbt" / "seeds"
"""What the sandbox's team pays and has agreed upon; no real price."""

SCOPES = ("seat", "team", "group", "person")


@dataclass(frozen=True)
class Price:
    """What one credit costs from `valid_from` on, in a currency by its ISO 4217 code."""

    valid_from: date
    price: float
    currency: str


@dataclass(frozen=True)
class Allowance:
    """Credits of a whole calendar month from `valid_from` on: of each seat, the team, or a group or person by name."""

    valid_from: date
    scope: str
    name: str
    credits: int


def read_prices(file: Path) -> list[Price]:
    """By day. The contracted price counts, where it is empty the list price. Raises DemoError for what is no price."""

    def price(row: dict[str, str]) -> Price:
        value = float(row["contracted_price_per_credit"] or row["list_price_per_credit"])
        if not value >= 0 or not row["currency"]:
            raise ValueError("a price is a number from 0 up with a currency")
        return Price(date.fromisoformat(row["valid_from"]), value, row["currency"])

    found = sorted(_read(file, price), key=lambda one: one.valid_from)
    if len({one.currency for one in found}) > 1:
        raise DemoError(f"{file} has prices in more than one currency: money can be added up in one alone.")
    return found


def read_allowances(file: Path) -> list[Allowance]:
    """By day. Raises DemoError for what is no allowance."""

    def allowance(row: dict[str, str]) -> Allowance:
        if row["scope"] not in SCOPES:
            raise ValueError(f"scope is one of {', '.join(SCOPES)}")
        day, credits = date.fromisoformat(row["valid_from"]), int(row["credits_per_month"])
        return Allowance(day, row["scope"], row["name"] or "", credits)

    return sorted(_read(file, allowance), key=lambda one: one.valid_from)


def _read(file: Path, made: Callable[[dict[str, str]], T]) -> Iterator[T]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), start=2):
                try:
                    yield made(row)
                except (KeyError, ValueError, TypeError) as error:
                    raise DemoError(f"Line {number} of {file} cannot be read: {error}.") from None
    except OSError as error:
        raise DemoError(f"{file} cannot be opened: {error.strerror}.") from None
