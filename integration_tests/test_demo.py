"""Run `python -m demo` as a user would, and check what it prints and leaves behind."""

import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from demo_process import Demo
from sandbox_process import LISTS, USAGE, Sandbox

from demo.marts import SANDBOX_TABLE
from demo.member_history import keep_history
from demo.models import main as build_models
from sandbox import DEFAULT_KEY


def test_the_demo_syncs_twice_and_the_totals_equal_the_ledger(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        code, printed = demo.run(HTTP_PROXY=address, http_proxy=address, ALL_PROXY=address, NO_PROXY="", no_proxy="")
        proxy.setblocking(False)
        # Requests to this machine must not use the proxy.
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert code == 0, printed
    assert "7 API requests" in printed.partition("second sync")[0]
    assert "17 API requests" in printed.partition("second sync")[2], "5 requests, and 3 for each of the 4 API keys"
    assert "5 requests read the other streams," in " ".join(printed.split())
    assert [line for line in printed.splitlines() if len(line) > 80 and str(demo.folder) not in line] == []
    assert rows_add_up(printed) > 8
    for words in (
        "members, api_keys, groups, projects, credit_usage, credit_usage_by_api_key",
        "Meanwhile, the API changes past usage",
        "12 late uses",
        "to 0 credits",
        "checks passed",
        "the totals of every tool match the sandbox's ledger",
    ):
        assert words in " ".join(printed.split())
    with duckdb.connect(demo.output / "magnific.duckdb", read_only=True) as connection:
        [(stored, repeated)] = connection.execute(
            "select sum(user_credits), count(*) - count(distinct usage_id) from credit_usage"
        ).fetchall()
        [(in_marts,)] = connection.execute("select sum(credits) from models.magnific__usage").fetchall()
        [(deleted,)] = connection.execute("select count(*) from credit_usage where tool is null").fetchall()
        [(names,)] = connection.execute("select count(*) from projects where name like '% II'").fetchall()
    assert (stored, repeated, names) == (in_marts, 0, 1)
    assert deleted > 0
    assert f"{stored:,} credits" in printed
    page = (demo.output / "report.html").read_text()
    assert "The team, its prices and its budgets are invented." in page
    assert (demo.connections(), demo.leftovers()) == ("", [])
    assert not (demo.folder / "home" / ".airbyte").exists()
    # The usage table alone, in a schema with a different name, is enough to build the models.
    monkeypatch.chdir(demo.folder)
    with duckdb.connect("elsewhere.duckdb") as connection:
        connection.execute(f"attach '{demo.output / 'magnific.duckdb'}' as demo; create schema magnific")
        connection.execute("create table magnific.credit_usage as from demo.credit_usage")
    assert build_models(["elsewhere.duckdb"]) == 0


def rows_add_up(printed: str) -> int:
    """Check that each row and column of the printed table adds up to its total, and return the number of rows."""
    table = printed.partition("Credits by tool and month")[2].partition("totals")[0]
    figures = [
        [int(one.replace(",", "")) for one in re.findall(r"(?<=  )[\d,]+(?=  )", line)] for line in table.splitlines()
    ]
    rows = [row for row in figures if row]
    assert all(sum(row[:-1]) == row[-1] for row in rows)
    assert [sum(column) for column in zip(*rows[:-1], strict=True)] == rows[-1], "the total"
    return len(rows)


def test_with_a_key_it_reads_that_api_by_plan_and_start(demo: Demo, make_sandbox: Callable[..., Sandbox]) -> None:
    key = "a-key-that-nobody-may-see"
    api = make_sandbox(f"--key={key}", "--plan=enterprise")
    today = datetime.now(UTC).date()
    start = today - timedelta(days=364)
    code, printed = demo.run(
        MAGNIFIC_API_KEY=key,
        MAGNIFIC_BASE_URL=api.base_url,
        MAGNIFIC_PLAN="enterprise",
        MAGNIFIC_START_DATE=start.isoformat(),
    )
    assert code == 0, printed
    assert "the totals of every tool match Magnific's totals by month" in " ".join(printed.split())
    assert "Meanwhile" not in printed
    requests = api.requests()
    asked = [request["path"].rpartition("/")[2] for request in requests]
    # Requests for the check, for two syncs, for four API keys in the second sync, and for the totals by month.
    assert asked == [USAGE, *LISTS, USAGE, *LISTS, USAGE, *[USAGE] * 4, USAGE]
    first_sync = requests[5]["body"]
    assert first_sync == {"granularity": "day", "start_date": start.isoformat(), "end_date": today.isoformat()}
    page = (demo.output / "report.html").read_text()
    assert "invented" not in page
    with duckdb.connect(demo.output / "magnific.duckdb", read_only=True) as connection:
        # The demo's invented prices must not be applied.
        assert connection.execute("select has_prices from models.magnific__synced").fetchall() == [(False,)]
    written = [file for file in demo.output.rglob("*") if file.is_file()]
    assert key not in printed
    assert not [file for file in written if key.encode() in file.read_bytes()]
    assert (demo.connections(), demo.leftovers()) == ("", [])


@pytest.mark.parametrize(
    ("key", "a_day", "words"),
    [("wrong", 0, "Magnific refuses the API key"), (DEFAULT_KEY, 3, "This Magnific team has used up")],
)
def test_a_mistake_is_one_plain_sentence_and_the_last_result_stays(
    demo: Demo, make_sandbox: Callable[..., Sandbox], key: str, a_day: int, words: str
) -> None:
    api = make_sandbox(f"--per-day={a_day}")
    demo.output.mkdir()
    (demo.output / "magnific.duckdb").write_text("the last result")
    code, printed = demo.run(MAGNIFIC_API_KEY=key, MAGNIFIC_BASE_URL=api.base_url)
    assert code == 1
    assert f"The demo stopped: {words}" in printed and "settings from MAGNIFIC_API_KEY" in printed
    assert "Traceback" not in printed, printed
    assert (demo.output / "magnific.duckdb").read_text() == "the last result"


def test_the_history_of_members_outlives_the_file_that_the_next_run_replaces(tmp_path: Path) -> None:
    def synced(folder: str, member: str, *tables: str) -> Path:
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "magnific.duckdb"
        with duckdb.connect(file) as connection:
            connection.execute(f"create table members as select '{member}' as email")
            for table in tables:
                connection.execute(f"create schema if not exists models; create table {table} as from members")
                connection.execute(f"alter table {table} rename email to user_email")
        return file

    def histories(file: Path) -> list[tuple[str]]:
        with duckdb.connect(file, read_only=True) as connection:
            found = connection.execute("select 1 from duckdb_tables() where table_name = 'magnific__members_history'")
            return connection.sql("from models.magnific__members_history").fetchall() if found.fetchall() else []

    history = "models.magnific__members_history"
    last = synced("last", "ann@example.com", history)
    same = synced("same", "Ann@Example.com")
    assert keep_history(last, same) is None
    assert histories(same) == [("ann@example.com",)]
    for new in (synced("other", "bob@example.com"), synced("sandbox", "ann@example.com", SANDBOX_TABLE)):
        kept = keep_history(last, new)
        assert kept is not None and kept.parent == new.parent and kept != new
        assert (histories(new), histories(kept)) == ([], [("ann@example.com",)])
    invented = synced("invented", "ann@example.com", history, SANDBOX_TABLE)
    assert keep_history(invented, synced("real", "ann@example.com")) is None
    (tmp_path / "text.duckdb").write_text("the last result")
    kept = keep_history(tmp_path / "text.duckdb", same)
    assert kept is not None and kept.read_text() == "the last result", "a file that cannot be opened is kept"
    assert keep_history(tmp_path / "none.duckdb", same) is None
