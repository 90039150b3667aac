"""The report in a real browser without a network.

Screenshots go to the folder that REPORT_SCREENSHOTS names, for people to look at.
"""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import duckdb
import pytest
from npm import modules
from pypdf import PdfReader
from report_page import LAST, PHONE, WIDE, Browser, make_file
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from demo.report import main, write_report
from demo.warehouse import open_warehouse

CHARTS = ("timeline", "month_to_date")
AXE_VERSION = "4.14.1"
LISTS = ("tool", "person", "project", "group", "key")


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
    assert {chart: browser.marks(chart) > 0 for chart in CHARTS} == dict.fromkeys(CHARTS, True)
    assert all(len(browser.rows(f"#s-{one}")) > 2 for one in LISTS)
    assert browser.complaints() == []
    assert browser.ask("return performance.getEntriesByType('resource').length") == 0
    assert browser.ask("return document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("chosen", ["#", "#period=30"])
def test_a_screen_reader_and_a_keyboard_meet_no_barrier(
    browser: Browser, year: Path, size: tuple[int, int], dark: bool, chosen: str
) -> None:
    """What axe-core finds serious is a barrier to somebody."""
    browser.show(year, size, dark, chosen)
    browser.driver.execute_script((modules("axe", f"axe-core@{AXE_VERSION}") / "axe-core" / "axe.min.js").read_text())
    found = browser.driver.execute_async_script("axe.run().then(arguments[0])")
    assert len(found["passes"]) > 10
    serious = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in serious] == []


def test_a_name_is_text_and_never_markup(browser: Browser, year: Path) -> None:
    browser.show(year)
    assert browser.ask("return document.querySelectorAll('img').length") == 0
    assert any("</script><img" in row[0] for row in browser.rows("#s-project"))


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
    assert 0 < browser.marks("timeline") <= 500
    assert 2 < len(browser.rows("#s-person")) <= 2 + 14
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


def test_on_a_phone_an_address_wraps_and_leaves_its_role_in_sight(browser: Browser, tmp_path: Path) -> None:
    file = make_file(tmp_path / "long.duckdb", 20, 3)
    address = f"{'maximiliane.' * 4}von.und.zu@a-company-with-a-long-name.example"
    with duckdb.connect(file) as connection:
        for table, column in (("credit_usage", "user_email"), ("members", "email")):
            connection.execute(f"update {table} set {column} = ? where {column} = 'person.001@team.example'", [address])
    write_report(file, tmp_path / "long.html")
    browser.show(tmp_path / "long.html", PHONE)
    badge = browser.driver.find_element(By.CSS_SELECTOR, "#s-person .badge")
    assert badge.text == "owner"
    assert badge.rect["x"] >= 0 and badge.rect["x"] + badge.rect["width"] <= PHONE[0]
    assert any(address in row[0] for row in browser.rows("#s-person"))
    assert browser.ask("return document.documentElement.scrollWidth") <= PHONE[0]


@pytest.mark.parametrize(("width", "height"), [(8.27, 11.69), (8.5, 11)], ids=["A4", "Letter"])
def test_a_printed_page_says_what_it_shows_and_has_its_tables(
    browser: Browser, year: Path, width: float, height: float
) -> None:
    browser.show(year, dark=True, chosen="#period=2026-02")
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": width, "paperHeight": height})
    pdf = PdfReader(BytesIO(base64.b64decode(printed["data"])))
    text = "\n".join(page.extract_text(extraction_mode="layout") for page in pdf.pages)
    assert "1 to 28 February 2026" in text
    for words in (
        "By person",
        "By tool",
        "By project",
        "By group",
        "By API key",
        "person.003@team.example",
        "Pipeline",
    ):
        assert words in text
    total = browser.card("Credits")[0]
    assert len(re.findall(rf"Total +{total}", text)) == 1 + len(LISTS), "once for each table, the timeline's included"
    assert "Zoom in" not in text


def test_everything_is_reached_with_the_tab_key(browser: Browser, year: Path) -> None:
    browser.show(year)
    wanted = browser.ask(
        "return [...document.querySelectorAll('select, button, summary, a')].map((one, n) => one.dataset.n = `${n}`)"
    )
    reached = []
    for _ in range(len(wanted) + 12):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.ask("return document.activeElement.dataset.n"))
    assert list(dict.fromkeys(one for one in reached if one in wanted)) == wanted
    nameless = "return [...document.querySelectorAll('.chart')].filter((one) => !one.ariaLabel && "
    assert browser.ask(nameless + "!one.querySelector('[aria-label]')).map((one) => one.id)") == []


def test_the_charts_follow_the_colour_scheme(browser: Browser, year: Path) -> None:
    browser.show(year)
    colour = "return getComputedStyle(document.querySelector('#month_to_date svg .role-mark text')).fill"
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
        "March 2026 so far",
        "17 Mar 2026",
        "synced 17 March 2026, 06:30 UTC",
        "17 March 2026 was still going on when it was synced",
        "person.004@team.example member none synced",
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


def test_rows_that_were_deleted_after_a_change_of_granularity_do_not_count(tmp_path: Path) -> None:
    file = make_file(tmp_path / "deleted.duckdb", 120, 4, "month")
    with open_warehouse(file) as warehouse:
        before = warehouse.rows("usage"), warehouse.rows("facts")[0]["through"]
    with duckdb.connect(file) as connection:
        connection.execute(
            "insert into credit_usage by name select 'day-' || date || '-0' as usage_id, date, 'day' as granularity, "
            "0 as user_uses, 0 as user_credits, _airbyte_extracted_at + interval 1 second as _airbyte_extracted_at "
            f"from (select distinct date '{LAST}' as date, _airbyte_extracted_at from credit_usage)"
        )
    with open_warehouse(file) as warehouse:
        assert (warehouse.rows("usage"), warehouse.rows("facts")[0]["through"]) == before
        assert warehouse.rows("facts")[0]["granularity"] == "month"


def test_a_file_that_is_not_there_is_one_plain_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.duckdb"), str(tmp_path / "x.html")]) == 1
    (tmp_path / "text.duckdb").write_text("not a database, " * 1000)
    assert main([str(tmp_path / "text.duckdb"), str(tmp_path / "x.html")]) == 1
    missing, unreadable = capsys.readouterr().err.splitlines()[:2]
    assert "run  make demo  first" in missing
    assert "cannot be opened as a DuckDB file" in unreadable
    assert not (tmp_path / "x.html").exists()
