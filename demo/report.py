"""`python -m demo.report [DUCKDB FILE] [HTML FILE]`: where the credits went, on one page that works offline."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import vl_convert

from demo import charts
from demo.origin import DemoError
from demo.warehouse import STARTING_POINTS, Row, Warehouse, open_warehouse

FOLDER = Path("demo-output")
DUCKDB_FILE = "magnific.duckdb"
HTML_FILE = "report.html"

NOTHING = "\N{EN DASH}"

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Card:
    """A headline figure and the sentence that puts it in its place."""

    title: str
    figure: str
    note: str


@dataclass(frozen=True)
class Section:
    """A chart and, for who cannot or will not read it, its figures in a table."""

    name: str
    title: str
    about: str
    columns: tuple[str, ...]
    rows: Sequence[Row]

    @property
    def by_period(self) -> list[tuple[str, list[Row]]]:
        """The rows of each period; all of them under "" where the section is not filtered."""
        return [(period, list(rows)) for period, rows in groupby(self.rows, lambda row: str(row.get("period", "")))]


def write_report(duckdb_file: Path, html_file: Path) -> None:
    """Read the file and write the page. Raises DemoError where there is no such file."""
    with open_warehouse(duckdb_file) as warehouse:
        page = _page(warehouse)
    html_file.parent.mkdir(parents=True, exist_ok=True)
    html_file.write_text(page, encoding="utf-8")


def _page(warehouse: Warehouse) -> str:
    [facts] = warehouse.rows("facts")
    months = warehouse.rows("growth_and_forecast", STARTING_POINTS) if facts["granularity"] == "day" else []
    rows = {
        name: warehouse.rows(name)
        for name in ("timeline", "month_to_date", "tools", "projects", "groups", "users", "idle_members", "keys")
    }
    totals = warehouse.rows("totals")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(age=_age, day=_day, number=_number)
    return environment.get_template("page.html").render(
        facts=facts,
        cards=_cards(facts, months),
        periods=warehouse.rows("periods"),
        tools=list(dict.fromkeys(row["tool"] for row in rows["timeline"])),
        sections={section.name: section for section in _sections(rows)} if facts["row_count"] else {},
        idle=rows["idle_members"],
        keys=rows["keys"],
        totals=totals[0] if totals else None,
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        script=(_HERE / "page.js").read_text(encoding="utf-8"),
        library=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;") if facts["row_count"] else "",
        specs=_json(_specs(rows, facts["granularity"])) if facts["row_count"] else "{}",
    )


def _specs(rows: dict[str, list[Row]], granularity: str) -> dict[str, charts.Spec]:
    specs = {
        "timeline": charts.timeline(rows["timeline"], granularity),
        "projects": charts.ranking(rows["projects"], "Credits by project"),
        "groups": charts.ranking(rows["groups"], "Credits by group"),
        "users": charts.ranking(rows["users"], "Credits by person"),
        "tools": charts.credits_per_use(rows["tools"]),
    }
    if rows["month_to_date"]:
        specs["month_to_date"] = charts.month_to_date(rows["month_to_date"])
    return specs


def _sections(rows: dict[str, list[Row]]) -> list[Section]:
    usual = ("name", "credits", "uses")
    found = [
        Section(
            "month_to_date",
            "The month so far",
            "Finished days only, against the month before.",
            ("month", "day", "credits"),
            rows["month_to_date"],
        ),
        Section("projects", "By project", "A renamed project is one project.", usual, rows["projects"]),
        Section("groups", "By group", "The group a person was in when the usage was read.", usual, rows["groups"]),
        Section("users", "By person", "The twelve largest; everyone else in one line.", usual, rows["users"]),
        Section(
            "tools",
            "What one use costs",
            "Credits divided by uses, on average.",
            ("name", "credits", "uses", "per_use"),
            rows["tools"],
        ),
    ]
    return [section for section in found if section.rows]


def _cards(facts: Row, months: Sequence[Row]) -> list[Card]:
    if not facts["row_count"]:
        return []
    people, members = facts["people"], facts["active_members"]
    share = facts["unattributed"] / facts["credits"] if facts["credits"] else 0
    cards = [
        Card(
            "All credits", _number(facts["credits"]), f"{_number(facts['uses'])} uses since {_day(facts['first_day'])}"
        ),
        Card(
            "People using credits",
            _number(people),
            f"the team has {_number(members)} active members" if members else "the list of members is not synced",
        ),
        Card(
            "Not attributed",
            f"{share:.1%}",
            f"{_number(facts['unattributed'])} credits that Magnific gives to no person",
        ),
        Card("Synced through", f"{facts['through'].day} {facts['through']:%b %Y}", _freshness(facts)),
    ]
    return [*_month_cards(months), *cards]


def _month_cards(months: Sequence[Row]) -> list[Card]:
    if not months:
        return []
    newest = months[-1]
    month, through, growth = newest["month"], newest["through"], newest["growth_percent"]
    compared = "no month before to compare with"
    if len(months) > 1 and growth is not None:
        sign = "+" if growth > 0 else "\N{MINUS SIGN}" if growth < 0 else ""
        compared = f"{sign}{abs(growth):.1f}% on the same days a month before"
    return [
        Card(f"{month:%B}, day 1 to {through.day}", _number(newest["credits"]), compared),
        Card(
            f"{month:%B}, forecast",
            _number(newest["forecast"]),
            "so far, plus the average day of the last four weeks for each day to come",
        ),
    ]


def _freshness(facts: Row) -> str:
    synced = facts["synced_at"]
    if synced is None:
        return "when it was synced is not recorded"
    running = "; that day was still going on" if facts["complete"] and facts["complete"] < facts["through"] else ""
    return f"synced {_day(synced)}, {synced:%H:%M} UTC{running}"


def _day(day: date | None) -> str:
    """
    >>> _day(date(2026, 3, 9))
    '9 March 2026'
    """
    return f"{day.day} {day:%B %Y}" if day else NOTHING


def _number(value: float | None) -> str:
    """
    >>> _number(1234567), _number(8.25)
    ('1,234,567', '8.2')
    """
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"


def _age(months: int | None) -> str:
    """
    >>> _age(1), _age(23), _age(47)
    ('1 month', '23 months', '3 years')
    """
    if months is None:
        return NOTHING
    if months >= 24:
        return f"{months // 12} years"
    return "1 month" if months == 1 else f"{months} months"


def _json(content: Any) -> str:
    """JSON that may stand in a script element, whatever the names in it."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m demo.report", description="Write the usage report as one HTML page.")
    parser.add_argument("duckdb_file", nargs="?", type=Path, default=FOLDER / DUCKDB_FILE)
    parser.add_argument("html_file", nargs="?", type=Path, default=FOLDER / HTML_FILE)
    given = parser.parse_args(argv)
    try:
        write_report(given.duckdb_file, given.html_file)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The report is in {given.html_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
