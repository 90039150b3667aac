"""Create marts of any size, and open their report in a browser."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sandbox_process import HUNG
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from demo.report import write_report

LAST = date(2026, 3, 17)
NOBODY = "(not attributed to a person)"
MINUS = "\N{MINUS SIGN}"
TOOLS = {"AI Image Models": 40, "Video Generator": 350, "Upscaler": 60, "Asset Download": 90}
PHONE, TABLET, WIDE = (390, 844), (768, 1024), (1280, 900)


def make_marts(
    file: Path, days: int, people: int, *, prices: bool = True, teams: int = 1, project: str = "Catalogue"
) -> Path:
    """Create a file with the dbt package's marts. In each team, everyone except the last person uses one tool a day.

    Asset downloads are unattributed. People 1 and 2 use the only API key. Before February 2026, credits have no price.
    From 1 February 2026 on, a credit costs 0.002 EUR, and from 10 March 2026 on, 0.001 EUR.
    """
    first = LAST - timedelta(days=days - 1)
    price = "case when date >= '2026-03-10' then 0.001 when date >= '2026-02-01' then 0.002 end" if prices else "null"
    tools = "map {" + ", ".join(f"'{tool}': {credits}" for tool, credits in TOOLS.items()) + "}"
    with duckdb.connect(file) as connection:
        connection.execute(
            f"""
            create schema models; use models;
            create table magnific__usage as
            select
                *, credits * cast({price} as decimal(18, 6)) as cost,
                {"'EUR'" if prices else "null"} as currency
            from (
                select
                    'team ' || team as team, cast(day as date) as date,
                    case when person = 0 then 'Asset Download' else ['AI Image Models', 'Video Generator', 'Upscaler']
                        [1 + (person + dayofyear(day)) % 3] end as tool,
                    case when person > 0 then printf('person.%03d@team.example', person)
                        else '{NOBODY}' end as person,
                    case when person = 0 then '{NOBODY}' when person % 2 = 1 then 'Studio'
                        else '(no group)' end as group_label,
                    case when person % 3 = 1 then 'p-1' end as project_reference,
                    case when person % 3 = 1 then '{project}' end as project_name,
                    1 + (person * 7 + dayofyear(day)) % 20 as uses,
                    uses * {tools}[tool] as credits
                from generate_series(timestamp '{first}', timestamp '{LAST}', interval 1 day) as days(day)
                cross join range(0, greatest({people}, 2)) as people(person)
                cross join range(1, {teams} + 1) as teams(team)
            );
            create table magnific__usage_by_api_key as
            select team, date, 'k' as api_key_id, 'Pipeline' as key_name, tool, person, uses, credits, cost, currency
            from magnific__usage where person in ('person.001@team.example', 'person.002@team.example');
            create table magnific__people as
            select 'team ' || team as team, printf('person.%03d@team.example', n) as person,
                if(n = 1, 'owner', 'member') as member_role, 'active' as member_status, 'Studio' as group_name,
                true as has_seat, date '{LAST}' as last_day
            from range(1, {people} + 1) as people(n) cross join range(1, {teams} + 1) as teams(team);
            create table magnific__synced as
            select distinct team, date '{first}' as synced_from, date '{LAST}' as through,
                date '{LAST}' - 1 as complete_through, timestamp '{LAST} 06:30:00' as synced_at,
                currency, {prices} as has_prices from magnific__usage;
            create table magnific__forecast as
            select team, cast(day as date) as date, 'team' as scope, 50000 as expected_credits, 50.0 as expected_cost
            from (select distinct team from magnific__usage)
            cross join generate_series(timestamp '{LAST}', timestamp '2026-03-31', interval 1 day) as days(day);
            create table magnific__budget as
            select team, scope, name, date '2026-03-01' as cycle_start, date '2026-03-31' as cycle_end,
                true as is_current, false as is_partial, 1000000 as allowance, 812345 as used,
                date '{LAST}' as used_through, false as is_used_through_over, 187655 as remaining,
                81.2 as percent_used, 1543210 as forecast,
                154.3 as forecast_percent, date '2026-03-22' as runs_out_on, 80 as level, 1000.0 as allowance_cost,
                1012.34 as used_cost, 1712.34 as forecast_cost, -12.34 as remaining_cost, 'EUR' as currency
            from (select distinct team from magnific__usage)
            cross join (values ('team', 'Team'), ('group', 'Studio')) as scopes(scope, name);
            create table magnific__month as
            select team, cast(date_trunc('month', date) as date) as month, cast(sum(credits) as bigint) as used,
                max(date) as used_through, month = '2026-03-01' as is_current, month < '{first}' as is_partial,
                month < '2026-03-01' as is_used_through_over, 1543210 as forecast, sum(cost) as cost,
                1712.34 as forecast_cost, 'EUR' as currency
            from magnific__usage group by 1, 2;
            create table magnific__alerts as
            select team, scope, name, cycle_start, level, date '2026-03-16' as crossed_on from magnific__budget
            """
        )
    return file


def make_report(folder: Path, days: int, people: int, change: str = "", **how: Any) -> Path:
    """Create marts, run the SQL in `change`, and create the report. The marts stay next to it, in a .duckdb file."""
    folder.mkdir(exist_ok=True)
    html = folder / "report.html"
    file = make_marts(html.with_suffix(".duckdb"), days, people, **how)
    with duckdb.connect(file) as connection:
        connection.execute(f"use models; {change}")
    write_report(file, html)
    return html


def number(text: str) -> float:
    return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-").lstrip("+") or 0)


class Browser:
    """Chromium, with methods for what a user sees and does."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        driver.set_script_timeout(HUNG)

    def show(self, html: Path, size: tuple[int, int] = WIDE, dark: bool = False, chosen: str = "") -> None:
        """Open `html` with `chosen` appended to its address, in a window of this `size`, and wait for its charts."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get_log("browser")
        # Leave the page first, because a new fragment alone would not reload it.
        self.driver.get("about:blank")
        self.driver.get(html.as_uri() + chosen)
        if self.driver.find_elements(By.ID, "timeline"):
            self.wait_for(chosen or "#")
            assert not re.findall("Invalid Date|NaN|undefined|null", self.text("header") + self.text("main"))

    def find(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def link(self, name: str) -> WebElement:
        return self.driver.find_element(By.LINK_TEXT, name)

    def select(self, field: str) -> Select:
        return Select(self.find(f"#{field}"))

    def wait_for(self, chosen: str) -> None:
        """Wait until the whole page shows what a fragment such as `#period=30` selects."""
        self.wait_until(lambda: self.ask(f"return document.body.dataset.drawn === {chosen!r}"))

    def text(self, css: str) -> str:
        return str(self.ask("return document.querySelector(arguments[0]).textContent", css))

    def card(self, title: str) -> tuple[str, str]:
        """Return a card's figure and note."""
        figure, note = self.ask(
            "const card = [...document.querySelectorAll('.card')].find((one) => "
            "one.querySelector('dt').textContent === arguments[0]);"
            "return [...card.querySelectorAll('dd')].map((one) => one.textContent)",
            title,
        )
        return str(figure), str(note)

    def rows(self, css: str) -> list[list[str]]:
        """Return the cells of the table in the element that `css` selects, including the heading and total rows."""
        found: list[list[str]] = self.ask(
            "return [...document.querySelectorAll(`${arguments[0]} tr:not(.rest)`)]"
            ".map((row) => [...row.children].map((cell) => cell.textContent))",
            css,
        )
        return found

    def ask(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait_until(self, condition: Callable[[], Any]) -> None:
        """Wait until `condition` is true; fail after an hour."""
        WebDriverWait(self.driver, HUNG, poll_frequency=0.05).until(lambda _: condition())

    def marks(self, chart: str) -> int:
        """Return the number of visible shapes in a chart."""
        boxes = "[...document.querySelectorAll(`#${arguments[0]} :is(.piece, .line)`)].map((mark) => mark.getBBox())"
        return int(self.ask(f"return {boxes}.filter((box) => box.width + box.height > 0).length", chart))

    def buttons(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, f"{css} button")

    def save_into(self, folder: Path) -> None:
        """From now on, save downloads to `folder`."""
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})

    def saved(self, folder: Path, pattern: str, count: int) -> list[Path]:
        """Wait until `count` files are completely saved, and return them."""
        self.wait_until(lambda: [file.stat().st_size > 0 for file in folder.glob(pattern)] == [True] * count)
        self.wait_until(lambda: not [*folder.glob("*.crdownload")])
        return [*folder.glob(pattern)]

    def complaints(self) -> list[str]:
        """Return the console's errors and warnings since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
