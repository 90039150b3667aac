"""A synced file of any size, and the report made of it in a browser."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from patience import HUNG
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

LAST = date(2026, 3, 17)
TOOLS = {"AI Image Models": 40, "Video Generator": 350, "Upscaler": 60, "Asset Download": 90}
PHONE, WIDE = (390, 844), (1280, 900)


def make_file(file: Path, days: int, people: int, granularity: str = "day", project: str = "Catalogue") -> Path:
    """A synced file: everybody but the last person uses one tool a day; asset downloads are nobody's.

    Every second day person 2 is written in capitals. What person 1 does goes through the one API key.
    """
    first = LAST - timedelta(days=days - 1)
    with duckdb.connect(file) as connection:
        connection.execute(
            f"""
            create table credit_usage as
            select
                md5(concat(day, '/', person)) as usage_id, cast(day as date) as date, '{granularity}' as granularity,
                case when person = 0 then 'Asset Download' else ['AI Image Models', 'Video Generator', 'Upscaler']
                    [1 + (person + dayofyear(day)) % 3] end as tool,
                case when person = 2 and dayofyear(day) % 2 = 0 then 'PERSON.002@team.example'
                    when person > 0 then printf('person.%03d@team.example', person) end as user_email,
                1 + (person * 7 + dayofyear(day)) % 20 as user_uses,
                null::bigint as user_credits,
                case when person % 3 = 1 then 'p-1' end as project_reference,
                case when person % 3 = 1 then $project end as project_name,
                case when person % 2 = 1 then 'Studio' end as group_name,
                timestamp '{LAST} 06:30:00' as _airbyte_extracted_at
            from generate_series(timestamp '{first}', timestamp '{LAST}', interval 1 day) as days(day)
            cross join range(0, greatest({people}, 2)) as team(person)
            where granularity = 'day' or day(day) = 1
            """,
            {"project": project},
        )
        for tool, price in TOOLS.items():
            connection.execute("update credit_usage set user_credits = user_uses * ? where tool = ?", [price, tool])
        connection.execute(
            f"""
            create table members as
            select printf('person.%03d@team.example', n) as email, if(n = 1, 'owner', 'member') as role,
                'active' as status
            from range(1, {people} + 1) as team(n)
            """
        )
        connection.execute(
            "create table credit_usage_by_api_key as select 'k' as api_key_id, * from credit_usage "
            "where user_email like 'person.001@%'"
        )
        connection.execute(
            "create table projects as select 'p-1' as project_reference, $name as name", {"name": project}
        )
        connection.execute(
            "create table api_keys as select 'k' as api_key_id, 'Pipeline' as display_name, 'active' as status, "
            "timestamp '2024-01-09' as created_at"
        )
    return file


class Browser:
    """Chromium, and what a person would see and do in it."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self.name = ""

    def show(self, html: Path, size: tuple[int, int] = WIDE, dark: bool = False, chosen: str = "") -> None:
        """Open the page in a window of `size`, with `chosen` in its address, and wait until its charts are drawn."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )
        self.set_scheme(dark)
        self.driver.get_log("browser")
        # Another fragment alone would not load the page again.
        self.driver.get("about:blank")
        self.driver.get(html.as_uri() + chosen)
        if self.driver.find_elements(By.ID, "timeline"):
            self.wait_for(chosen or "#")
        self.keep(f"{html.stem}-{'phone' if size == PHONE else 'wide'}-{'dark' if dark else 'light'}{chosen}")

    def wait_for(self, chosen: str) -> None:
        """Return once all of the page shows what its address says: `#period=30`."""
        self.wait(f"return document.body.dataset.drawn === {chosen!r}")

    def text(self, css: str) -> str:
        return str(self.ask("return document.querySelector(arguments[0]).textContent", css))

    def card(self, title: str) -> tuple[str, str]:
        """Figure and note of a card."""
        figure, note = self.ask(
            "const card = [...document.querySelectorAll('.card')].find((one) => "
            "one.querySelector('dt').textContent === arguments[0]);"
            "return [...card.querySelectorAll('dd')].map((one) => one.textContent)",
            title,
        )
        return str(figure), str(note)

    def rows(self, css: str) -> list[list[str]]:
        """The cells of the table in there, heading and total included."""
        found: list[list[str]] = self.ask(
            "return [...document.querySelectorAll(`${arguments[0]} tr`)]"
            ".map((row) => [...row.children].map((cell) => cell.textContent))",
            css,
        )
        return found

    def set_scheme(self, dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def keep(self, name: str) -> None:
        folder = os.environ.get("REPORT_SCREENSHOTS")
        if folder:
            shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
            Path(folder, f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def ask(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str) -> None:
        self.wait_until(lambda: self.ask(script))

    def wait_until(self, condition: Callable[[], Any]) -> None:
        """Return once it holds; an hour without is a page that hangs."""
        WebDriverWait(self.driver, HUNG, poll_frequency=0.05).until(lambda _: condition())

    def marks(self, chart: str) -> int:
        """How many shapes with a size the chart has drawn."""
        return int(
            self.ask(
                "return [...document.querySelectorAll(`#${arguments[0]} svg .role-mark path`)]"
                ".filter((path) => { const box = path.getBBox(); return box.width + box.height > 0; }).length",
                chart,
            )
        )

    def texts(self, chart: str, part: str) -> list[str]:
        """The words of the chart's text marks, or of its axis labels."""
        found = self.ask(
            "return [...document.querySelectorAll(`#${arguments[0]} svg .${arguments[1]} text`)]"
            ".map((text) => text.textContent).filter(Boolean)",
            chart,
            part,
        )
        return [str(text) for text in found]

    def complaints(self) -> list[str]:
        """Errors and warnings on the console since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
