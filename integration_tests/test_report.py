"""Open the report in a real browser without a network. Check its layout, printout, pictures and accessibility."""

import base64
import struct
import subprocess
from io import BytesIO
from pathlib import Path

import duckdb
import pytest
from npm_packages import ENVIRONMENT, modules
from pypdf import PdfReader
from report_page import PHONE, TABLET, WIDE, Browser, make_marts, make_report, number

from demo.models import main as build_models
from demo.report import main

AXE_VERSION = "4.14.1"
LISTS = ("tool", "group", "project", "key", "person")
SIZES = pytest.mark.parametrize("size", [PHONE, TABLET, WIDE], ids=["phone", "tablet", "wide"])


@pytest.fixture(scope="module", params=[12, 300], ids=["12-people", "300-people"])
def html(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on thirteen months of usage, including a project with a malicious name."""
    many = """
        update magnific__usage set
            group_label = group_label || ' ' || hash(person) % 20,
            tool = tool || ' ' || hash(person) % 4,
            project_name = if(project_reference is null, null, project_name || ' ' || hash(person) % 20),
            project_reference = project_reference || hash(person) % 20;
        insert into magnific__budget by name
            select * exclude (n) replace ('Group ' || n as name)
            from magnific__budget, range(20) as numbers(n) where scope = 'group'
    """
    change, harmful = many if request.param == 300 else "", "</script><img src=x> & Söhne"
    return make_report(tmp_path_factory.mktemp("report"), 400, request.param, change, project=harmful)


@SIZES
@pytest.mark.parametrize("chosen", ["", "#period=all", "#period=2026-02&in=credits"])
def test_nothing_is_hidden_or_too_wide(browser: Browser, html: Path, size: tuple[int, int], chosen: str) -> None:
    browser.show(html, size, chosen=chosen)
    hidden = """
        return [...document.querySelectorAll("main tbody tr:not(.rest), main tfoot tr")].filter((row) => {
            if (row.closest("details")) return false;
            row.scrollIntoView({ block: "center" });
            const box = row.firstElementChild.getBoundingClientRect();
            const seen = document.elementFromPoint(box.x + 4, box.y + box.height / 2);
            return !row.contains(seen);
        }).map((row) => row.textContent)
    """
    assert browser.ask(hidden) == []
    assert browser.ask("return document.documentElement.scrollWidth") <= size[0]
    assert all(len(browser.rows(f"#s-{kind}")) > 2 for kind in LISTS)


@SIZES
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_screen_reader_meets_no_barrier(browser: Browser, html: Path, size: tuple[int, int], dark: bool) -> None:
    browser.show(html, size, dark)
    browser.driver.execute_script((modules("axe", f"axe-core@{AXE_VERSION}") / "axe-core" / "axe.min.js").read_text())
    found = browser.driver.execute_async_script("axe.run().then(arguments[0])")
    assert len(found["passes"]) > 10
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []
    assert browser.complaints() == []
    assert browser.ask("return performance.getEntriesByType('resource').length") == 0


def test_html_validate_reports_nothing_about_the_page(browser: Browser, html: Path, tmp_path: Path) -> None:
    browser.show(html)
    drawn = tmp_path / "drawn.html"
    drawn.write_text(f"<!DOCTYPE html>\n{browser.ask('return document.documentElement.outerHTML')}\n")
    program = modules("html-validate", "html-validate@11.21.1") / ".bin" / "html-validate"
    # Two rules are off, because inline styles set the widths of bars and the browser decides how to write `hidden`.
    rules = ["--rule", "no-inline-style:off", "--rule", "attribute-empty-style:off"]
    for options in ([html], [*rules, drawn]):
        done = subprocess.run([program, *options], env=ENVIRONMENT, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert browser.ask("return document.querySelectorAll('img').length") == 0, "names are never treated as markup"
    assert any("</script><img" in row[0] for row in browser.rows("#s-project"))


@pytest.mark.parametrize(("days", "people"), [(1, 1), (730, 500)])
def test_little_and_much_are_both_readable(browser: Browser, tmp_path: Path, days: int, people: int) -> None:
    html = make_report(tmp_path, days, people)
    browser.show(html, PHONE, chosen="#period=all")
    assert 0 < browser.marks("timeline") <= 500
    assert browser.marks("cycle") > 0
    assert html.stat().st_size < 4_000_000
    assert browser.complaints() == []
    assert browser.ask("return document.documentElement.scrollWidth") <= PHONE[0]


@pytest.mark.parametrize(("width", "height"), [(8.27, 11.69), (8.5, 11)], ids=["A4", "Letter"])
def test_a_print_has_two_pages_that_add_up(browser: Browser, html: Path, width: float, height: float) -> None:
    browser.show(html, dark=True)
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": width, "paperHeight": height})
    pdf = PdfReader(BytesIO(base64.b64decode(printed["data"])))
    text = "\n".join(page.extract_text(extraction_mode="layout") for page in pdf.pages)
    assert len(pdf.pages) == 2
    assert "1 to 17 March 2026" in text and "Pipeline" in text and "Save" not in text
    people = text[text.rindex("People") :].splitlines()
    heading = next(n for n, line in enumerate(people) if line.split()[:2] == ["Person", "EUR"])
    *rows, total = [number(line.partition("%")[0].split()[-2]) for line in people[heading + 1 :] if "%" in line]
    assert sum(rows) == pytest.approx(total, abs=0.005 * len(rows))


def test_a_chart_is_saved_as_a_picture_twice_its_size(browser: Browser, html: Path, tmp_path: Path) -> None:
    browser.show(html, dark=True)
    browser.save_into(tmp_path)
    usage, budget = "usage-by-day-and-tool_2026-03-01_to_2026-03-17_EUR", "budget_EUR_2026-03-01_to_2026-03-31"
    for chart, name in (("timeline", usage), ("cycle", budget)):
        picture = next(one for one in browser.buttons(f"#{chart}-save") if one.text == "Save picture")
        browser.ask("arguments[0].click()", picture)
        [saved] = browser.saved(tmp_path, f"magnific_{name}.png", 1)
        width, height = struct.unpack(">II", saved.read_bytes()[16:24])
        box = browser.ask("return document.querySelector(arguments[0]).viewBox.baseVal.width", f"#{chart} svg")
        assert width == 2 * int(box) + 80 and height > 600


def test_what_can_be_clicked_looks_like_it(browser: Browser, tmp_path: Path) -> None:
    browser.show(make_report(tmp_path, 60, 4))
    plain = """
        return [...document.querySelectorAll("main a, main button, main summary")].filter((one) => {
            const style = getComputedStyle(one);
            return !style.textDecorationLine.includes("underline") && style.borderStyle === "none";
        }).map((one) => one.outerHTML)
    """
    assert browser.ask(plain) == []


def test_no_usage_is_said_in_words(browser: Browser, tmp_path: Path) -> None:
    browser.show(make_report(tmp_path, 1, 1, "delete from magnific__usage; delete from magnific__synced"))
    assert "There is no credit usage in this file yet" in browser.find("main").text
    assert browser.complaints() == []


def test_an_unusable_file_says_which_command_helps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none, text, raw, old = (tmp_path / f"{name}.duckdb" for name in ("none", "text", "raw", "old"))
    text.write_text("not a database, " * 1000)
    duckdb.connect(raw).close()
    with duckdb.connect(make_marts(old, 1, 1)) as connection:
        connection.execute("drop table models.magnific__synced")
    assert [main([str(file), str(tmp_path / "x.html")]) for file in (none, text, raw, old)] == [1] * 4
    assert [build_models([str(file)]) for file in (none, text, raw)] == [1] * 3
    said = capsys.readouterr().err
    assert said.count(f"There is no {none}: run  make demo  first") == 2
    assert said.count(f"{text} cannot be opened as a DuckDB file: ") == 2
    for words in (
        f"raw.duckdb has no table magnific__usage: run  make models WAREHOUSE={raw}  to build the marts",
        f"To rebuild the marts:  make models WAREHOUSE={old}",
        f"{raw} has no table credit_usage: sync that stream into it",
    ):
        assert words in said
    assert "Traceback" not in said
    assert not (tmp_path / "x.html").exists()
