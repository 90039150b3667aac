"""`python -m demo.report [DUCKDB FILE] [HTML FILE]`: show the dbt package's marts on one page that works offline.

The models define every figure. The page only adds up and compares usage on the days that you choose.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from demo.data_origin import FOLDER
from demo.marts import DUCKDB_FILE, Marts, Row, open_marts
from verify.duckdb_file import UserError

HTML_FILE = "report.html"

_PAGE = Path(__file__).parent / "page"
# The order matters: each script uses the scripts before it.
_SCRIPTS = ("usage.js", "tables.js", "charts.js", "budget.js", "lists.js", "page.js")
_NOBODY = "(not attributed to a person)"
_BY_KIND = {"team": "team", "tool": "tool", "person": "person", "project": "project_reference", "group": "group_label"}
"""The ways to group usage, as named on the page, each with its column in magnific__usage."""
_OPTIONAL = [f"magnific__{name}" for name in ("usage_by_api_key", "people", "month", "budget", "alerts", "forecast")]
_OF_PEOPLE = "team, member_role, member_status, group_name, has_seat, last_day"
_FIGURES = """
    cast(sum(uses) as bigint) as uses, cast(sum(credits) as bigint) as credits,
    cast(round(sum(cost), 6) as double) as cost
"""


def write_report(duckdb_file: Path, html_file: Path, schema: str | None = None) -> None:
    """Read the marts and write the page. Raises UserError if the file or its marts are missing."""
    with open_marts(duckdb_file, schema) as marts:
        page = _page(marts)
    html_file.parent.mkdir(parents=True, exist_ok=True)
    html_file.write_text(page, encoding="utf-8")


def _page(marts: Marts) -> str:
    data = _data(marts)
    files = {file.name: file.read_text(encoding="utf-8") for file in _PAGE.iterdir()}
    none = "There is no credit usage in this file yet. Sync usage into it, then run <code>make models report</code>."
    parts = {"style": files["page.css"], "synced": "", "main": f"<p>{none}</p>", "data": "", "script": ""}
    if data["usage"]["day"]:
        script = "".join(files[name] for name in _SCRIPTS)
        parts |= {"synced": _synced_in_words(data), "main": files["main.html"], "data": _packed(data), "script": script}
    page = files["page.html"]
    for name, part in parts.items():
        page = page.replace(f"{{{{{name}}}}}", part)
    return page


def _data(marts: Marts) -> dict[str, Any]:
    """Return the page's data. Usage is stored by column: names as indexes, days as offsets from the first day."""
    synced = marts.rows("select * from magnific__synced where synced_from is not null order by team")
    start = marts.start_date
    # `synced_from` is the first day with usage; earlier days of that month may have been synced too.
    firsts = {row["team"]: max(min(row["synced_from"], start), row["synced_from"].replace(day=1)) for row in synced}
    first = min(firsts.values(), default=date.min)
    # A person in several teams has a seat in each, so add the team's name to tell the seats apart.
    person = f"person || if(person = '{_NOBODY}', '', ', ' || team)" if len(firsts) > 1 else "person"
    ids: dict[str, dict[str, int]] = {kind: {} for kind in (*_BY_KIND, "key")}
    for row in marts.rows("select tool from magnific__usage group by tool order by sum(credits) desc, tool"):
        ids["tool"][row["tool"]] = len(ids["tool"])
    by_kind = _BY_KIND | {"person": person}
    columns = ", ".join(f"coalesce({column}, '') as \"{kind}\"" for kind, column in by_kind.items())
    usage = marts.rows(f"select date, {columns}, {_FIGURES} from magnific__usage group by all order by all")
    by_key = marts.rows_if_built(
        "magnific__usage_by_api_key",
        f"date, team, tool, {person} as person, api_key_id as key, max(key_name) as name, {_FIGURES}",
        "group by all order by all",
    )
    alerts = "natural left join (select team, scope, name, cycle_start, level, crossed_on from magnific__alerts)"
    dated = alerts if "magnific__alerts" in marts.built else ""
    projects = marts.rows(
        "select coalesce(project_reference, '') as id, max(project_name) as name from magnific__usage group by all"
    )
    return {
        "first": first,
        "firsts": firsts,
        "through": max((row["through"] for row in synced), default=None),
        "complete": min((row["complete_through"] for row in synced), default=None),
        "syncedAt": min((row["synced_at"] for row in synced), default=None),
        "currency": next((row["currency"] for row in synced if row["currency"]), None),
        "isInvented": marts.is_of_sandbox,
        "hasPrices": any(row["has_prices"] for row in synced),
        "off": [mart for mart in _OPTIONAL if mart not in marts.built],
        "nobody": _NOBODY,
        "usage": _columns(usage, first, ids, list(_BY_KIND)),
        "byKey": _columns(by_key, first, ids, ["team", "tool", "person", "key"]),
        "ids": {kind: list(numbers) for kind, numbers in ids.items()},
        "names": {
            "project": {row["id"]: row["name"] or row["id"] or "(no project)" for row in projects},
            "key": {"": "(without an API key)"} | {row["key"]: row["name"] for row in by_key},
        },
        "people": marts.rows_if_built("magnific__people", f"{person} as person, {_OF_PEOPLE}", "order by all"),
        "budget": marts.rows_if_built(
            "magnific__budget", "*", f"{dated} order by cycle_start desc, scope desc, used desc, name"
        ),
        "forecast": marts.rows_if_built(
            "magnific__forecast", "team, date, expected_credits as expected, expected_cost", "order by team, date"
        ),
        "months": marts.rows_if_built(
            "magnific__month",
            "*, month as cycle_start, last_day(month) as cycle_end, cost as used_cost, null as allowance",
            "order by team, month",
        ),
    }


def _columns(rows: list[Row], first: date, ids: dict[str, dict[str, int]], kinds: list[str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"day": [(row["date"] - first).days for row in rows]}
    for kind in kinds:
        columns[kind] = [ids[kind].setdefault(row[kind], len(ids[kind])) for row in rows]
    return columns | {figure: [row[figure] for row in rows] for figure in ("uses", "credits", "cost")}


def _packed(content: Any) -> str:
    """Return gzipped JSON in base64, which is a tenth of the plain JSON's size and cannot contain `</script>`."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _plain(value: Any) -> str | float:
    return value.isoformat() if hasattr(value, "isoformat") else float(value)


def _synced_in_words(data: dict[str, Any]) -> str:
    at = f"; read on {data['syncedAt']:%-d %B %Y at %H:%M} UTC" if data["syncedAt"] else ""
    invented = " The team, its prices and its budgets are invented." if data["isInvented"] else ""
    off = f" Not built, so not shown: {', '.join(data['off'])}." if data["off"] else ""
    return f"Data from {data['first']:%-d %B %Y} to {data['through']:%-d %B %Y}{at}.{off}{invented}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m demo.report", description="Write the usage report as one HTML page.")
    parser.add_argument("duckdb_file", nargs="?", type=Path, default=FOLDER / DUCKDB_FILE)
    parser.add_argument("html_file", nargs="?", type=Path, default=FOLDER / HTML_FILE)
    parser.add_argument("--schema", help="schema of the marts, if several schemas in the file have them")
    given = parser.parse_args(argv)
    try:
        write_report(given.duckdb_file, given.html_file, given.schema)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The report is in {given.html_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
