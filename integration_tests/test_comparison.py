"""Test `python -m verify.compare`, which shows where a dashboard export and a synced table differ, and why."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from compared_team import DOMAIN, FIRST, TODAY, YESTERDAY, Compared, Team

from sandbox.dashboard_export import COMMAS
from sandbox.team import PROJECTS

RAVI = f"ravi.menon@{DOMAIN}"
AGREE = "They match down to the last credit: 607 rows and 182 sums by tool and day."
OPTIONS = ["--delimiter ;", "--decimal ,", "--thousands .", "--dateformat %d.%m.%Y", "--skip 1", "--column date=Tag"]


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    team = Team(tmp_path_factory.mktemp("synced"))
    team.sync()
    return team.table_file


@pytest.fixture()
def team(synced: Path, tmp_path: Path) -> Team:
    """A team with an export, and with a table for March that was synced on the last day of the month."""
    team = Team(tmp_path)
    shutil.copy(synced, team.table_file)
    team.export()
    return team


@pytest.fixture()
def compared(team: Team, capsys: pytest.CaptureFixture[str]) -> Compared:
    return Compared(team, capsys)


def reasons(compared: Compared) -> list[str]:
    """Return the possible reasons for differences, each with its figures and explanation."""
    return re.split(r"(?m)^[a-z]  ", " \n" + compared.part("Possible reasons"))[1:]


def test_a_right_table_equals_the_export_and_a_missing_option_is_named(team: Team, compared: Compared) -> None:
    assert compared() == 0
    assert AGREE in compared.flat
    assert "Possible reasons" not in compared.printed
    team.export(form=COMMAS)
    assert compared(*" ".join(OPTIONS).split()) == 0
    assert AGREE in compared.flat
    for missing in OPTIONS:
        assert compared(*" ".join(option for option in OPTIONS if option != missing).split()) == 2
        assert missing.split()[0][2:] in compared.error.lower(), missing


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda text: text.replace("Upscaler", "\u200b Upscaler\u00a0").replace("Credits", "\ufeffCredits\u200b"), ()),
        (lambda text: "\ufeff" + text.replace("Brand Studio", '"Brand\nStudio\n"'), ()),
        (lambda text: text.replace(DOMAIN, DOMAIN.upper()).replace("User email", "USER_EMAIL"), ()),
        (lambda text: text.replace(PROJECTS[0].name, PROJECTS[0].reference), ()),
        (lambda text: text.replace("Date", "day").replace(",,\r\n", ",n/a,n/a\r\n"), ("--nothing", "n/a")),
    ],
)
def test_how_a_name_is_written_is_no_difference(
    team: Team, compared: Compared, change: Callable[[str], str], options: tuple[str, ...]
) -> None:
    team.export_file.write_text(change(team.export()), newline="")
    assert compared(*options) == 0
    assert AGREE in compared.flat
    team.export_file.write_bytes(change(team.export()).encode("utf-16"))
    assert compared("--encoding", "utf-16", *options) == 0


def test_one_credit_is_found_at_its_row_and_in_the_sum_of_its_tool_and_day(team: Team, compared: Compared) -> None:
    nora = ("2026-03-10", "Image Editor", f"nora.lindqvist@{DOMAIN}")
    where = f"(date::varchar, tool, user_email) = {nora}"
    team.query(f"update credit_usage set user_credits = user_credits - 1 where {where}")
    [(usage_id, credits)] = team.query(f"select usage_id, user_credits from credit_usage where {where}")
    assert compared() == 1
    assert "They differ in 1 of 607 rows and in 1 of 182 sums by tool and day." in compared.flat
    assert "On 28 of 29 days with usage, everything agrees." in compared.flat
    assert re.search(r"(?m)^2026-03-10 Image Editor +\d+ +\d+ +\+1 +0$", compared.part("By tool and day"))
    rows = compared.part("Row by row")
    assert re.search(rf"(?m)^a 2026-03-10 Image Editor +{credits + 1} +{credits} +\+1 +0$", rows)
    lines = team.export().splitlines()
    row = next(number for number, line in enumerate(lines, 1) if line.startswith(",".join(nora)))
    assert f"row {row} · {usage_id}" in rows
    [reason] = reasons(compared)
    assert reason.startswith("1 row +1 credits. These days are older than the last 7 days")


def test_days_that_are_not_synced_or_were_not_over_are_told_from_the_others(team: Team, compared: Compared) -> None:
    team.set_today("2026-04-02")
    team.export(end_date="2026-04-01", start_date="2026-02-27")
    assert compared() == 1
    assert "These days are before the first synced day, 2026-03-01" in compared.flat
    assert "Not synced yet: the last synced day is 2026-03-31." in compared.flat
    assert "These days were not over when the table was synced (2026-03-31 06:30 UTC)" in compared.flat
    assert len(reasons(compared)) == 3
    assert compared("--from", FIRST, "--to", YESTERDAY) == 0
    assert AGREE in compared.flat
    assert compared("--from", TODAY, "--to", FIRST) == 2
    assert "There are no days to compare. Choose days with  --from" in compared.error


def test_the_credits_of_all_reasons_add_up_to_the_difference(team: Team, compared: Compared) -> None:
    team.happen(
        {"kind": "late", "day": "2026-03-29", "tool": "Upscaler", "email": RAVI, "uses": 2, "credits": 120},
        {"kind": "refund", "day": "2026-03-04", "tool": "Upscaler"},
        {"kind": "attribute", "day": "2026-03-12", "tool": "Asset Download", "email": RAVI},
    )
    team.export(end_date=TODAY)
    team.query("delete from credit_usage where date = '2026-03-17'")
    assert compared("--all") == 1
    [total] = re.findall(r"(?m)^Credits .*\+([\d,]+)$", compared.printed)
    by_reason = [int(re.findall(r" rows? ([+-]?\d+) credits", one)[0]) for one in reasons(compared)]
    by_row = re.findall(r"(?m)^[a-z] 2026-\S+ \D+? .*? ([+-]?\d+) +[+-]?\d+$", compared.part("Row by row"))
    assert sum(by_reason) == sum(map(int, by_row)) == int(total.replace(",", "")) != 0
    assert "the last 7 days again (the default of lookback_window_days)" in compared.flat
    assert "Magnific has reassigned the usage to another person" in compared.flat


def test_other_names_are_listed_and_a_renamed_project_is_the_same(team: Team, compared: Compared) -> None:
    team.happen({"kind": "rename_project", "reference": PROJECTS[0].reference, "name": "Winter Catalogue"})
    team.export()
    assert compared() == 1
    assert 'project "Autumn Catalogue" in the table, "Winter Catalogue" in the export' in compared.flat
    assert len(reasons(compared)) == 1
    team.query(f"update projects set name = 'Winter Catalogue' where project_reference = '{PROJECTS[0].reference}'")
    assert compared() == 0
    team.happen({"kind": "rename_group", "group_id": 11, "name": "Brand"})
    team.export()
    assert compared() == 1
    assert "in 0 of 182 sums by tool and day" in compared.flat
    assert 'group "Brand Studio" in the table, "Brand" in the export' in compared.flat


@pytest.mark.parametrize(("size", "first"), [("week", "2026-02-23"), ("month", FIRST)])
def test_longer_periods_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str, first: str) -> None:
    team = Team(tmp_path)
    team.sync(size, synced_at="2026-04-02 06:30", start_date=first)
    team.export(start_date=first, end_date=TODAY)
    compared = Compared(team, capsys)
    assert compared() == 0
    assert f"by {size}, synced from" in compared.flat
    assert compared("--from", "2026-03-11") == 1
    assert f"Only some days of this {size} are compared" in compared.flat
    months = team.export(start_date=first, end_date=TODAY, granularity=size)
    assert compared() == 0
    team.export_file.write_text(re.sub(r"(?m)^(\d{4}-\d\d)-\d\d", r"\1", months))
    assert compared("--dateformat", "%Y-%m") == (0 if size == "month" else 1)


def test_the_table_is_found_or_it_is_said_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team, compared = Team(tmp_path), Compared(Team(tmp_path), capsys)
    team.sync(schema="north")
    team.export()
    assert compared() == 0
    team.sync(schema="south", group_ids=[11])
    assert compared() == 2
    assert "has credit_usage in north, south: choose one with  --schema ." in compared.error
    assert (compared("--schema", "north"), compared("--schema", "west"), compared("--schema", "south")) == (0, 2, 1)
    assert "The sync has filters, and the table has no row for this usage" in compared.flat
    assert 'so the table has only usage that matches {"group_ids":[11]}.' in compared.flat
    team.export(group_ids=["11"])
    assert compared("--schema", "south") == 0
    team.query("drop table north.credit_usage; drop table south.credit_usage")
    assert compared() == 2
    assert "has no table credit_usage: sync that stream into it" in compared.error
    team.table_file.write_text("not a database")
    assert compared() == 2
    assert "cannot be opened as a DuckDB file" in compared.error
    team.table_file.unlink()
    assert compared() == 2
    assert compared.error == f"There is no {team.table_file}: run  make demo  first, or name a DuckDB file.\n"


def test_addresses_are_shown_only_when_asked_for(team: Team, compared: Compared) -> None:
    team.happen({"kind": "change_email", "old": RAVI, "new": f"ravi@{DOMAIN}"})
    team.happen({"kind": "late", "day": "2026-03-29", "tool": "Upscaler", "email": RAVI, "uses": 2, "credits": 120})
    team.happen({"kind": "rename_project", "reference": PROJECTS[1].reference, "name": f"For {RAVI}"})
    team.export()
    assert compared("--all") == 1
    assert "an address (--people shows it)" in compared.flat
    assert "@" not in compared.printed
    assert compared("--all", "--people") == 1
    assert RAVI in compared.printed and f"ravi@{DOMAIN}" in compared.printed


def test_rows_kept_twice_and_rows_of_another_granularity_are_pointed_out(team: Team, compared: Compared) -> None:
    team.query("insert into credit_usage from credit_usage where date = '2026-03-04'")
    team.query(
        "insert into credit_usage select * replace ('month-2026-03-01-0' as usage_id, 'month' as granularity, "
        "timestamp '2026-03-30' as _airbyte_extracted_at) from credit_usage where usage_id = 'day-2026-03-02-0'"
    )
    assert compared() == 1
    assert "rows repeat a usage_id, as happens with plain append, and were counted too" in compared.flat
    assert "One side has the row more than once, with the same figures each time" in compared.flat
    assert "1 rows of a granularity other than day were left out" in compared.flat
    lines = team.export(end_date=TODAY).splitlines()
    team.export_file.write_text("\n".join([*lines, next(line for line in lines if line.startswith(TODAY))]))
    assert compared("--from", TODAY) == 1
    [reason] = reasons(compared)
    assert "One side has the row more than once" in reason


def test_without_usage_on_a_side_it_is_said_what_is_missing(team: Team, compared: Compared) -> None:
    assert compared("--from", FIRST, "--to", FIRST) == 0
    assert "Neither side has usage on these days, so there is nothing to compare." in compared.flat
    team.export_file.write_text(team.export().splitlines()[0])
    assert compared() == 1
    [reason] = reasons(compared)
    assert "The export has no rows for these days" in reason
    team.export()
    team.query("delete from credit_usage; delete from _airbyte_state")
    assert compared() == 1
    [reason] = reasons(compared)
    assert "Nothing has been synced into the table yet" in reason


def test_missing_columns_and_rows_are_reported(team: Team, compared: Compared) -> None:
    cut = [",".join(line.split(",")[i] for i in (0, 1, 4)) for line in team.export().splitlines()]
    team.export_file.write_text("\n".join(cut))
    assert compared() == 0
    assert "missing person, uses, project, group" in compared.flat
    head, *lines = team.export().splitlines()
    team.export_file.write_text("\n".join([head, *(line for line in lines if line.split(",")[2])]))
    nobody = f"user_email is null and tool is not null and date <= '{YESTERDAY}'"
    [(rows, credits)] = team.query(f"select count(*), sum(user_credits)::bigint from credit_usage where {nobody}")
    assert compared() == 1
    [reason] = reasons(compared)
    assert reason.startswith(f"{rows} rows -{credits} credits. Magnific counts this usage in a tool's total")


def test_the_page_is_one_page_of_usual_width_however_much_differs(team: Team, compared: Compared) -> None:
    team.query("update credit_usage set user_credits = user_credits + 7 where tool is not null")
    assert compared() == 1
    # Remove the paths, which can have any length.
    lines = compared.printed.replace(str(team.export_file.parent), "").splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 80
    assert compared("--all") == 1
    assert len(compared.printed.splitlines()) > 607


HEADINGS = "Date,Tool,User email,Usage count,Credits,Project,Group\n"
ROW = "2026-03-05,Upscaler,nora@team.example,12,480,Atlas,Studio\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "export.csv is empty and has no headings: download the export again."),
        ("<html>\n<p>Please sign in</p></html>", 'has no heading for date; its headings are "<html>". Name the column'),
        (ROW * 2, 'its headings are "2026-03-05", "Upscaler", (not shown: it may be an address), "12"'),
        (HEADINGS.replace("Group", "Credits") + ROW, 'has two headings "credits": rename the one that is not credits.'),
        (HEADINGS + ROW + ROW[:40], 'Row 3 of export.csv, column "Credits", has unbalanced quotes or the wrong number'),
        (HEADINGS + ROW + f'"{ROW}', "has unbalanced quotes or the wrong number of cells: download the export again"),
        (HEADINGS + ROW + ROW.replace("480", "4x0"), 'Row 3 of export.csv, column "Credits", has no figure in'),
        (HEADINGS + ROW + "Total,,,12,480,,\n", "has no date in the expected format: use  --dateformat "),
        (HEADINGS + ROW.replace("Upscaler", " \u200b"), 'Row 2 of export.csv, column "Tool", has no tool: enter it'),
        ((HEADINGS + ROW).encode().replace(b"Atlas", b"Caf\xe9"), "is not in the expected encoding: use  --encoding "),
    ],
)
def test_an_unreadable_cell_names_its_place(team: Team, compared: Compared, content: str | bytes, said: str) -> None:
    team.export_file.write_bytes(content.encode() if isinstance(content, str) else content)
    assert compared() == 2
    assert said in compared.error.replace(str(team.export_file), "export.csv")
    assert "@" not in compared.error
