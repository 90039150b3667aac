"""The report in a real browser without a network: Debian's chromium, driven by chromedriver.

Screenshots go to the folder that REPORT_SCREENSHOTS names, for people to look at.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from report_page import LAST, PHONE, WIDE, Browser, make_file
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from demo.report import main, write_report
from demo.warehouse import open_warehouse

CHARTS = ("timeline", "projects", "groups", "users", "tools")


@pytest.fixture()
def browser(chromium: Chrome) -> Browser:
    return Browser(chromium)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a year of fourteen people, a list of names that means harm included."""
    folder = tmp_path_factory.mktemp("report")
    html = folder / "year.html"
    write_report(
        make_file(folder / "year.duckdb", 400, 14, project="</script><img src=x onerror=alert(1)> & Söhne"), html
    )
    return html


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_chart_is_drawn_without_complaint(
    browser: Browser, year: Path, size: tuple[int, int], dark: bool
) -> None:
    browser.show(year, size, dark)
    assert {chart: browser.marks(chart) > 0 for chart in (*CHARTS, "month_to_date")} == dict.fromkeys(
        (*CHARTS, "month_to_date"), True
    )
    assert browser.complaints() == []
    assert browser.ask("return performance.getEntriesByType('resource').length") == 0
    assert browser.ask("return document.documentElement.scrollWidth") <= size[0]


def test_a_name_is_text_and_never_markup(browser: Browser, year: Path) -> None:
    browser.show(year)
    assert browser.ask("return document.querySelectorAll('img').length") == 0
    assert any("</script><img" in text for text in browser.texts("projects", "role-mark"))


@pytest.mark.parametrize(
    ("days", "people", "granularity"),
    [(1, 1, "day"), (730, 500, "day"), (730, 3, "month"), (31, 2, "day")],
    ids=["one-day-one-person", "two-years-500-people", "by-month", "a-month"],
)
def test_little_and_much_are_both_readable(
    browser: Browser, tmp_path: Path, days: int, people: int, granularity: str
) -> None:
    html = tmp_path / f"{days}-{people}-{granularity}.html"
    write_report(make_file(tmp_path / "some.duckdb", days, people, granularity), html)
    browser.show(html)
    assert all(browser.marks(chart) > 0 for chart in CHARTS)
    assert browser.marks("timeline") <= 500
    assert len(browser.texts("users", "role-mark")) <= 2 * 14
    assert html.stat().st_size < 4_000_000
    assert browser.complaints() == []
    browser.show(html, PHONE)
    assert browser.ask("return document.documentElement.scrollWidth") <= PHONE[0]


@pytest.mark.parametrize("tables", [True, False], ids=["empty-tables", "no-tables"])
def test_no_data_is_said_in_words(browser: Browser, tmp_path: Path, tables: bool) -> None:
    file = tmp_path / "none.duckdb"
    if tables:
        make_file(file, 1, 1)
        with duckdb.connect(file) as connection:
            for table in ("credit_usage", "members", "projects", "api_keys"):
                connection.execute(f"delete from {table}")
    else:
        duckdb.connect(file).close()
    html = tmp_path / "none.html"
    write_report(file, html)
    browser.show(html)
    assert "There is no credit usage in this file yet" in browser.driver.find_element(By.TAG_NAME, "main").text
    assert browser.complaints() == []


def test_the_period_filters_charts_and_figures(browser: Browser, year: Path) -> None:
    browser.show(year)
    with duckdb.connect(year.with_suffix(".duckdb"), read_only=True) as connection:
        [(expected,)] = connection.execute(
            "select sum(user_credits) from credit_usage where group_name = 'Studio' and date > ?",
            [LAST - timedelta(days=30)],
        ).fetchall()
    assert f"{expected:,}" not in browser.texts("groups", "role-mark")
    Select(browser.driver.find_element(By.ID, "period")).select_by_visible_text("Last 30 days")
    browser.wait(f"return document.querySelector('#groups svg').textContent.includes('{expected:,}')")
    assert browser.driver.find_element(By.ID, "unit").get_attribute("value") == "day"
    shown = browser.ask(
        "return [...document.querySelectorAll('#groups ~ details tbody')].filter((body) => !body.hidden)"
        ".map((body) => body.textContent).join()"
    )
    assert f"{expected:,}" in shown
    browser.keep("year-last-30-days")


def test_the_timeline_shows_one_tool_and_other_sizes(browser: Browser, year: Path) -> None:
    browser.show(year)
    weeks = browser.marks("timeline")
    Select(browser.driver.find_element(By.ID, "unit")).select_by_visible_text("month")
    browser.wait(f"return document.querySelectorAll('#timeline svg .mark-rect path').length < {weeks / 3}")
    months = browser.marks("timeline")
    Select(browser.driver.find_element(By.ID, "tool")).select_by_visible_text("Upscaler")
    browser.wait(f"return document.querySelectorAll('#timeline svg .mark-rect path').length < {months / 2}")


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


def test_everything_is_reached_with_the_tab_key(browser: Browser, year: Path) -> None:
    browser.show(year)
    wanted = browser.ask(
        "return [...document.querySelectorAll('select, button, summary')].map((one) => one.id || one.textContent)"
    )
    reached = []
    for _ in range(len(wanted) + 8):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.ask("return document.activeElement.id || document.activeElement.textContent"))
    assert list(dict.fromkeys(one for one in reached if one in wanted)) == wanted
    nameless = "return [...document.querySelectorAll('.chart')].filter((one) => !one.ariaLabel && "
    assert browser.ask(nameless + "!one.querySelector('[aria-label]')).map((one) => one.id)") == []


def test_the_charts_follow_the_colour_scheme(browser: Browser, year: Path) -> None:
    browser.show(year)
    colour = "return getComputedStyle(document.querySelector('#groups svg .role-mark text')).fill"
    light = browser.ask(colour)
    browser.set_scheme(dark=True)
    browser.wait(f"return (() => {{ {colour} }})() !== '{light}'")


def test_what_the_cards_and_lists_say(browser: Browser, tmp_path: Path) -> None:
    file = make_file(tmp_path / "said.duckdb", 60, 4)
    write_report(file, tmp_path / "said.html")
    browser.show(tmp_path / "said.html")
    text = browser.driver.find_element(By.TAG_NAME, "body").text
    with duckdb.connect(file, read_only=True) as connection:
        [(credits, share)] = connection.execute(
            "select sum(user_credits), sum(user_credits) filter (user_email is null) / sum(user_credits)"
            " from credit_usage"
        ).fetchall()
    for words in (
        f"{credits:,}",
        f"{share:.1%}",
        "March, day 1 to 16",
        "17 Mar 2026",
        "synced 17 March 2026, 06:30 UTC; that day was still going on",
        "person.004@team.example member not in this period",
        "Pipeline active 9 January 2024 2 years",
        "Not compared.",
    ):
        assert words in text


@pytest.mark.parametrize("off", [0, 1], ids=["equal", "one-credit-off"])
def test_the_sums_are_held_against_what_they_must_be(browser: Browser, tmp_path: Path, off: int) -> None:
    file = make_file(tmp_path / "sums.duckdb", 40, 4)
    with duckdb.connect(file) as connection:
        connection.execute(
            "create table demo_origin as select 'a test' as said_by, 'day' as granularity, min(date) as first, "
            "max(date) as last from credit_usage"
        )
        connection.execute(
            "create table demo_expected as select date, tool, sum(user_uses) as user_uses, "
            f"sum(user_credits) + {off} * (date = date '{LAST}' and tool = 'Upscaler')::int as user_credits "
            "from credit_usage group by date, tool"
        )
    write_report(file, tmp_path / "sums.html")
    browser.show(tmp_path / "sums.html")
    verdict = browser.driver.find_element(By.CLASS_NAME, "verdict").text
    assert verdict.startswith("No. 1 of" if off else "Yes.")


def test_rows_that_were_withdrawn_after_a_change_of_granularity_do_not_count(tmp_path: Path) -> None:
    file = make_file(tmp_path / "withdrawn.duckdb", 120, 4, "month")
    with open_warehouse(file) as warehouse:
        before = warehouse.rows("facts")
    with duckdb.connect(file) as connection:
        connection.execute(
            "insert into credit_usage by name select 'day-' || date || '-0' as usage_id, date, 'day' as granularity, "
            "0 as user_uses, 0 as user_credits, _airbyte_extracted_at + interval 1 second as _airbyte_extracted_at "
            f"from (select distinct date '{LAST}' as date, _airbyte_extracted_at from credit_usage)"
        )
    with open_warehouse(file) as warehouse:
        assert warehouse.rows("facts") == before
    assert before[0]["granularity"] == "month"


def test_a_file_that_is_not_there_is_one_plain_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.duckdb"), str(tmp_path / "x.html")]) == 1
    (tmp_path / "text.duckdb").write_text("not a database, " * 1000)
    assert main([str(tmp_path / "text.duckdb"), str(tmp_path / "x.html")]) == 1
    missing, unreadable = capsys.readouterr().err.splitlines()[:2]
    assert "run  make demo  first" in missing
    assert "cannot be opened as a DuckDB file" in unreadable
    assert not (tmp_path / "x.html").exists()
