"""`python -m demo.comparison`: where an export of the dashboard and the synced table agree, and where not and why."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from exports import DOMAIN, FIRST, TODAY, YESTERDAY, Compared, Team, in_ascii
from hypothesis import given
from hypothesis import strategies as st
from sandbox_process import ROOT

from demo.comparison.differences import Place, Side, compare
from sandbox.export import FORMS
from sandbox.team import PROJECTS

RAVI = f"ravi.menon@{DOMAIN}"
AGREE = "They agree to the credit: 607 rows and 182 sums by tool and day."


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    team = Team(tmp_path_factory.mktemp("synced"))
    team.sync()
    return team.table_file


@pytest.fixture()
def team(synced: Path, tmp_path: Path) -> Team:
    """With a table of March, synced on its last day, and nothing exported yet."""
    team = Team(tmp_path)
    shutil.copy(synced, team.table_file)
    return team


@pytest.fixture()
def compared(team: Team, capsys: pytest.CaptureFixture[str]) -> Compared:
    return Compared(team, capsys)


def test_a_table_that_was_synced_right_equals_the_export(team: Team, compared: Compared) -> None:
    team.export()
    assert compared() == 0
    assert AGREE in compared.flat
    assert "Why that may be" not in compared.flat
    assert "The table also holds 29,273 credits on 2026-03-31: not compared" in compared.flat


@pytest.mark.parametrize("form", [form for form in FORMS if form != "people-only"])
def test_it_does_not_matter_how_the_export_is_written(team: Team, compared: Compared, form: str) -> None:
    assert team.export(form) != team.export()
    team.export(form)
    assert compared() == 0
    assert AGREE in compared.flat


@pytest.mark.parametrize(
    "forms",
    [
        ("semicolon", "decimal-comma", "bom", "line-breaks", "day-first", "title", "other-headings"),
        ("tab", "decimal-point", "utf-16", "line-breaks", "month-first", "quoted", "references"),
        ("decimal-comma", "line-breaks", "month-names", "title"),
        ("pipe", "spaced", "utf-16", "timestamps", "other-headings", "title"),
    ],
)
def test_nor_does_it_where_all_that_comes_together(team: Team, compared: Compared, forms: tuple[str, ...]) -> None:
    team.export(*forms)
    assert compared() == 0
    assert AGREE in compared.flat


@pytest.mark.parametrize("form", ["", "decimal-comma", "utf-16"])
def test_one_credit_is_found_at_its_row_and_in_the_sum_of_its_tool_and_day(
    team: Team, compared: Compared, form: str
) -> None:
    team.export(*filter(None, [form]))
    where = f"date = '2026-03-10' and tool = 'Image Editor' and user_email = 'nora.lindqvist@{DOMAIN}'"
    team.query(f"update credit_usage set user_credits = user_credits - 1 where {where}")
    [(usage_id, credits)] = team.query(f"select usage_id, user_credits from credit_usage where {where}")
    assert compared() == 1
    assert "They differ in 1 of 607 rows and in 1 of 182 sums by tool and day." in compared.flat
    assert "Everything agrees on 28 of 29 days with usage." in compared.flat
    assert "is the first day of" not in compared.flat
    sums, rows = (compared.part(title) for title in ("By tool and day", "Row by row"))
    assert re.search(r"^2026-03-10 Image Editor +[\d,]+ +[\d,]+ +\+1 +0 +a *$", sums, re.MULTILINE)
    assert re.search(rf"^2026-03-10 Image Editor +{credits + 1:,} +{credits:,} +\+1 +0 +a *$", rows, re.MULTILINE)
    line = next(n for n, row in enumerate(csv.reader(io.StringIO(team.export().decode())), 1) if row[:3] == [
        "2026-03-10", "Image Editor", f"nora.lindqvist@{DOMAIN}"])  # fmt: skip
    assert f"line {line} · {usage_id}" in " ".join(rows.split())
    assert "a 1 row, +1 credit. Before the last 7 days" in compared.flat


def test_days_that_are_not_synced_or_were_not_over_are_told_from_the_others(team: Team, compared: Compared) -> None:
    team.set_today("2026-04-02")
    team.export(end_date="2026-04-01", start_date="2026-02-27")
    assert compared() == 1
    why = compared.part("Why that may be")
    said = " ".join(why.split())
    assert "These days lie before the first synced one, 2026-03-01" in said
    assert "Not synced yet: the last synced day is 2026-03-31." in said
    assert "Still going on when the table was synced (2026-03-31 06:30 UTC)" in said
    assert len(re.findall("^[a-z]  ", why, re.MULTILINE)) == 3
    assert compared("--from", FIRST, "--to", YESTERDAY) == 0
    assert AGREE in compared.flat
    assert "The export also holds" in compared.flat


def test_the_credits_of_all_reasons_add_up_to_the_difference(team: Team, compared: Compared) -> None:
    team.happen(
        {"kind": "late", "day": "2026-03-29", "tool": "Upscaler", "email": RAVI, "uses": 2, "credits": 120},
        {"kind": "refund", "day": "2026-03-04", "tool": "Upscaler"},
        {"kind": "attribute", "day": "2026-03-12", "tool": "Asset Download", "email": RAVI},
    )
    team.export(end_date=TODAY)
    team.query("delete from credit_usage where date = '2026-03-17'")
    assert compared("--all") == 1
    why = in_ascii(compared.part("Why that may be"))
    by_reason = [int(one) for one in re.findall(r"^[a-z]  \d+ rows? ([+-]?\d+) credit", why, re.MULTILINE)]
    [[total]] = [re.findall(r"^Credits .* ([+-]\d+)$", in_ascii(compared.printed), re.MULTILINE)]
    assert sum(by_reason) == int(total) != 0
    assert "the last 7 (lookback_window_days" in " ".join(why.split())
    assert "Magnific has given the usage to another person" in " ".join(why.split())
    listed = re.findall(
        r"^2026-\S+ \D+? .*? ([+-]?\d+) +[+-]?\d+ +[a-z] *$", in_ascii(compared.part("Row by row")), re.MULTILINE
    )
    assert sum(map(int, listed)) == int(total)


def test_usage_of_nobody_is_named_where_the_export_has_people_alone(team: Team, compared: Compared) -> None:
    team.export("people-only")
    [(rows, credits)] = team.query(
        "select count(*), sum(user_credits)::bigint from credit_usage where user_email is null and tool is not null "
        f"and date <= '{YESTERDAY}'"
    )
    assert compared() == 1
    assert (
        f"a {rows} rows, \N{MINUS SIGN}{credits:,} credits. Magnific counts this usage in a tool's total"
        in compared.flat
    )
    assert len(re.findall("^[a-z]  ", compared.part("Why that may be"), re.MULTILINE)) == 1


def test_a_project_is_the_same_under_its_new_name_and_a_group_is_said_to_be_another(
    team: Team, compared: Compared
) -> None:
    team.happen({"kind": "rename_project", "reference": PROJECTS[0].reference, "name": "Winter Catalogue"})
    team.export()
    team.query(f"update projects set name = 'Winter Catalogue' where project_reference = '{PROJECTS[0].reference}'")
    assert compared() == 0
    team.happen({"kind": "rename_group", "group_id": 11, "name": "Brand"})
    team.export()
    assert compared() == 1
    assert "in 0 of 182 sums by tool and day" in compared.flat
    assert 'group "Brand Studio" in the table, "Brand" in the export' in compared.flat


def test_a_project_that_was_renamed_after_the_sync_is_paired_by_its_figures(team: Team, compared: Compared) -> None:
    team.happen({"kind": "rename_project", "reference": PROJECTS[0].reference, "name": "Winter Catalogue"})
    team.export()
    assert compared() == 1
    assert 'project "Autumn Catalogue" in the table, "Winter Catalogue" in the export' in compared.flat
    assert len(re.findall("^[a-z]  ", compared.part("Why that may be"), re.MULTILINE)) == 1


def test_filters_of_the_sync_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team = Team(tmp_path)
    team.sync(group_ids=[11, 24])
    team.export()
    compared = Compared(team, capsys)
    assert compared() == 1
    assert "The sync has filters, and the table has no such row" in compared.flat
    assert "so the table holds this alone: group_ids 11, 24." in compared.flat
    team.export(group_ids=["11", "24"])
    assert compared() == 0


@pytest.mark.parametrize("size", ["week", "month"])
def test_a_table_of_longer_periods_is_compared_by_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str
) -> None:
    team = Team(tmp_path)
    team.sync(size, synced_at="2026-04-02 06:30", start_date="2026-02-23" if size == "week" else FIRST)
    team.export(end_date=TODAY, start_date="2026-02-23" if size == "week" else FIRST)
    compared = Compared(team, capsys)
    assert compared() == 0
    assert f"by {size}, synced from" in compared.flat
    assert compared("--from", "2026-03-11") == 1
    assert f"A {size} of which the comparison has some days alone" in compared.flat


def test_another_schema_is_found_and_of_several_one_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team, compared = Team(tmp_path), Compared(Team(tmp_path), capsys)
    team.sync(schema="north")
    team.export()
    assert compared() == 0
    team.sync(schema="south", group_ids=[11])
    assert compared() == 2
    assert "in several schemas, north, south: name one with  --schema ." in compared.error
    assert (compared("--schema", "north"), compared("--schema", "south"), compared("--schema", "west")) == (0, 1, 2)


def test_addresses_are_shown_only_when_asked_for(team: Team, compared: Compared) -> None:
    team.happen({"kind": "change_email", "old": RAVI, "new": f"ravi@{DOMAIN}"})
    team.happen({"kind": "late", "day": "2026-03-29", "tool": "Upscaler", "email": RAVI, "uses": 2, "credits": 120})
    team.happen({"kind": "rename_project", "reference": PROJECTS[1].reference, "name": f"For {RAVI}"})
    team.export()
    assert compared("--all") == 1
    assert "an address (--people shows it)" in compared.flat
    assert "@" not in compared.printed + compared.error
    assert compared("--all", "--people") == 1
    assert RAVI in compared.printed and f"ravi@{DOMAIN}" in compared.printed


def test_rows_kept_twice_and_rows_of_another_granularity_are_pointed_out(team: Team, compared: Compared) -> None:
    team.export()
    team.query("insert into credit_usage from credit_usage where date = '2026-03-04'")
    team.query(
        "insert into credit_usage select * replace ('month-2026-03-01-0' as usage_id, 'month' as granularity, "
        "timestamp '2026-03-30' as _airbyte_extracted_at) from credit_usage where usage_id = 'day-2026-03-02-0'"
    )
    assert compared() == 1
    assert ") were counted, too, as plain append leaves them" in compared.flat
    assert "One side has the row more than once, with the same figures each time" in compared.flat
    assert "Rows of another granularity than day (1) were left out" in compared.flat


def test_without_usage_on_either_side_there_is_nothing_to_compare(team: Team, compared: Compared) -> None:
    team.export()
    assert compared("--from", "2026-03-01", "--to", "2026-03-01") == 0
    assert "Neither side has usage on these days: there was nothing to compare." in compared.flat
    headings = team.export().splitlines(keepends=True)[0]
    team.export_file.write_bytes(headings)
    assert compared() == 1
    assert "0 rows (UTF-8" in compared.flat and "Everything agrees on 0 of" in compared.flat
    assert "The export has headings, but no rows:" in compared.flat
    assert len(re.findall("^[a-z]  ", compared.part("Why that may be"), re.MULTILINE)) == 1
    team.export(end_date="2026-03-07")
    assert compared("--from", "2026-03-10", "--to", YESTERDAY) == 1
    assert "The export has no rows of these days:" in compared.flat


def test_the_page_is_one_page_of_usual_width_however_much_differs(team: Team, compared: Compared) -> None:
    team.export()
    team.query("update credit_usage set user_credits = user_credits + 7 where tool is not null")
    assert compared() == 1
    # A file may lie as deep as it likes.
    lines = compared.printed.replace(str(team.export_file.parent), "").splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 80
    assert compared("--all") == 1
    assert len(compared.printed.splitlines()) > 607


def test_the_command_ends_with_what_it_found(team: Team) -> None:
    team.export()
    team.table_file.unlink()
    command = [sys.executable, "-m", "demo.comparison", team.export_file, team.table_file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"There is no {team.table_file}: run  make demo  first, or name a DuckDB file.\n"


names = st.sampled_from(["a", "b", None])
places = st.builds(Place, st.dates(), st.sampled_from("xy"), names, names, names)
sides = st.dictionaries(places, st.builds(Side, *[st.decimals(-9, 9, places=2)] * 2), max_size=6)


@given(sides, sides)
def test_every_difference_is_in_the_rows_and_none_is_lost(export: dict[Place, Side], table: dict[Place, Side]) -> None:
    found = compare(export.items(), table.items())
    total = found.all
    assert sum(one.credits for one in found.differences) == total.export.credits - total.table.credits
    assert sum(one.uses for one in found.differences) == total.export.uses - total.table.uses
    same = {place for place in export if place in table and export[place].figures == table[place].figures}
    assert found.agreeing == sum(any(export[place].figures) for place in same)
    assert total.export.credits == sum(side.credits for side in export.values())
