"""Credits as money and the month against its allowances, where the reader brings prices and allowances."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from report_page import Browser, make_file
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from demo.origin import SANDBOX_LEDGER
from demo.report import NOTHING, main

PRICES = """valid_from,list_price_per_credit,contracted_price_per_credit,currency
2026-02-01,0.002,,EUR
2026-03-10,0.002,0.001,EUR
"""
ALLOWANCES = """valid_from,scope,name,credits_per_month
2025-01-01,seat,,10
2026-03-01,seat,,100000
2026-03-01,group, STUDIO,170000
2026-03-01,group,Stduio,1000
2026-03-01,person,gone@team.example,1000
2026-03-01,person,PERSON.003@team.example,1000
2026-03-17,person,person.001@team.example,1
2026-03-18,team,,1
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("money")
    (folder / "prices.csv").write_text(PRICES)
    (folder / "allowances.csv").write_text(ALLOWANCES)
    file = make_file(folder / "money.duckdb", 100, 5)
    options = [f"--{name}={folder / name}.csv" for name in ("prices", "allowances")]
    assert main([str(file), str(folder / "money.html"), *options]) == 0
    return file


@pytest.fixture()
def browser(chromium: Chrome) -> Browser:
    return Browser(chromium)


def credits(file: Path, first: date, last: date, condition: str = "true") -> int:
    with duckdb.connect(file, read_only=True) as connection:
        query = f"select sum(user_credits)::bigint from credit_usage where date between ? and ? and {condition}"
        [(found,)] = connection.execute(query, [first, last]).fetchall()
    return int(found)


def test_one_switch_shows_money_by_the_price_of_each_day(browser: Browser, file: Path) -> None:
    browser.show(file.with_suffix(".html"), chosen="#period=2026-03")
    Select(browser.driver.find_element(By.ID, "in")).select_by_visible_text("EUR, estimated")
    browser.wait_for("#period=2026-03&in=money")
    dear = credits(file, date(2026, 3, 1), date(2026, 3, 9))
    cheap = credits(file, date(2026, 3, 10), date(2026, 3, 17))
    spent = f"{0.002 * dear + 0.001 * cheap:,.2f}"
    assert browser.card("EUR, estimated")[0] == spent
    assert all(browser.rows(f"#s-{kind}")[-1][1] == spent for kind in ("tool", "person", "project", "group", "key"))
    assert "money is estimated by the prices given" in browser.text("#shown")


def test_money_in_a_csv_has_the_decimals_of_its_price(browser: Browser, file: Path, tmp_path: Path) -> None:
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.show(file.with_suffix(".html"), chosen="#in=money")
    saved = tmp_path / "usage-over-time.csv"
    browser.ask("document.querySelector('#timeline-download .download').click()")
    browser.wait_until(saved.exists)
    heading, *rows = csv.reader(saved.read_text("utf-8-sig").splitlines())
    assert heading[2] == "eur_estimated"
    assert any(row[2] == "" for row in rows), "days without a price"
    money = [row[2] for row in rows if row[2]]
    assert money and all(re.fullmatch(r"\d+(\.\d{1,3})?", one) for one in money)


def test_every_list_can_be_downloaded(browser: Browser, file: Path, tmp_path: Path) -> None:
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.show(file.with_suffix(".html"), chosen="#period=2026-03")
    buttons = browser.driver.find_elements(By.CSS_SELECTOR, ".download")
    lists = {"by-tool", "by-person", "by-project", "by-group", "by-key", "usage-over-time", "allowances", "api-keys"}
    for button in buttons:
        browser.ask("arguments[0].click()", button)
    browser.wait_until(lambda: len([*tmp_path.glob("*.csv")]) == len(buttons))
    saved = {one.stem: [*csv.reader(one.read_text("utf-8-sig").splitlines())] for one in tmp_path.glob("*.csv")}
    assert set(saved) - {"members-who-use-nothing"} == lists
    assert saved["allowances"][0] == ["allowance of", "credits a month", "used", "forecast", "verdict"]
    assert saved["api-keys"][1][:2] == ["Pipeline", "active"]
    assert all(len({len(row) for row in rows}) == 1 < len(rows) for rows in saved.values())


def test_a_month_with_nothing_in_it_is_compared_with_nothing(browser: Browser, file: Path) -> None:
    browser.show(file.with_suffix(".html"), chosen="#period=2026-03&person=nobody%40team.example")
    assert browser.text("#about-month_to_date").startswith("Day 1 to 16: 0 credits. ")


def test_money_of_days_without_a_price_is_unknown_and_compared_with_nothing(browser: Browser, file: Path) -> None:
    html = file.with_suffix(".html")
    browser.show(html, chosen="#period=2026-01&in=money")
    january = credits(file, date(2026, 1, 1), date(2026, 1, 31))
    assert f"none for {january:,} credits of these days" in browser.text("#shown")
    assert browser.card("EUR, estimated")[0] == NOTHING
    tables = ("#s-tool", "#s-person", "#s-group", "#timeline-table")
    assert {row[1] for table in tables for row in browser.rows(table)[1:]} == {NOTHING}
    assert f"31: {NOTHING}." in browser.text("#about-month_to_date")
    browser.show(html, chosen="#period=2026-02&in=money")
    february = credits(file, date(2026, 2, 1), date(2026, 2, 28))
    assert browser.card("EUR, estimated")[0] == f"{0.002 * february:,.2f}"
    assert browser.card("Against the period before") == (
        NOTHING,
        "no price for these days: 1 to 31 January 2026",
    )
    assert f"none for {january:,} credits of the period before" in browser.text("#shown")
    assert "against" not in browser.text("#about-month_to_date")
    assert browser.rows("#s-tool")[0][-1] == "Per use" and "No change is told" in browser.text("#s-tool .about")
    browser.show(html, chosen="#period=2026-02")
    assert browser.card("Against the period before")[0] != NOTHING and browser.rows("#s-tool")[0][-1] == "Change"


def test_days_without_a_price_are_named(browser: Browser, file: Path) -> None:
    browser.show(file.with_suffix(".html"), chosen="#in=money")
    assert "There is no price before 1 February 2026: none for" in browser.text("#shown")
    dear = credits(file, date(2026, 2, 1), date(2026, 3, 9))
    cheap = credits(file, date(2026, 3, 10), date(2026, 3, 17))
    assert browser.card("EUR, estimated")[0] == f"{0.002 * dear + 0.001 * cheap:,.2f}"


def test_the_month_is_held_against_its_allowances(browser: Browser, file: Path) -> None:
    browser.show(file.with_suffix(".html"))
    month = date(2026, 3, 1), date(2026, 3, 16)
    studio = credits(file, *month, "group_name = 'Studio'")
    one = credits(file, *month, "user_email ilike 'person.003@%'")
    team = credits(file, *month)
    forecast = team + 15 * credits(file, date(2026, 2, 17), date(2026, 3, 16)) / 28
    found = {row[0]: row[1:] for row in browser.rows("#budget")[1:]}
    assert list(found) == ["The team, 5 seats", "Studio", "person.003@team.example", "person.001@team.example"]
    assert found["The team, 5 seats"] == [
        "500,000",
        f"{team / 5000:.1f}%",
        f"{forecast / 5000:.1f}%",
        "will be over" if team <= 500_000 < forecast else "over" if team > 500_000 else "within",
    ]
    assert "group Stduio, person gone@team.example. Nothing is measured by them" in browser.text("#unknown")
    assert found["Studio"][:2] == ["170,000", f"{studio / 1700:.1f}%"]
    assert found["person.003@team.example"][1] == f"{one / 10:,.1f}%"
    assert found["person.003@team.example"][3] == "over"


def test_what_is_reached_of_an_allowance_is_said_in_words_and_in_credits(browser: Browser, tmp_path: Path) -> None:
    file = make_file(tmp_path / "flags.duckdb", 60, 5)
    with duckdb.connect(file) as connection:
        connection.execute("create table groups as select 1 as group_id, 'Film' as name, 2 as member_count")
    month = date(2026, 3, 1), date(2026, 3, 16)
    verdicts = {"person.001": (101, "over"), "person.002": (95, "95% reached"), "person.003": (80, "80% reached"),
                "person.004": (50, "50% reached")}  # fmt: skip
    lines = ["valid_from,scope,name,credits_per_month", "2026-01-01,seat,,100000", "2026-01-01,group,Studio,9000000"]
    for name, (percent, _) in verdicts.items():
        used = credits(file, *month, f"user_email ilike '{name}@%'")
        lines.append(f"2026-01-01,person,{name}@team.example,{used * 100 // percent}")
    (tmp_path / "allowances.csv").write_text("\n".join(lines))
    (tmp_path / "prices.csv").write_text(PRICES)
    options = [f"--{name}={tmp_path / name}.csv" for name in ("prices", "allowances")]
    assert main([str(file), str(file.with_suffix(".html")), *options]) == 0
    browser.show(file.with_suffix(".html"), chosen="#in=money")
    heading, *rows = browser.rows("#budget")
    assert heading == ["Allowance of", "Credits a month", "Used, day 1 to 16", "Forecast", "Verdict"]
    found = {row[0]: row[1:] for row in rows}
    assert found["Film, 2 seats"] == ["200,000", "0.0%", "0.0%", "within"]
    assert found["Studio"][3] == "within"
    assert {name: found[f"{name}@team.example"][3].partition(",")[0] for name in verdicts} == {
        name: verdict for name, (_, verdict) in verdicts.items()
    }
    assert found["person.004@team.example"][3].startswith("50% reached, will ")


@pytest.mark.parametrize("said_by", [SANDBOX_LEDGER, "Magnific, asked once more by month"])
def test_the_sandbox_alone_has_invented_prices_and_they_are_called_so(
    browser: Browser, tmp_path: Path, said_by: str
) -> None:
    file = make_file(tmp_path / "demo.duckdb", 40, 4)
    with duckdb.connect(file) as connection:
        connection.execute(
            "create table demo_origin as select $by as said_by, 'day' as granularity, "
            "min(date) as first, max(date) as last from credit_usage",
            {"by": said_by},
        )
    assert main([str(file), str(file.with_suffix(".html"))]) == 0
    browser.show(file.with_suffix(".html"), chosen="#in=money")
    invented = said_by == SANDBOX_LEDGER
    assert ("by the prices given, which the demo invented" in browser.text("#shown")) == invented
    assert ("the demo invented them" in browser.text("#budget")) == invented
    assert len(browser.driver.find_elements(By.ID, "in")) == invented


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("valid_from,price\n2026-01-01,1\n", "Line 2 of"),
        (PRICES.replace("0.001,EUR", "0.001,USD"), "in more than one currency"),
        (PRICES.replace("2026-03-10", "10.3.2026"), "Line 3 of"),
    ],
)
def test_prices_that_cannot_be_read_are_one_plain_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "prices.csv").write_text(text)
    assert main(["none.duckdb", str(tmp_path / "x.html"), f"--prices={tmp_path / 'prices.csv'}"]) == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert said in sentence
