"""Check every figure in the report against sums over the marts, calculated in plain Python."""

import csv
from collections import Counter, namedtuple
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from report_page import LAST, MINUS, NOBODY, Browser, make_report, number

FIRST = LAST - timedelta(days=399)
YESTERDAY = LAST - timedelta(days=1)
Span = tuple[date, date]
Row = namedtuple("Row", "date tool person project group uses credits cost")
KINDS = ("tool", "person", "project", "group")


class Case(NamedTuple):
    """A page address, the days that the page shows, the complete days among them, and earlier days for comparison."""

    chosen: str
    days: Span
    whole: Span
    before: Span | None
    wanted: Callable[[Row], bool] = lambda row: True


def back(span: Span, days: int) -> Span:
    return span[0] - timedelta(days=days), span[1] - timedelta(days=days)


MARCH = (date(2026, 3, 1), LAST)
WHOLE_MARCH = (date(2026, 3, 1), YESTERDAY)
FEBRUARY = (date(2026, 2, 1), date(2026, 2, 28))
QUARTER = (date(2026, 1, 1), LAST)
THIRTY = (YESTERDAY - timedelta(days=29), YESTERDAY)
OWN = (date(2026, 3, 3), date(2026, 3, 12))
CASES = [
    # An unfinished period is compared with the same number of days of the previous period, such as 16 days of February.
    Case("", MARCH, WHOLE_MARCH, back(WHOLE_MARCH, 28)),
    Case("#in=credits&period=2026-02", FEBRUARY, FEBRUARY, (date(2026, 1, 1), date(2026, 1, 31))),
    Case("#in=credits&period=2026-q1", QUARTER, (QUARTER[0], YESTERDAY), back((QUARTER[0], YESTERDAY), 92)),
    Case("#in=credits&period=2026", QUARTER, (QUARTER[0], YESTERDAY), back((QUARTER[0], YESTERDAY), 365)),
    Case("#in=credits&period=30", THIRTY, THIRTY, back(THIRTY, 30)),
    Case("#from=2026-03-03&to=2026-03-12", OWN, OWN, back(OWN, 10)),
    Case("#in=credits&period=all", (FIRST, LAST), (FIRST, YESTERDAY), None),
    Case("#person=person.002%40team.example", MARCH, WHOLE_MARCH, back(WHOLE_MARCH, 28),
         lambda row: row.person == "person.002@team.example"),
    Case("#project=p-1&tool=Upscaler", MARCH, WHOLE_MARCH, back(WHOLE_MARCH, 28),
         lambda row: row.project == "Catalogue" and row.tool == "Upscaler"),
]  # fmt: skip


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_report(tmp_path_factory.mktemp("figures"), 400, 16)


@pytest.fixture(scope="module")
def ledger(html: Path) -> list[Row]:
    query = """
        select date, tool, person, coalesce(project_name, '(no project)'), group_label, uses, credits,
            coalesce(cost, 0)::double
        from models.magnific__usage
    """
    with duckdb.connect(html.with_suffix(".duckdb"), read_only=True) as connection:
        return [Row(*row) for row in connection.execute(query).fetchall()]


def words(value: float, unit: str) -> str:
    text = f"{abs(value):,.2f}" if unit == "cost" else f"{abs(value):,.0f}"
    return (MINUS if value < 0 and text.strip("0.,") else "") + text


def signed(value: float, unit: str) -> str:
    text = words(value, unit)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def in_euros(change: float) -> str:
    return f"{'+' if change > 0 else MINUS}EUR {abs(change):,.2f}"


def sums(ledger: list[Row], case: Case, span: Span | None, kind: str, figure: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in ledger:
        if span and span[0] <= row.date <= span[1] and case.wanted(row):
            found[getattr(row, kind)] += getattr(row, figure)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.chosen)
def test_the_choice_rules_every_card_and_list(browser: Browser, html: Path, ledger: list[Row], case: Case) -> None:
    browser.show(html, chosen=case.chosen)
    u = "credits" if "in=credits" in case.chosen else "cost"
    heading = {"credits": "Credits", "cost": "EUR"}[u]
    spent = sum(sums(ledger, case, case.days, "tool", u).values())
    assert browser.card("Spent")[0] == (f"EUR {words(spent, u)}" if u == "cost" else f"{words(spent, u)} credits")
    compares = case.before is not None and case.before[0] >= FIRST
    assert (browser.card("Change")[0] == "\N{EN DASH}") == (not compares)
    for kind in KINDS:
        now, whole, before = (sums(ledger, case, span, kind, u) for span in (case.days, case.whole, case.before))
        uses = sums(ledger, case, case.days, kind, "uses")
        first, *rows, total = browser.rows(f"#s-{kind}")
        shown = {row[0].removesuffix("owner"): row for row in rows}
        assert set(shown) == set(uses) | (set(before) if compares else set())
        for figures in (now, whole, before, uses):
            figures["all"] = sum(figures.values())
        for name, row in (shown | {"all": total}).items():
            assert row[1:4] == [words(now[name], u), f"{100 * now[name] / spent:.1f}%", f"{uses[name]:,}"]
            if compares:
                assert row[first.index(f"Change, {heading}")] == signed(whole[name] - before[name], u)
    assert {NOBODY, "(no group)"} <= {row[0] for row in browser.rows("#s-group")} or "=" in case.chosen


@pytest.mark.parametrize(("last", "said"), [(6, "No comparison: fewer than 7 w"), (7, "1 to 7 March 2026 ag")])
def test_a_month_is_compared_from_its_first_week_on(browser: Browser, tmp_path: Path, last: int, said: str) -> None:
    browser.show(make_report(tmp_path, 60, 2, f"update magnific__synced set complete_through = '2026-03-0{last}'"))
    assert browser.text("#changes").startswith(said)
    assert (browser.card("Change")[0] == "\N{EN DASH}") == (last < 7)


def test_people_by_tool_add_up_both_ways(browser: Browser, html: Path, ledger: list[Row]) -> None:
    browser.show(html)
    heading, *rows, total = browser.rows("#s-person")
    tools = heading[6:]
    assert tools == [row[0] for row in browser.rows("#s-tool")[1:-1]]
    cells: Counter[tuple[str, str]] = Counter()
    for row in ledger:
        if row.date >= MARCH[0]:
            cells[row.person, row.tool] += row.cost
    for row in rows:
        person = row[0].removesuffix("owner")
        assert [number(cell) for cell in row[6:]] == pytest.approx([cells[person, tool] for tool in tools], abs=0.005)
        assert sum(number(cell) for cell in row[6:]) == pytest.approx(number(row[1]), abs=0.03)
    assert sum(number(cell) for cell in total[6:]) == pytest.approx(number(total[1]), abs=0.03)


def test_a_change_is_told_in_money_and_by_what_drove_it(browser: Browser, html: Path, ledger: list[Row]) -> None:
    browser.show(html)
    heading, *rows, total = browser.rows("#s-tool")
    case = CASES[0]
    now, before = (sums(ledger, case, span, "tool", "cost") for span in (case.whole, case.before))
    uses, uses_before = (sums(ledger, case, span, "tool", "uses") for span in (case.whole, case.before))
    by_uses, by_cost = heading.index("By number of uses"), heading.index("By cost of a use")
    all_by_uses = 0.0
    for row in rows:
        tool = row[0]
        more = (uses[tool] - uses_before[tool]) * before[tool] / uses_before[tool]
        all_by_uses += more
        assert row[by_uses] == signed(more, "cost")
        assert row[by_cost] == signed(now[tool] - before[tool] - more, "cost")
    assert total[by_uses] == signed(all_by_uses, "cost")
    said = browser.text("#changes")
    change = sum(now.values()) - sum(before.values())
    percent = f"({MINUS}{abs(100 * change / sum(before.values())):.1f}%)"
    assert f"1 to 16 March 2026 against 1 to 16 February 2026: {in_euros(change)} {percent}" in said
    number_of_uses = (sum(uses.values()) / sum(uses_before.values()) - 1) * sum(before.values())
    choice_of_tools = all_by_uses - number_of_uses
    assert (
        f"Number of uses of each tool: {in_euros(all_by_uses)}"
        f" (total number of uses: {in_euros(number_of_uses)}, choice of tools: {in_euros(choice_of_tools)});"
    ) in said
    browser.show(html, chosen="#in=credits")
    assert browser.card("Change in a year")[1].endswith(" on 1 to 16 March 2025")


def test_budget_and_forecast_are_those_of_the_models(browser: Browser, html: Path, ledger: list[Row]) -> None:
    browser.show(html)
    heading, *rows = browser.rows("#budget")
    figures = ["1,000.00", "1,012.34", "81.2%", f"{MINUS}12.34", "1,712.34", "154.3%"]
    figures += ["80% on 16 March 2026", "22 March 2026"]
    assert heading[0] == "Budget, EUR"
    cycle = "1 to 31 March 2026"
    assert rows == [[f"The team{cycle}", *figures], [f"Group Studio{cycle}", *figures]]
    assert browser.card("Budget of the team") == ("81.2% used", f"EUR 1,012.34 of EUR 1,000.00, {cycle}")
    assert browser.card("Forecast of the team") == ("154.3%", "EUR 1,712.34; the budget runs out on 22 March 2026")
    ends = browser.ask("return [...document.querySelectorAll('#cycle .line')].map((one) => one.dataset.end)")
    used = sum(sums(ledger, CASES[0], MARCH, "tool", "cost").values())
    assert "1 to 28 February 2026" in browser.text("#cycle")
    assert float(ends[0]) == pytest.approx(sum(sums(ledger, CASES[0], FEBRUARY, "tool", "cost").values()))
    whole = sum(sums(ledger, CASES[0], WHOLE_MARCH, "tool", "cost").values())
    # The forecast adds the models' expected cost for each of the fifteen remaining days.
    assert [float(one) for one in ends[-2:]] == pytest.approx([used, whole + 15 * 50.0])
    browser.show(html, chosen="#period=2026-02")
    assert browser.rows("#budget") == [], "the models have no cycle for that month"
    assert "Forecast" not in browser.text("main"), "a month that is over has no forecast"


def test_a_missing_forecast_or_day_of_an_alert_is_no_figure(browser: Browser, tmp_path: Path) -> None:
    none = "forecast = null, forecast_percent = null, runs_out_on = null"
    browser.show(make_report(tmp_path, 20, 2, f"update magnific__budget set {none}; delete from magnific__alerts"))
    assert browser.card("Forecast of the team") == ("\N{EN DASH}", "no forecast yet")
    assert browser.rows("#budget")[1][-2:] == ["80%", "\N{EN DASH}"]


def test_a_cycle_that_began_before_the_data_says_so(browser: Browser, html: Path) -> None:
    said = "The data begins on 11 February 2025, within a cycle"
    for month, is_partial in (("2025-02", True), ("2025-03", False)):
        browser.show(html, chosen=f"#in=credits&period={month}")
        assert (said in browser.text("#about-budget")) == is_partial


def test_people_are_counted_with_their_seats_and_without(browser: Browser, tmp_path: Path) -> None:
    unseated = "update magnific__people set has_seat = false where person like 'person.001@%'"
    browser.show(make_report(tmp_path, 60, 5, unseated))
    figure, note = browser.card("People with usage")
    assert figure == "4"
    assert note.startswith("3 of 4 seats and 1 without a seat; "), "the last of the five people has no usage"
    browser.show(make_report(tmp_path / "none", 60, 5, "update magnific__people set has_seat = false"))
    assert browser.card("People with usage")[1].startswith("no member has a seat; ")


@pytest.mark.parametrize("mart", ["usage_by_api_key", "people", "month", "budget", "alerts", "forecast"])
def test_a_mart_that_is_switched_off_is_named_and_all_else_shown(browser: Browser, tmp_path: Path, mart: str) -> None:
    browser.show(make_report(tmp_path, 60, 5, f"drop table magnific__{mart}"))
    assert f"Not built, so not shown: magnific__{mart}." in browser.text("header")
    assert browser.card("Forecast of the team")[0] == "154.3%" or mart == "budget"
    assert browser.complaints() == []


def test_what_has_no_price_is_no_money(browser: Browser, html: Path, ledger: list[Row]) -> None:
    browser.show(html, chosen="#period=2026-01")
    assert browser.card("Spent")[0] == "\N{EN DASH}"
    assert {row[1] for row in browser.rows("#s-tool")[1:]} == {"\N{EN DASH}"}
    browser.show(html, chosen="#period=2026-02")
    assert "1 to 28 January 2026: not all days have a price" in browser.text("#cycle")
    browser.show(html, chosen="#period=2026-q1")
    january = sum(row.credits for row in ledger if date(2026, 1, 1) <= row.date <= date(2026, 1, 31))
    assert f"{january:,} credits on these days have no price" in browser.text("#shown")
    assert browser.card("Change")[0] == "\N{EN DASH}"


def test_without_prices_all_is_credits_and_teams_are_a_list_and_a_filter(browser: Browser, tmp_path: Path) -> None:
    browser.show(make_report(tmp_path / "credits", 60, 4, prices=False))
    assert browser.card("Spent")[0].endswith(" credits")
    assert browser.rows("#s-tool")[0][1] == "Credits"
    assert "EUR" not in browser.text("main")
    later = "set synced_from = '2026-03-01' where team = 'team 2'; update magnific__people set member_role = 'member'"
    change = f"update magnific__synced {later} where team = 'team 2'"
    teams = make_report(tmp_path / "teams", 60, 4, change, teams=2)
    browser.show(teams)
    _, *rows, _ = browser.rows("#s-team")
    assert [row[0] for row in rows] == ["team 1", "team 2"]
    assert browser.card("People with usage")[1].startswith("6 of 8 seats; "), "one address has a seat in each team"
    people = {row[0] for row in browser.rows("#s-person")}
    assert {"person.001@team.example, team 1owner", "person.001@team.example, team 2"} <= people
    assert browser.card("Change") == ("\N{EN DASH}", "comparable data begins on 1 March 2026")
    assert browser.rows("#budget")[1][0].startswith("Team team 1")
    browser.show(teams, chosen="#team=team+1")
    assert browser.card("Spent")[0] == f"EUR {rows[0][1]}"
    assert browser.card("Change")[1].endswith(" on 1 to 16 February 2026")
    assert browser.card("Budget of the team")[0] == "81.2% used"


def test_everything_can_be_saved_as_csv(browser: Browser, html: Path, ledger: list[Row], tmp_path: Path) -> None:
    browser.save_into(tmp_path)
    browser.show(html, chosen="#period=2026-03&group=Studio")
    span, cycle = "2026-03-01_to_2026-03-17_group-Studio", "2026-03-01_to_2026-03-31"
    buttons = [one for one in browser.buttons("main") if one.text == "Save CSV"]
    for button in buttons:
        browser.ask("arguments[0].click()", button)
    files = browser.saved(tmp_path, "*.csv", len(buttons))
    saved = {one.stem: [*csv.reader(one.read_text("utf-8-sig").splitlines())] for one in files}
    names = ("usage-by-day-and-tool", "tools", "groups", "projects", "people-by-tool")
    assert set(saved) == {f"magnific_budgets_{cycle}", *(f"magnific_{name}_{span}" for name in names)}
    studio = [row for row in ledger if row.date >= MARCH[0] and row.group == "Studio"]
    for name, (heading, *rows) in saved.items():
        assert all(len(row) == len(heading) for row in rows)
        if "budgets" in name:
            assert [rows[0][heading.index(what)] for what in ("level", "crossed_on")] == ["80", "2026-03-16"]
            continue
        *lines, total = rows
        assert total[0] == "Total"
        for column, figure in (("uses", "uses"), ("credits", "credits"), ("cost_eur", "cost")):
            values = [float(row[heading.index(column)]) for row in (*lines, total)]
            assert sum(values[:-1]) == pytest.approx(values[-1])
            assert values[-1] == pytest.approx(sum(getattr(row, figure) for row in studio))
    compared = "change_cost_eur (2026-03-01 to 2026-03-16 against 2026-02-01 to 2026-02-16)"
    assert all(compared in saved[f"magnific_{name}_{span}"][0] for name in names[1:])
    days = [row[0] for row in saved[f"magnific_{names[0]}_{span}"][1:-1]]
    assert {date.fromisoformat(day) for day in days} == {row.date for row in studio}
