"""What the comparison reads of a file, and what it cannot: it says the line, the column and what to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
from exports import TODAY, Compared, Team

from demo.comparison.columns import COLUMNS
from demo.comparison.export import Choices, read_export
from demo.origin import DemoError

HEADINGS = "Date,Tool,User email,Usage count,Credits,Project,Group"
ROW = "2026-03-05,Upscaler,nora@team.example,12,480,Atlas,Studio"


def rows(*rows: str, headings: str = HEADINGS) -> str:
    return "\n".join([headings, *rows]) + "\n"


def on(day: str) -> str:
    return ROW.replace("2026-03-05", day)


def figures(uses: str, credits: str) -> str:
    return ROW.replace(",12,480,", f",{uses},{credits},")


def read_error(file: Path, content: str | bytes, choices: Choices | None = None) -> str:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DemoError) as error:
        read_export(file, choices)
    said = str(error.value).replace(str(file), "export.csv")
    assert "@" not in said
    assert said.count(". ") <= 1, "one or two sentences"
    return said


UNREADABLE = [
    ("", "export.csv is empty, without even headings: download the export again."),
    ("\n \n", "export.csv is empty, without even headings"),
    ("<html>\n<p>Please sign in</p></html>", "No line among the first 20 of export.csv has headings for date"),
    (rows(ROW, headings="Day,Thing,Who,Count,Points,Project,Group"), 'the first one reads "Day", "Thing", "Who"'),
    (ROW, 'the first one reads "2026-03-05", "Upscaler", "(not shown: it may be an address)", "12"'),
    (rows(ROW, ROW[:40]), "Line 3 of export.csv has 4 cells where the headings have 7: the file is cut off"),
    (rows(ROW, f'"{ROW}'), "Line 3 of export.csv begins a row whose quotes cannot be read"),
    (rows('2026-03-05,"Up"scaler,a,1,2,b,c'), "Line 2 of export.csv begins a row whose quotes cannot be read"),
    (rows(ROW, figures("12", "4x0")), "Line 3 of export.csv: column \"Credits\" has '4x0', which is no figure like"),
    (rows(ROW, figures("12", "")), 'Line 3 of export.csv: column "Credits" has nothing, which is no figure'),
    (rows(figures("a@b.example", "4")), "column \"Usage count\" has '(not shown: it may be an address)'"),
    (rows(figures("1", '"1.480,50"'), figures("1", '"1,480.50"')), "'1,480.50', which is no figure like 1"),
    (rows(ROW, "Total,,,12,480,,"), "Line 3 of export.csv: column \"Date\" has 'Total', which is no date like"),
    (
        rows(ROW, ROW.replace("Upscaler", "Total")),
        "Line 3 of export.csv: column \"Tool\" has 'Total': take the line away",
    ),
    (rows(ROW, ROW.replace("nora@team.example", "All users")), "column \"User email\" has 'All users': take the line"),
    (rows(ROW, on("2026-03")), "column \"Date\" has '2026-03', which is no date like 2026-03-05"),
    (rows(headings=f"{HEADINGS},Credits"), 'Line 1 of export.csv has the heading "Credits" more than once: give the'),
    (rows(ROW, on("2026-02-30")), "column \"Date\" has '2026-02-30', which is no date like 2026-03-05"),
    (rows(ROW.replace("Upscaler", "")), 'Line 2 of export.csv: column "Tool" is empty: enter the tool'),
    (rows(ROW).encode().replace(b"Atlas", b"Caf\xe9"), "Line 2 of export.csv is not UTF-8: save the export as CSV"),
    (rows(ROW).encode("utf-16")[:-1], "of export.csv is not UTF-16: save the export as CSV in UTF-8"),
    (rows(headings=f"{HEADINGS},credits"), 'more than one heading that may mean credits, "Credits" and "credits"'),
]


@pytest.mark.parametrize(("content", "said"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_is_said_with_its_place(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in read_error(tmp_path / "export.csv", content)


def test_a_line_is_counted_as_an_editor_counts_it(tmp_path: Path) -> None:
    broken = ROW.replace("Atlas", '"At\n\nlas"')
    said = read_error(tmp_path / "export.csv", f"A title\n\n{rows(broken, ROW.replace('12', 'x'))}")
    assert said.startswith('Line 7 of export.csv: column "Usage count"')


def test_dates_that_leave_day_and_month_open_are_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    open_ones = rows(on("05/03/2026"), on("06/03/2026"))
    said = read_error(file, open_ones)
    assert "dates such as 05/03/2026, and none that tells day from month: say  --dates day-first" in said
    for order, days in (("day-first", ["2026-03-05", "2026-03-06"]), ("month-first", ["2026-05-03", "2026-06-03"])):
        assert [str(row.day) for row in read_export(file, Choices(day_order=order)).rows] == days
    file.write_text(open_ones + on("13/03/2026") + "\n")
    assert [str(row.day) for row in read_export(file).rows] == ["2026-03-05", "2026-03-06", "2026-03-13"]
    read_error(file, file.read_text(), Choices(day_order="month-first"))


def test_figures_that_leave_their_sign_open_are_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    said = read_error(file, rows(ROW.replace(",12,480,", ',"1,200","1,480",')))
    assert "figures such as 1,200, which may have thousands or decimals: say  --decimal-mark comma" in said
    assert [str(row.credits) for row in read_export(file, Choices(decimal_mark="point")).rows] == ["1480"]
    assert [str(row.credits) for row in read_export(file, Choices(decimal_mark="comma")).rows] == ["1.480"]
    file.write_text(rows(ROW, ROW.replace(",480,", ',"1,480",')))
    export = read_export(file)
    assert [int(row.credits) for row in export.rows] == [480, 1480]
    assert export.remarks == ["Figures such as 1,480 count as whole numbers;  --decimal-mark  says otherwise."]


def test_figures_are_exact_whatever_their_size(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(rows(ROW.replace(",480,", ",90071992547409930.1,"), ROW.replace(",480,", ",0.2,")))
    assert str(sum(row.credits for row in read_export(file).rows)) == "90071992547409930.3"


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-05", "2026-03-05"),
        ("2026-03-05 00:00:00", "2026-03-05"),
        ("2026-03-05T00:00:00+01:00", "2026-03-05"),
        ("2026-03-05T23:30:00-05:00", "2026-03-06"),
        ("2026-03-06T00:30:00+0100", "2026-03-05"),
        ('"Mar 5, 2026, 12:00:00 AM"', "2026-03-05"),
        ('"Thursday, March 5, 2026"', "2026-03-05"),
        ("5-Mar-26", "2026-03-05"),
        ("31.03.2026", "2026-03-31"),
        ("20260305", "2026-03-05"),
        ("3/31/26", "2026-03-31"),
        ("2026/3/5", "2026-03-05"),
    ],
)
def test_a_day_is_a_day_in_utc_however_it_is_written(tmp_path: Path, written: str, day: str) -> None:
    file = tmp_path / "export.csv"
    file.write_text(rows(on(written)))
    assert [str(row.day) for row in read_export(file).rows] == [day]


def test_times_without_a_zone_are_said_to_be_taken_for_utc(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(rows(on("2026-03-05 23:30")))
    [remark] = read_export(file).remarks
    assert remark.startswith("The export's times name no zone and count as UTC.")


@pytest.mark.parametrize(
    "headings",
    [
        "date,tool,user_email,user_uses,user_credits,project_name,group_name",
        "USAGE DATE,TOOL NAME,USER,USES,CREDITS USED,PROJECT,GROUP",
        "Period start,Feature,Member email,Number of uses,Total credits,Project name,Team group",
        "usageDate,toolName,userEmail,usageCount,creditsUsed,projectName,groupName",
        "Day,AI tool,E-mail,Count,Credits spent,Project ID,Department",
        "Date,Usage tool,Usage user email,Number of uses,Credits,Usage project,Usage group",
        "Usage date,Usage tool,Usage user,Uses per tool,Credits,Usage project name,Usage group",
        "Date,Tool,Member,User uses,Credits,Project,Group",
    ],
)
def test_columns_are_found_by_what_their_headings_mean(tmp_path: Path, headings: str) -> None:
    file = tmp_path / "export.csv"
    file.write_text(rows(ROW, headings=headings))
    export = read_export(file)
    assert export.headings == dict(zip(COLUMNS, headings.split(","), strict=True))
    [row] = export.rows
    assert (row.tool, row.person, row.uses, row.credits) == ("Upscaler", "nora@team.example", 12, 480)


def test_a_column_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team = Team(tmp_path)
    team.sync()
    content = team.export().decode().replace("Tool,", "Fun,", 1).replace("Credits,", "Points,", 1)
    team.export_file.write_text(content)
    compared = Compared(team, capsys)
    assert compared() == 2
    assert compared("--column", "credits=Points", "--column", "tool=fun") == 0
    assert 'tool "Fun"' in compared.flat and 'credits "Points"' in compared.flat
    assert compared("--column", "credits=Poinds", "--column", "tool=fun") == 2
    assert 'has headings for date, tool, "Poinds", "fun" and credits' in compared.error


def test_of_headings_that_are_alike_the_named_one_is_taken_where_a_name_can_tell(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(rows(f"{ROW},7", headings=f"{HEADINGS},credits"))
    named = {heading: Choices(columns={"credits": heading}) for heading in ("Credits", "credits", "CREDITS")}
    assert [int(read_export(file, named[heading]).rows[0].credits) for heading in ("Credits", "credits")] == [480, 7]
    assert 'more than one heading that may mean credits, "Credits" and' in read_error(
        file, file.read_text(), named["CREDITS"]
    )
    twice = rows(f"{ROW},7", headings=f"{HEADINGS},Credits")
    assert 'has the heading "Credits" more than once' in read_error(file, twice, named["Credits"])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "%Y-%m",
            'has months instead of days in column "Date", and the table is by day: export by day, or compare with',
        ),
        ("%B %Y", "or compare with a table by month."),
        ("%G-W%V", 'has weeks instead of days in column "Date", and the table is by day'),
        ("%Y-Q1", 'has quarters instead of days in column "Date", and the table is by day: export by day.'),
        ("%Y", 'has years instead of days in column "Date", and the table is by day'),
    ],
)
def test_dates_without_a_day_are_not_taken_for_days(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str, said: str
) -> None:
    team, compared = _exported_by(tmp_path, capsys, "month", written, table="day")
    assert compared() == 2
    assert f"{team.export_file} has " in compared.error and said in compared.error


def test_first_days_that_may_be_months_are_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team, compared = Team(tmp_path), Compared(Team(tmp_path), capsys)
    team.sync()
    team.export(granularity="month", start_date="2026-02-01", end_date=TODAY)
    assert compared() == 1
    assert "Each date of the export is the first day of a month. If it stands for all of it" in compared.flat


@pytest.mark.parametrize(
    ("size", "written", "table"),
    [("month", "%Y-%m", "month"), ("month", "%m/%Y", "year"), ("week", "%G-W%V", "week"), ("year", "%Y", "year")],
)
def test_dates_without_a_day_are_compared_with_a_table_of_such_periods(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str, written: str, table: str
) -> None:
    _, compared = _exported_by(tmp_path, capsys, size, written, table)
    assert compared() == 0
    assert "They agree to the credit" in compared.flat


def _exported_by(
    folder: Path, capsys: pytest.CaptureFixture[str], size: str, written: str, table: str
) -> tuple[Team, Compared]:
    """A team of whose years, or weeks, an export and a table hold all; the export's dates are `written` as they say."""
    team = Team(folder)
    first = {"week": "2026-02-02", "year": "2026-01-01"}.get(table, "2026-03-01")
    team.sync(table, start_date=first)
    head, *lines = team.export(granularity=size, start_date=first, end_date=TODAY).decode().splitlines()
    dated = [f"{date.fromisoformat(line[:10]):{written}}{line[10:]}" for line in lines]
    team.export_file.write_text("\n".join([head, *dated]))
    return team, Compared(team, capsys)


@pytest.mark.parametrize("on_day", [TODAY, "2026-03-10"])
def test_a_line_that_is_there_twice_is_the_reason_even_on_a_day_that_was_not_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], on_day: str
) -> None:
    team, compared = Team(tmp_path), Compared(Team(tmp_path), capsys)
    team.sync()
    lines = team.export(end_date=TODAY).decode().splitlines()
    again = next(line for line in lines if line.startswith(on_day))
    team.export_file.write_text("\n".join([*lines, again]))
    assert compared() == 1
    assert "One side has the row more than once, with the same figures each time" in compared.flat
    assert "Still going on" not in compared.flat


def test_a_column_that_is_not_there_is_not_compared_and_the_page_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team = Team(tmp_path)
    team.sync()
    cut = [",".join(line.split(",")[i] for i in (0, 1, 4)) for line in team.export().decode().splitlines()]
    team.export_file.write_text("\n".join(cut))
    compared = Compared(team, capsys)
    assert compared() == 0
    assert "The export has no column for person, uses, project, group: not compared" in compared.flat
    assert "182 rows and 182 sums" in compared.flat


def test_an_older_encoding_is_read_when_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(rows(ROW.replace("Atlas", "Café")).encode("cp1252"))
    assert [row.project for row in read_export(file, Choices(encoding="cp1252")).rows] == ["Café"]
    assert "There is no encoding cp9999" in read_error(file, file.read_bytes(), Choices(encoding="cp9999"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_known_without_its_mark(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(rows(ROW).encode(encoding))
    assert len(read_export(file).rows) == 1


def test_a_file_without_the_table_is_not_an_empty_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team = Team(tmp_path)
    team.export()
    compared = Compared(team, capsys)
    duckdb.connect(team.table_file).close()
    assert compared() == 2
    assert "has no table credit_usage: sync that stream into it" in compared.error
    team.sync()
    team.query("delete from credit_usage")
    assert compared() == 1
    team.table_file.write_text("not a database")
    assert compared() == 2
    assert "cannot be opened as a DuckDB file" in compared.error
    team.export_file.unlink()
    assert compared() == 2
    assert f"{team.export_file} cannot be opened: No such file or directory." in compared.error
