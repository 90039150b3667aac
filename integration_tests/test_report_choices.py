"""Test each choice that a reader of the report can make, and how to undo it."""

from pathlib import Path

import pytest
from report_page import Browser, make_report
from selenium.webdriver.common.keys import Keys


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on forty people over thirteen months."""
    return make_report(tmp_path_factory.mktemp("choices"), 400, 40)


def people(browser: Browser) -> list[str]:
    """Return the people currently shown in the list of people, in order."""
    shown = """
        return [...document.querySelectorAll("#s-person tbody tr:not(.rest, [hidden]) .named")].map((one) => {
            const copy = one.cloneNode(true);
            copy.querySelector(".badge")?.remove();
            return copy.textContent;
        })
    """
    return list(browser.ask(shown))


def test_a_choice_is_in_the_address_and_the_browser_goes_back(browser: Browser, year: Path) -> None:
    browser.show(year)
    month = browser.card("Spent")
    assert browser.select("period").first_selected_option.text == "March 2026"
    browser.select("period").select_by_visible_text("Last 30 whole days")
    browser.wait_for("#period=30")
    thirty = browser.card("Spent")
    browser.link("person.003@team.example").click()
    browser.wait_for("#period=30&person=person.003%40team.example")
    assert len({month, thirty, browser.card("Spent")}) == 3
    assert "Only person: person.003@team.example" in browser.text("#filters")
    assert people(browser) == ["person.003@team.example"]
    browser.driver.back()
    browser.wait_for("#period=30")
    assert browser.card("Spent") == thirty
    browser.driver.forward()
    browser.wait_for("#period=30&person=person.003%40team.example")
    browser.find("#filters a").click()
    browser.wait_for("#period=30")


def enter_dates(browser: Browser, first: str, last: str) -> None:
    fields = "const [from, to] = ['from', 'to'].map((id) => document.getElementById(id));"
    browser.ask(fields + "[from.value, to.value] = arguments; to.dispatchEvent(new Event('change'))", first, last)


def test_own_dates(browser: Browser, year: Path) -> None:
    browser.show(year)
    enter_dates(browser, "2026-01-05", "2026-02-10")
    browser.wait_for("#from=2026-01-05&to=2026-02-10")
    assert browser.text("#shown").startswith("5 January to 10 February 2026")
    assert browser.select("period").first_selected_option.text == "Own dates"


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-03-09", "2026-03-01", "The first day is after the last."),
        ("2026-03-09", "", "Enter two valid days."),
        ("2026-03-09", "2026-04-01", "Choose days from 11 February 2025 to 17 March 2026."),
    ],
)
def test_wrong_dates_are_said_at_their_fields(browser: Browser, year: Path, first: str, last: str, said: str) -> None:
    browser.show(year)
    shown = browser.text("#shown")
    enter_dates(browser, first, last)
    assert (browser.text("#wrong"), browser.text("#shown")) == (said, shown)
    browser.show(year, chosen=f"#from={first}&to={last}")
    assert (browser.text("#wrong"), browser.text("#shown")) == (said, shown)


@pytest.mark.parametrize("chosen", ["in=constructor, unit=century", "period=toString", "person=nobody, x=1"])
def test_unknown_names_in_an_address_are_ignored_and_reported(browser: Browser, year: Path, chosen: str) -> None:
    browser.show(year)
    plain = browser.text("main")
    browser.show(year, chosen=f"#{chosen.replace(', ', '&')}")
    said = f"This part of the address is unknown, so it is ignored: {chosen}."
    assert (browser.text("#wrong"), browser.text("main").replace(said, "")) == (said, plain)
    assert browser.complaints() == []


def test_the_keyboard_goes_on_where_the_choice_was_made(browser: Browser, year: Path) -> None:
    browser.show(year)
    focused = "return document.activeElement.id"
    browser.link("person.003@team.example").send_keys(Keys.ENTER)
    browser.wait_for("#person=person.003%40team.example")
    assert browser.ask(focused) == "h-person"
    assert not browser.find("#s-seat").is_displayed(), "filters do not apply to that list"
    browser.find("#filters a").send_keys(Keys.ENTER)
    browser.wait_for("#")
    assert browser.ask(focused) == "period"


def test_from_25_people_on_a_list_is_sorted_and_searched(browser: Browser, year: Path, tmp_path: Path) -> None:
    browser.show(year)
    everybody = people(browser)
    assert len(everybody) == 40
    browser.find("#sort-person-0").send_keys(Keys.ENTER)
    assert people(browser) == sorted(everybody)
    assert browser.ask("return document.activeElement.id") == "sort-person-0"
    browser.find("#sort-person-0").send_keys(Keys.ENTER)
    assert people(browser) == sorted(everybody, reverse=True)
    total = browser.rows("#s-person")[-1]
    browser.find("#search-person").send_keys("person.01")
    assert people(browser) == [f"person.{n:03}@team.example" for n in range(19, 9, -1)]
    assert "10 of 39 people" in browser.text("#s-person .search")
    assert browser.rows("#s-person")[-1] == total
    browser.ask("window.dispatchEvent(new Event('beforeprint'))")
    assert people(browser) == sorted(everybody, reverse=True), "printing ignores the search"
    browser.show(year)
    browser.find("#sort-person-5").click()
    browser.select("period").select_by_visible_text("Everything synced")
    browser.wait_for("#period=all")
    assert browser.ask("return document.querySelectorAll('#s-person [aria-sort]').length") == 0, "the column is gone"
    browser.show(make_report(tmp_path, 20, 12))
    assert browser.ask("return document.querySelectorAll('.search, .sort').length") == 0


def test_what_went_through_no_key_is_the_rest(browser: Browser, year: Path) -> None:
    browser.show(year)
    _, pipeline, rest, total = browser.rows("#s-key")
    assert (pipeline[0], rest[0]) == ("Pipeline", "(without an API key)")
    assert total[1] == browser.card("Spent")[0].removeprefix("EUR ")
    browser.show(year, chosen="#group=Studio")
    assert not browser.find("#s-key").is_displayed(), "usage by key has no groups"


def test_a_key_is_chosen_like_any_other_name_and_says_who_used_it(browser: Browser, year: Path) -> None:
    browser.show(year)
    spent = {row[0].removesuffix("owner"): row[1] for row in browser.rows("#s-person")}
    browser.link("Pipeline").click()
    browser.wait_for("#key=k")
    _, *rows, total = browser.rows("#s-person")
    through_key = {row[0].removesuffix("owner"): row[1] for row in rows}
    assert set(through_key) == {"person.001@team.example", "person.002@team.example"}
    assert all(spent[person] == value for person, value in through_key.items())
    assert browser.card("Spent")[0] == f"EUR {total[1]}"
    assert [row[0] for row in browser.rows("#s-key")] == ["API key", "Pipeline", "Total"]
    for unknown in ("group", "project"):
        assert not browser.find(f"#s-{unknown}").is_displayed()
    browser.show(year, chosen="#key=k&group=Studio")
    assert browser.text("#wrong").endswith("so it is ignored: key=k (API keys have no groups or projects).")
    browser.show(year, chosen="#person=person.002%40team.example")
    assert [row[1] for row in browser.rows("#s-key")[1:3]] == [spent["person.002@team.example"], "0.00"]


def test_the_timeline_has_bars_of_other_sizes_and_tells_which_are_not_whole(browser: Browser, year: Path) -> None:
    browser.show(year, chosen="#period=all")
    weeks = browser.marks("timeline")
    assert "Week from 9 February 2026" not in browser.text("#parts")
    assert "Week from 16 March 2026 (16 to 17 March 2026, not over)" in browser.text("#parts")
    browser.select("unit").select_by_visible_text("month")
    browser.wait_for("#period=all&unit=month")
    assert browser.marks("timeline") < weeks / 3


def test_the_pointer_on_a_bar_tells_its_figures_with_their_unit(browser: Browser, year: Path) -> None:
    browser.show(year)
    browser.ask(
        "const bar = document.querySelector('#timeline .piece ~ rect[fill=transparent]');"
        "bar.dispatchEvent(new PointerEvent('pointermove', { clientX: 100, clientY: 100 }))"
    )
    lines = browser.ask("return [...document.querySelectorAll('#tip div')].map((one) => one.textContent)")
    assert lines[0] == "1 March 2026"
    assert lines[-1].startswith("Total: EUR ")
    assert all(" EUR " in line and line.endswith(("use", "uses")) for line in lines[1:-1])
