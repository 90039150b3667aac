"""What a reader of the report chooses, and the ways back."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_page import Browser, make_file
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from demo.report import write_report


@pytest.fixture()
def browser(chromium: Chrome) -> Browser:
    return Browser(chromium)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a year of fourteen people."""
    folder = tmp_path_factory.mktemp("choices")
    write_report(make_file(folder / "year.duckdb", 400, 14), folder / "year.html")
    return folder / "year.html"


def test_a_choice_is_in_the_address_and_the_browser_goes_back(browser: Browser, year: Path) -> None:
    browser.show(year)
    everything = browser.card("Credits")
    Select(browser.driver.find_element(By.ID, "period")).select_by_visible_text("Last 30 days")
    browser.wait_for("#period=30")
    thirty = browser.card("Credits")
    browser.driver.find_element(By.LINK_TEXT, "person.003@team.example").click()
    browser.wait_for("#period=30&person=person.003%40team.example")
    one = browser.card("Credits")
    assert len({everything, thirty, one}) == 3
    assert browser.text("#filters") == "Only person: person.003@team.example ✕"
    assert [row[0] for row in browser.rows("#s-person")[1:]] == ["person.003@team.example", "Total"]
    assert len(browser.rows("#s-tool")) > 2, "the tools of that person"
    browser.keep("year-one-person")
    browser.driver.back()
    browser.wait_for("#period=30")
    assert browser.card("Credits") == thirty
    browser.driver.forward()
    browser.wait_for("#period=30&person=person.003%40team.example")
    browser.driver.find_element(By.CSS_SELECTOR, "#filters a").click()
    browser.wait_for("#period=30")
    browser.driver.back()
    browser.driver.back()
    browser.driver.back()
    browser.wait_for("#")
    assert browser.card("Credits") == everything


def test_from_a_project_to_its_people(browser: Browser, year: Path) -> None:
    browser.show(year, chosen="#period=30&project=p-1")
    people = [row[0].removesuffix("owner") for row in browser.rows("#s-person")[1:-1]]
    assert sorted(people) == [f"person.{number:03}@team.example" for number in range(1, 14, 3)]


def test_what_went_through_no_key_is_a_figure_and_no_choice(browser: Browser, year: Path) -> None:
    browser.show(year, chosen="#period=30")
    everything = browser.card("Credits"), browser.rows("#s-key")
    assert everything[1][-2][0] == "not through an API key"
    assert browser.ask("return [...document.querySelectorAll('#s-key a')].map((one) => one.textContent)") == [
        "Pipeline"
    ]
    browser.show(year, chosen="#period=30&key=")
    assert (browser.card("Credits"), browser.rows("#s-key")) == everything
    assert browser.text("#filters") == ""


@pytest.mark.parametrize("chosen", ["in=constructor", "unit=century", "period=toString", "__proto__=x", "unit="])
def test_what_an_address_says_that_nobody_knows_is_ignored(browser: Browser, year: Path, chosen: str) -> None:
    browser.show(year)
    plain = browser.text("main")
    browser.show(year, chosen=f"#{chosen}")
    assert browser.text("main") == plain
    assert browser.complaints() == []


def test_the_keyboard_goes_on_where_the_choice_was_made(browser: Browser, year: Path) -> None:
    browser.show(year)
    focused = "return document.activeElement.id"
    browser.driver.find_element(By.LINK_TEXT, "person.003@team.example").send_keys(Keys.ENTER)
    browser.wait_for("#person=person.003%40team.example")
    assert browser.ask(focused) == "h-person"
    assert not browser.driver.find_element(By.ID, "s-idle").is_displayed(), "that list knows no filter"
    browser.driver.find_element(By.CSS_SELECTOR, "#filters a").send_keys(Keys.ENTER)
    browser.wait_for("#")
    assert browser.ask(focused) == "period"


def test_bars_are_as_long_as_their_figures_whatever_they_name(browser: Browser, year: Path) -> None:
    browser.show(year)
    for kind in ("tool", "person", "project", "group", "key"):
        bars = [float(one) for one in browser.ask(
            f"return [...document.querySelectorAll('#s-{kind} .bar')].map((one) => parseFloat(one.style.width))"
        )]  # fmt: skip
        rows = [row for row in browser.rows(f"#s-{kind}")[1:-1] if " more " not in row[0]]
        figures = [int(row[1].replace(",", "")) for row in rows]
        assert bars == pytest.approx([100 * one / max(figures) for one in figures], abs=0.01)


def test_the_timeline_has_bars_of_other_sizes(browser: Browser, year: Path) -> None:
    browser.show(year)
    weeks = browser.marks("timeline")
    Select(browser.driver.find_element(By.ID, "unit")).select_by_visible_text("month")
    browser.wait_for("#unit=month")
    assert browser.marks("timeline") < weeks / 3


def test_a_long_list_unfolds(browser: Browser, tmp_path: Path) -> None:
    html = tmp_path / "many.html"
    write_report(make_file(tmp_path / "many.duckdb", 20, 40), html)
    browser.show(html)
    assert len(browser.rows("#s-person")) == 1 + 12 + 1 + 1 + 1
    browser.driver.find_element(By.CSS_SELECTOR, "#s-person .more").click()
    browser.wait("return document.querySelectorAll('#s-person tr').length > 20")
    assert len(browser.rows("#s-person")) == 1 + 39 + 1 + 1


def test_the_timeline_zooms_by_wheel_and_by_keyboard(browser: Browser, year: Path) -> None:
    browser.show(year)
    whole = browser.texts("timeline", "role-axis-label")

    def wheel(modifiers: int) -> None:
        x, y = browser.ask(
            "const chart = document.getElementById('timeline'); chart.scrollIntoView({block: 'center'});"
            "const box = chart.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
        )
        event = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -300, "modifiers": modifiers}
        browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def differs_from(labels: list[str]) -> str:
        found = "[...document.querySelectorAll('#timeline svg .role-axis-label text')].map((t) => t.textContent)"
        return f"return {found}.filter(Boolean).join('|') !== {'|'.join(labels)!r}"

    wheel(modifiers=2)
    browser.wait(differs_from(whole))
    closer = browser.texts("timeline", "role-axis-label")
    before = browser.ask("return scrollY")
    wheel(modifiers=0)
    browser.wait(f"return scrollY < {before}")
    assert browser.texts("timeline", "role-axis-label") == closer, "without Ctrl the wheel scrolls the page"
    browser.driver.find_element(By.ID, "whole").send_keys(Keys.ENTER)
    browser.wait(differs_from(closer))
    assert browser.texts("timeline", "role-axis-label") == whole
    browser.driver.find_element(By.ID, "closer").send_keys(Keys.ENTER)
    browser.wait(differs_from(whole))
    nearer = browser.texts("timeline", "role-axis-label")
    browser.driver.find_element(By.ID, "earlier").send_keys(Keys.ENTER)
    browser.wait(differs_from(nearer))
    assert browser.complaints() == []
