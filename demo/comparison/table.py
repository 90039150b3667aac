"""The synced table as the other side of a comparison: its rows in places, and what its sync covers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pendulum

from demo.comparison.columns import tidy
from demo.comparison.differences import Place, Side
from demo.origin import DemoError
from demo.warehouse import Row, Warehouse, open_warehouse


@dataclass(frozen=True)
class Projects:
    """Projects are compared under their newest names. A name that several have had, or nobody knows, stays as it is."""

    newest: Mapping[str, str]
    """By reference."""
    earlier: Mapping[str, frozenset[str]]
    """By each name there ever was, the references that had it."""

    def name(self, said: str | None) -> str | None:
        """What an export's reference, newest name or earlier name is called now."""
        if said is None or said in self.newest.values():
            return said
        if said in self.newest:
            return self.newest[said]
        references = self.earlier.get(said, frozenset())
        return self.newest[next(iter(references))] if len(references) == 1 else said


@dataclass(frozen=True)
class Synced:
    """What the sync covers and how. All dates are None where it never brought usage.

    first, through: the first and last day that was read. complete: the last day that was over when it was read.
    filters: as configured. repeated: rows beyond one for each usage_id. other_granularity: rows of another granularity.
    """

    granularity: str
    first: date | None
    through: date | None
    complete: date | None
    synced_at: datetime | None
    filters: Mapping[str, Sequence[Any]]
    repeated: int
    other_granularity: int


@dataclass(frozen=True)
class Table:
    """Withdrawn rows are not in it."""

    rows: Sequence[tuple[Place, Side]]
    synced: Synced
    projects: Projects


def read_table(file: Path, schema: str | None = None) -> Table:
    """All of `credit_usage`. Raises DemoError where the file cannot be read or has no such table."""
    with open_warehouse(file, schema) as warehouse:
        [sync] = warehouse.rows("sync")
        if not sync.pop("synced"):
            raise DemoError(
                f"{file} has no table credit_usage: sync that stream into it, or name the file that it was synced into."
            )
        stored = warehouse.rows("places")
        projects = _projects(warehouse, stored)
    filters = {name: ids for name, ids in (json.loads(sync.pop("filters") or "{}") or {}).items() if ids}
    synced = Synced(first=sync.pop("synced_from"), filters=filters, **sync)
    return Table([_row(row, projects) for row in stored], synced, projects)


def _projects(warehouse: Warehouse, stored: Sequence[Row]) -> Projects:
    newest = {row["id"]: tidy(row["name"]) for row in warehouse.rows("projects")}
    earlier: defaultdict[str, set[str]] = defaultdict(set)
    for row in stored:
        if row["project_reference"] and row["project_name"]:
            earlier[tidy(row["project_name"])].add(row["project_reference"])
    return Projects(newest, {name: frozenset(references) for name, references in earlier.items()})


def _row(row: Row, projects: Projects) -> tuple[Place, Side]:
    project = projects.newest.get(row["project_reference"]) or row["project_name"]
    names = (row["tool"], row["user_email"], project, row["group_name"])
    tool, person, project, group = (tidy(name) if name else None for name in names)
    place = Place(row["date"], tool or "", person.lower() if person else None, project, group)
    return place, Side(Decimal(row["uses"]), Decimal(row["credits"]), tuple(row["usage_ids"]))


@cache
def first_day(day: date, granularity: str) -> date:
    """Of the period of the table that holds `day`.

    >>> [str(first_day(date(2026, 3, 5), size)) for size in ("day", "week", "month", "year")]
    ['2026-03-05', '2026-03-02', '2026-03-01', '2026-01-01']
    """
    return pendulum.date(day.year, day.month, day.day).start_of(granularity)


@cache
def last_day(day: date, granularity: str) -> date:
    """Of the period of the table that holds `day`.

    >>> [str(last_day(date(2026, 3, 5), size)) for size in ("day", "week", "month", "year")]
    ['2026-03-05', '2026-03-08', '2026-03-31', '2026-12-31']
    """
    return pendulum.date(day.year, day.month, day.day).end_of(granularity)
