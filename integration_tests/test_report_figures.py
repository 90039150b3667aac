"""Every figure and sentence of the report, added up once more from the file in plain Python."""

from __future__ import annotations

import calendar
import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from report_page import LAST, Browser, make_file
from selenium.webdriver import Chrome

from demo.report import NOTHING, write_report

MINUS = "\N{MINUS SIGN}"
FIRST = LAST - timedelta(days=399)
YESTERDAY = LAST - timedelta(days=1)
Span = tuple[date, date]
Figures = tuple[int, int]


@dataclass(frozen=True)
class Row:
    date: date
    tool: str
    person: str | None
    project: str | None
    group: str | None
    uses: int
    credits: int
    key: str | None


@dataclass(frozen=True)
class Case:
    """An address of the page, and what it means: all days, those that are compared, and with which ones."""

    chosen: str
    days: Span
    finished: Span
    before: Span | None
    year_before: Span | None
    wanted: Callable[[Row], bool] = lambda row: True


def month(year: int, number: int, last: int = 31) -> Span:
    return date(year, number, 1), date(year, number, min(last, calendar.monthrange(year, number)[1]))


def days_back(count: int, end: date = YESTERDAY) -> Span:
    return end - timedelta(days=count - 1), end


def last_30(wanted: Callable[[Row], bool] = lambda row: True, chosen: str = "#period=30") -> Case:
    thirty = days_back(30)
    return Case(chosen, thirty, thirty, days_back(30, days_back(30)[0] - timedelta(days=1)),
                (date(2025, 2, 15), date(2025, 3, 16)), wanted)  # fmt: skip


CASES = [
    Case("#", (FIRST, LAST), (FIRST, YESTERDAY), None, None),
    last_30(),
    Case("#period=2026-03", month(2026, 3, 17), month(2026, 3, 16), month(2026, 2, 16), month(2025, 3, 16)),
    Case("#period=2026-02", month(2026, 2), month(2026, 2), month(2026, 1), None),
    Case("#period=2025-02", (FIRST, date(2025, 2, 28)), (FIRST, date(2025, 2, 28)), None, None),
    last_30(lambda row: row.person == "person.002@team.example", "#period=30&person=person.002%40team.example"),
    last_30(lambda row: row.project == "p-1" and row.tool == "Upscaler", "#period=30&project=p-1&tool=Upscaler"),
    last_30(lambda row: row.person is None, "#period=30&person="),
    last_30(lambda row: row.key == "k", "#period=30&key=k"),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = make_file(tmp_path_factory.mktemp("figures") / "figures.duckdb", 400, 16)
    write_report(file, file.with_suffix(".html"))
    return file


@pytest.fixture(scope="module")
def ledger(file: Path) -> list[Row]:
    columns = "date, tool, lower(user_email), project_reference, group_name, user_uses, user_credits"
    with duckdb.connect(file, read_only=True) as connection:
        through_key = set(connection.execute("select usage_id from credit_usage_by_api_key").fetchall())
        rows = connection.execute(f"select {columns}, usage_id from credit_usage").fetchall()
    return [Row(*row[:-1], "k" if row[-1:] in through_key else None) for row in rows]


def figures(ledger: list[Row], span: Span, wanted: Callable[[Row], bool]) -> Figures:
    found = [row for row in ledger if span[0] <= row.date <= span[1] and wanted(row)]
    return sum(row.credits for row in found), sum(row.uses for row in found)


def change(now: int, before: int) -> str:
    if not before:
        return "new" if now else NOTHING
    growth = 100 * (now - before) / before
    return f"{'±' if abs(growth) < 0.05 else '+' if growth > 0 else MINUS}{abs(growth):.1f}%"


def number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.fixture()
def browser(chromium: Chrome) -> Browser:
    return Browser(chromium)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.chosen)
def test_the_period_and_the_filters_rule_the_whole_page(
    browser: Browser, file: Path, ledger: list[Row], case: Case
) -> None:
    browser.show(file.with_suffix(".html"), chosen="" if case.chosen == "#" else case.chosen)
    credits, uses = figures(ledger, case.days, case.wanted)
    assert browser.card("Credits") == (f"{credits:,}", f"{uses:,} use{'s' * (uses != 1)}")
    people = {row.person for row in ledger if case.days[0] <= row.date <= case.days[1] and case.wanted(row)} - {None}
    assert browser.card("People using credits") == (f"{len(people):,}", "the team has 16 active members")
    nobody, _ = figures(ledger, case.days, lambda row: case.wanted(row) and row.person is None)
    assert browser.card("Not attributed")[0] == f"{100 * nobody / credits:.1f}%"
    for title, other in (("Against the period before", case.before), ("Against a year before", case.year_before)):
        now, _ = figures(ledger, case.finished, case.wanted)
        then = figures(ledger, other, case.wanted)[0] if other else 0
        figure, note = browser.card(title)
        assert figure == (change(now, then) if other else NOTHING)
        assert not other or (note.startswith(f"{now:,} credits, ") and f"; {then:,}, " in note)
    assert str(case.days[0].year) in browser.text("#shown") and str(case.days[1].year) in browser.text("#shown")
    assert ("17 March 2026 was still going on" in browser.text("#shown")) == (case.days[1] == LAST)
    total = browser.rows("#timeline-table")[-1]
    assert total == ["Total", f"{credits:,}", "100.0%", f"{uses:,}"]
    assert sum(number(row[1]) for row in browser.rows("#timeline-table")[1:-1]) == credits


@pytest.mark.parametrize("kind", ["tool", "person", "project", "group", "key"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.chosen)
def test_every_list_has_its_shares_its_changes_and_the_total(
    browser: Browser, file: Path, ledger: list[Row], case: Case, kind: str
) -> None:
    if browser.driver.current_url != file.with_suffix(".html").as_uri() + case.chosen.removesuffix("#"):
        browser.show(file.with_suffix(".html"), chosen="" if case.chosen == "#" else case.chosen)
    names: dict[Any, str] = {
        "person": {None: "Not attributed to a person"},
        "project": {None: "No project", "p-1": "Catalogue"},
        "group": {None: "No group"},
        "key": {None: "not through an API key", "k": "Pipeline"},
        "tool": {},
    }[kind]

    def of(span: Span | None) -> Counter[str]:
        found: Counter[str] = Counter()
        for row in ledger:
            if span and span[0] <= row.date <= span[1] and case.wanted(row):
                name = getattr(row, kind)
                found[names.get(name, name)] += row.credits
        return found

    now, finished, before = of(case.days), of(case.finished), of(case.before)
    credits = sum(now.values())
    heading, *rows, total = browser.rows(f"#s-{kind}")
    assert heading[1:3] == ["Credits", "Share"] and total[0] == "Total"
    if kind != "key" or "key=" not in case.chosen:
        assert (number(total[1]), total[2]) == (credits, "100.0%")
    shown = {row[0].removesuffix("owner"): row for row in rows}
    named = sorted((name for name in now if name not in (names.get(None),)), key=lambda name: (-now[name], name))
    if len(named) > 13:
        rest = shown.pop(f"{len(named) - 12} more people")
        assert number(rest[1]) == sum(now[name] for name in named[12:])
        assert f"The 12 largest of {len(named)} people" in browser.text(f"#s-{kind} .about")
        now = Counter({name: now[name] for name in (*named[:12], names[None]) if name in now})
    assert {name: number(row[1]) for name, row in shown.items()} == {name: sum_ for name, sum_ in now.items() if sum_}
    for name, row in shown.items():
        assert row[2] == f"{100 * now[name] / credits:.1f}%"
        if case.before:
            assert row[-1] == change(finished[name], before[name])


def test_the_month_so_far_and_its_forecast(browser: Browser, file: Path, ledger: list[Row]) -> None:
    browser.show(file.with_suffix(".html"))
    so_far, _ = figures(ledger, month(2026, 3, 16), lambda row: True)
    before, _ = figures(ledger, month(2026, 2, 16), lambda row: True)
    recent, _ = figures(ledger, days_back(28), lambda row: True)
    said = browser.text("#about-month_to_date")
    assert browser.text("#h-month_to_date") == "March 2026 so far"
    assert f"Day 1 to 16: {so_far:,} credits, {change(so_far, before)} against {before:,} on day 1 to 16 of" in said
    assert f"Forecast: {so_far + 15 * recent / 28:,.0f} credits" in said
    with duckdb.connect(file, read_only=True) as connection:
        query = (Path(__file__).parent.parent / "docs" / "queries" / "growth_and_forecast.sql").read_text()
        *_, newest = connection.execute(query).fetchall()
    assert (newest[2], newest[4]) == (so_far, round(so_far + 15 * recent / 28)), "the query says the same"


def test_parts_of_a_week_look_partial_and_say_so(browser: Browser, file: Path) -> None:
    browser.show(file.with_suffix(".html"))
    weeks = [row[0] for row in browser.rows("#timeline-table")[1:-1]]
    assert weeks[0] == "Week from 10 February 2025: 6 of 7 days"
    assert weeks[-1] == "Week from 16 March 2026: 2 of 7 days, the last still going on"
    assert not any("of 7 days" in week for week in weeks[1:-1])
    assert all(week in browser.text("#parts") for week in (weeks[0], weeks[-1]))
    pale = browser.ask("return [...document.querySelectorAll('#timeline .mark-rect path')].map((one) => "
                       "one.getAttribute('opacity'))")  # fmt: skip
    assert pale.count("0.4") == 2 * 4


def test_a_table_is_downloaded_as_csv_with_every_name(browser: Browser, file: Path, tmp_path: Path) -> None:
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.show(file.with_suffix(".html"), chosen="#period=30")
    browser.ask("document.querySelector('#s-person .download').click()")
    saved = tmp_path / "by-person.csv"
    browser.wait_until(saved.exists)
    heading, *rows = list(csv.reader(saved.read_text("utf-8-sig").splitlines()))
    assert heading == ["person", "id", "credits", "uses"]
    assert len(rows) == 15 + 1
    assert sum(int(row[2]) for row in rows) == number(browser.card("Credits")[0])
