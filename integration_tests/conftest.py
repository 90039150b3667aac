"""Fixtures that the integration tests share: a sandbox, the connector, a warehouse and a browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from built_models import built, built_ledger, duckdb_built, models_project, postgres_built  # noqa: F401
from connector_process import Connector
from demo_process import demo  # noqa: F401
from example_home import home  # noqa: F401
from report_page import Browser
from sandbox_process import Sandbox
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from warehouse import Warehouse

TODAY = "2026-03-31"

# Without this setting, Selenium sends usage statistics.
os.environ["SE_AVOID_STATS"] = "true"
CHROME_ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture()
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """A sandbox set to TODAY, without events, limits or quirks."""
    shared_sandbox.clear(TODAY)
    return shared_sandbox


@pytest.fixture()
def make_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """A function that starts a sandbox with the given command-line options. The sandbox stops when the test ends."""
    started: list[Sandbox] = []

    def make(*options: str) -> Sandbox:
        started.append(Sandbox(*options))
        return started[-1]

    yield make
    for sandbox in started:
        sandbox.stop()


@pytest.fixture()
def config(sandbox: Sandbox) -> dict[str, Any]:
    """A configuration for the Business plan: thirteen months of usage by month, in three windows with few rows."""
    return {
        "api_key": sandbox.api_key,
        "base_url": sandbox.base_url,
        "start_date": "2025-03-01",
        "end_date": TODAY,
        "granularity": "month",
    }


@pytest.fixture()
def connector(tmp_path: Path) -> Connector:
    """The console script."""
    return Connector(tmp_path)


@pytest.fixture()
def warehouse() -> Warehouse:
    return Warehouse()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chrome]:
    """A headless browser without network access: host names do not resolve, and the console reports failed requests."""
    driver_program = shutil.which("chromedriver")
    if not driver_program and not shutil.which(CHROME_ON_MACOS):
        pytest.skip(
            "These tests need a browser. On Debian, run: apt-get install chromium chromium-driver fonts-dejavu-core. "
            "On macOS, install Google Chrome. Then run the tests again."
        )
    options = ChromeOptions()
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "hide-scrollbars"):
        options.add_argument(f"--{argument}")
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # If the path is None, Selenium finds the driver for Google Chrome by itself.
    with Chrome(options=options, service=Service(driver_program)) as driver:
        yield driver


@pytest.fixture()
def browser(chromium: Chrome) -> Browser:
    return Browser(chromium)
