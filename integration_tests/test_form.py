"""The settings as people meet them: the specification as a form in a real browser.

The page form.html translates it as Airbyte does, and json-editor, installed on first use and kept, draws it.
Each test leaves a screenshot in its temporary folder, for people to look at.
"""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from connector_process import Connector
from npm import modules
from patience import HUNG
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

HERE = Path(__file__).parent
# json-editor shows links in descriptions only if DOMPurify is there to clean them.
PACKAGES = ("@json-editor/json-editor@2.17.2", "dompurify@3.4.18")
GOOD: dict[str, Any] = {
    "api_key": "FPSX0123456789abcdef",
    "start_date": "2026-01-01",
    "plan": "enterprise",
    "granularity": "week",
    "lookback_window_days": 30,
    "end_date": "2026-06-30",
    "group_ids": [10, 20],
    "project_references": ["0b7c1f9e-52a4-4c1d-9a8e-3f6d2b5e7a10"],
    "api_key_ids": ["fpk-0123456789ab"],
}


class Form:
    """The form in Chromium, and what a person does with it."""

    def __init__(self, driver: Chrome, specification: dict[str, Any]) -> None:
        self.driver = driver
        driver.get_log("browser")
        driver.get((HERE / "form.html").as_uri())
        self.ask("show(arguments[0])", specification)
        self.wait_until("return form.ready", True)

    def ask(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait_until(self, script: str, expected: Any) -> None:
        """Until the script answers what is expected."""
        WebDriverWait(self.driver, HUNG, poll_frequency=0.05).until(lambda _: self.ask(script) == expected)

    def fill(self, setting: str, value: Any) -> None:
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.ask("form.getEditor(arguments[0]).add_row_button.click()", f"root.{setting}")
                self.fill(f"{setting}][{index}", item)
            return
        field = self.driver.find_element(By.NAME, f"root[{setting}]")
        if field.tag_name == "select":
            Select(field).select_by_visible_text(value)
        else:
            field.send_keys(Keys.CONTROL + "a", Keys.NULL, Keys.DELETE, str(value), Keys.TAB)


@pytest.fixture(scope="module")
def specification(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    [spec] = Connector(tmp_path_factory.mktemp("spec"))("spec").of("SPEC")
    return dict(spec["connectionSpecification"])


@pytest.fixture()
def form(chromium: Chrome, specification: dict[str, Any], tmp_path: Path) -> Iterator[Form]:
    modules("form", *PACKAGES)
    form = Form(chromium, specification)
    yield form
    shot = chromium.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    (tmp_path / "form.png").write_bytes(base64.b64decode(shot["data"]))
    assert chromium.get_log("browser") == []


def test_each_visible_setting_is_a_field_with_its_words(form: Form, specification: dict[str, Any]) -> None:
    fields = form.ask("return fields()")
    assert [field["name"] for field in fields] == list(GOOD), "in order, without the hidden base_url"
    for field in fields:
        setting = specification["properties"][field["name"]]
        assert field["title"] == setting["title"]
        assert field["description"].startswith(re.sub("<[^>]*>", "", setting["description"]))
        assert field["links"] == re.findall('<a href="(https://[^"]+)"', setting["description"])
        assert (field["value"], field["choices"]) == (str(setting.get("default", "")), setting.get("enum", []))
    assert [field["name"] for field in fields if field["links"]] == ["api_key"]
    assert [field["name"] for field in fields if field["required"]] == ["api_key", "start_date"]
    assert [field["name"] for field in fields if not field["folded"]] == list(GOOD)[:4]
    controls = ["password", "text", "select", "select", "text", "text", "list", "list", "list"]
    assert [field["control"] for field in fields] == controls


def test_a_good_configuration_has_no_error(form: Form) -> None:
    for setting, value in GOOD.items():
        form.fill(setting, value)
    form.wait_until("return [form.getValue(), form.validate(), errors()]", [GOOD, [], {}])


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("api_key", "", "Value required."),
        ("start_date", "01/02/2026", "Enter it as YYYY-MM-DD."),
        ("end_date", "2026-6-30", "Enter it as YYYY-MM-DD."),
        ("lookback_window_days", 181, "Value must be at most 180."),
        ("group_ids", [10, 0], "Value must be at least 1."),
        ("project_references", ["0b7c1f9e"], "Enter it as xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx."),
        ("api_key_ids", [""], "Value required."),
    ],
)
def test_a_wrong_value_is_an_error_at_its_own_field(form: Form, setting: str, value: Any, error: str) -> None:
    for required in ("api_key", "start_date"):
        form.fill(required, GOOD[required])
    form.wait_until("return [form.validate(), errors()]", [[], {}])
    form.fill(setting, value)
    place = f"{setting}.{len(value) - 1}" if isinstance(value, list) else setting
    form.wait_until("return errors()", {place: error})
