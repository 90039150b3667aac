"""`python -m demo.report [DUCKDB FILE] [HTML FILE]`: where the credits went, on one page that works offline."""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import vl_convert

from demo import charts
from demo.origin import FOLDER, SANDBOX_LEDGER, DemoError
from demo.periods import Synced, periods
from demo.plan import INVENTED, Allowance, Price, read_allowances, read_prices
from demo.warehouse import DUCKDB_FILE, Row, Warehouse, open_warehouse

HTML_FILE = "report.html"

NOTHING = "\N{EN DASH}"

_PAGE = Path(__file__).parent / "page"
# In this order: each uses what stands in those before it.
_SCRIPTS = ("usage.js", "words.js", "tables.js", "charts.js", "budget.js", "page.js")
_NAMED = {
    "tool": "tool",
    "person": "user_email",
    "project": "project_reference",
    "group": "group_name",
    "key": "api_key_id",
}
"""What usage is counted by: a word of the page, and its column."""


def write_report(
    duckdb_file: Path,
    html_file: Path,
    prices: Sequence[Price] = (),
    allowances: Sequence[Allowance] = (),
    schema: str | None = None,
) -> None:
    """Read the file and write the page. Raises DemoError where there is no such file.

    The sandbox's invented usage gets the invented prices and allowances, where none are given.
    """
    with open_warehouse(duckdb_file, schema) as warehouse:
        of_sandbox = any(totals["said_by"] == SANDBOX_LEDGER for totals in warehouse.rows("totals"))
        invented = of_sandbox and not prices and not allowances
        if invented:
            prices = read_prices(INVENTED / "magnific_prices.csv")
            allowances = read_allowances(INVENTED / "magnific_allowances.csv")
        plan = {
            "prices": [asdict(one) for one in prices],
            "allowances": [asdict(one) for one in allowances],
            "invented": invented,
        }
        page = _page(warehouse, plan)
    html_file.parent.mkdir(parents=True, exist_ok=True)
    html_file.write_text(page, encoding="utf-8")


def _page(warehouse: Warehouse, plan: dict[str, Any]) -> str:
    [facts] = warehouse.rows("facts")
    keys, totals = warehouse.rows("keys"), warehouse.rows("totals")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(age=_age, day=_day, number=_number)
    has_usage = bool(facts["shown"])
    return environment.get_template("page.html").render(
        facts=facts,
        keys=keys,
        prices=bool(plan["prices"]),
        members=bool(warehouse.rows("members")),
        totals=totals[0] if totals else None,
        style=(_PAGE / "page.css").read_text(encoding="utf-8"),
        script="".join((_PAGE / name).read_text(encoding="utf-8") for name in _SCRIPTS) if has_usage else "",
        library=library() if has_usage else "",
        specs=_json({"timeline": charts.timeline(), "month_to_date": charts.month_to_date()}),
        data=_packed({**_data(warehouse, facts), **plan}) if has_usage else "",
    )


@cache
def library() -> str:
    """The script that draws the charts; it takes seconds to put together, and is always the same."""
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script


def _data(warehouse: Warehouse, facts: Row) -> dict[str, Any]:
    """What the page adds up: usage by columns, each name a number into a list, each day a number from the first."""
    first = facts["synced_from"]
    names: dict[str, dict[str, int]] = {one: {} for one in _NAMED}
    synced = Synced(facts["granularity"], first, facts["through"], facts["complete"])
    by_key = warehouse.rows("usage_by_api_key")
    return {
        "granularity": facts["granularity"],
        "first": first,
        "through": facts["through"],
        "complete": facts["complete"],
        "syncedAt": facts["synced_at"],
        "keysReadAt": facts["keys_read_at"],
        "periods": [asdict(one) for one in periods(synced)],
        "usage": _columns(warehouse.rows("usage"), first, names),
        "byKey": _columns(by_key, first, names) if facts["keys_read_at"] else None,
        "ids": {one: list(numbers) for one, numbers in names.items()},
        "names": {
            "project": {row["id"]: row["name"] for row in warehouse.rows("projects")},
            "key": {row["id"]: row["name"] for row in warehouse.rows("keys")},
        },
        "members": warehouse.rows("members"),
        "groups": warehouse.rows("groups"),
    }


def _columns(rows: Sequence[Row], first: date, names: dict[str, dict[str, int]]) -> dict[str, list[int]]:
    """The rows by columns; `names` gains what it lacks. -1 stands for nothing."""
    columns: dict[str, list[int]] = {"day": [(row["date"] - first).days for row in rows]}
    for one, column in _NAMED.items():
        numbers = names[one]
        columns[one] = [-1 if (name := row[column]) is None else numbers.setdefault(name, len(numbers)) for row in rows]
    return {**columns, "uses": [row["uses"] for row in rows], "credits": [row["credits"] for row in rows]}


def _packed(content: Any) -> str:
    """JSON in gzip in base64: a tenth of its size, and no character that could end a script element."""
    return base64.b64encode(gzip.compress(_json(content).encode(), mtime=0)).decode()


def _json(content: Any) -> str:
    """JSON that may stand in a script element, whatever the names in it; dates as ISO 8601."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=lambda value: value.isoformat())
    return text.replace("<", "\\u003c")


def _day(day: date | None) -> str:
    """
    >>> _day(date(2026, 3, 9))
    '9 March 2026'
    """
    return f"{day.day} {day:%B %Y}" if day else NOTHING


def _number(value: int) -> str:
    """
    >>> _number(1234567)
    '1,234,567'
    """
    return f"{value:,}"


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


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m demo.report", description="Write the usage report as one HTML page.")
    parser.add_argument("duckdb_file", nargs="?", type=Path, default=FOLDER / DUCKDB_FILE)
    parser.add_argument("html_file", nargs="?", type=Path, default=FOLDER / HTML_FILE)
    parser.add_argument("--prices", type=Path, help="a CSV file like dbt/seeds/magnific_prices.csv: shows money, too")
    parser.add_argument(
        "--allowances", type=Path, help="a CSV file like dbt/seeds/magnific_allowances.csv: shows what is left of them"
    )
    parser.add_argument("--schema", help="where the tables are, if in several schemas of the file")
    given = parser.parse_args(argv)
    try:
        prices = read_prices(given.prices) if given.prices else []
        allowances = read_allowances(given.allowances) if given.allowances else []
        write_report(given.duckdb_file, given.html_file, prices, allowances, given.schema)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The report is in {given.html_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
