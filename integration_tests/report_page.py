"""A synced file of any size, and the report made of it in a browser."""

from __future__ import annotations

import base64
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

LAST = date(2026, 3, 17)
TOOLS = {"AI Image Models": 40, "Video Generator": 350, "Upscaler": 60, "Asset Download": 90}
PHONE, WIDE = (390, 844), (1280, 900)


def make_file(file: Path, days: int, people: int, granularity: str = "day", project: str = "Catalogue") -> Path:
    """A synced file: everybody but the last person uses one tool a day; asset downloads are nobody's."""
    first = LAST - timedelta(days=days - 1)
    with duckdb.connect(file) as connection:
        connection.execute(
            f"""
            create table credit_usage as
            select
                md5(concat(day, '/', person)) as usage_id, cast(day as date) as date, '{granularity}' as granularity,
                case when person = 0 then 'Asset Download' else ['AI Image Models', 'Video Generator', 'Upscaler']
                    [1 + (person + dayofyear(day)) % 3] end as tool,
                case when person > 0 then printf('person.%03d@team.example', person) end as user_email,
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

    def show(self, html: Path, size: tuple[int, int] = WIDE, dark: bool = False) -> None:
        """Open the page in a window of `size`, and wait until its charts are drawn."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )
        self.set_scheme(dark)
        self.driver.get_log("browser")
        self.driver.get(html.as_uri())
        if self.driver.find_elements(By.ID, "timeline"):
            self.wait("return Boolean(document.body.dataset.drawn)")
        self.keep(f"{html.stem}-{'phone' if size == PHONE else 'wide'}-{'dark' if dark else 'light'}")

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
        WebDriverWait(self.driver, 30, poll_frequency=0.05).until(lambda _: self.ask(script), script)

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
