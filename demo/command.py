"""`python -m demo [FOLDER]`: sync usage, check its totals, and write a report on where the credits went.

Without MAGNIFIC_API_KEY in the environment, the demo starts a sandbox and reads from it. To read your own team, set
MAGNIFIC_API_KEY and, optionally, MAGNIFIC_PLAN and MAGNIFIC_START_DATE.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
from rich import box
from rich.table import Table

from demo.data_origin import FOLDER, Expected, Origin, origin_from
from demo.interrupts import INTERRUPTED, held_back, is_interrupt
from demo.marts import DUCKDB_FILE, SANDBOX_TABLE, Marts, Row, open_marts
from demo.member_history import keep_history
from demo.models import Build
from demo.pipeline import BY_API_KEY, Pipeline, Synced, open_pipeline
from demo.report import HTML_FILE, write_report
from demo.sandbox_corrections import LOOKBACK_DAYS, change_the_past
from demo.terminal import Screen
from verify.duckdb_file import UserError

DayTool = dict[tuple[str, str], int]
EXPORT_FILE = "sandbox-export.csv"
"""A CSV export of the sandbox's dashboard, as input for `make compare`."""
_FILES = (DUCKDB_FILE, HTML_FILE, EXPORT_FILE)
"""The files that a run can write. If a successful run does not write one of them, it deletes the old one."""

_SUMS = """
    select cast(date as varchar), tool, cast(sum(user_credits) as bigint)
    from credit_usage where tool is not null group by date, tool
"""
_SPENT = """
    select cast(date_trunc('month', date) as date) as month, tool, cast(sum(credits) as bigint) as credits
    from magnific__usage group by all
"""
_SPAN = "select cast(min(date) as varchar), cast(max(date) as varchar) from credit_usage"


def run(folder: Path, screen: Screen) -> bool:
    """Run the whole demo in `folder`; return whether all totals agree. Raises UserError."""
    today = datetime.now(UTC).date()
    logs = folder / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    with replacing(folder) as new:
        duckdb_file = new / DUCKDB_FILE
        with origin_from(os.environ, today) as origin:
            screen.print(f"Reading {origin.description}\n")
            # Install dbt and let it parse the package while the connector reads the API.
            build = Build(duckdb_file, folder / "dbt", origin.is_sandbox)
            with open_pipeline(origin.config, duckdb_file, logs, screen.going_on) as pipeline:
                _sync_twice(origin, pipeline, screen)
            if origin.is_sandbox:
                (new / EXPORT_FILE).write_bytes(origin.export())
                with duckdb.connect(duckdb_file) as connection:
                    connection.execute(f"create table {SANDBOX_TABLE} as select date '{today}' as today")
            expected = _expected(origin, screen)
        if kept := keep_history(folder / DUCKDB_FILE, duckdb_file):
            screen.done(
                "kept", f"The last run was for another team. Its data and member history are in {folder / kept.name}"
            )
        screen.going_on("building the dbt package")
        screen.done("models", build.finish())
        with open_marts(duckdb_file) as marts:
            screen.print(_tools_by_month(marts.rows(_SPENT), screen.width))
            agree = expected is None or _report_totals(marts, expected, screen)
        screen.going_on("writing the report")
        write_report(duckdb_file, new / HTML_FILE)
    screen.done("report", str(folder / HTML_FILE))
    screen.done("data", f'{folder / DUCKDB_FILE} (DuckDB; the marts are in the schema "models")')
    return agree


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder. Its files replace the last run's if the block succeeds, and are deleted if it fails."""
    new = folder / "new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        with held_back():
            written = [file.replace(folder / file.name) for file in new.iterdir()]
            for name in _FILES:
                if folder / name not in written:
                    (folder / name).unlink(missing_ok=True)
    finally:
        # A second Ctrl-C must not stop the cleanup halfway.
        with held_back():
            shutil.rmtree(new, ignore_errors=True)


def _sync_twice(origin: Origin, pipeline: Pipeline, screen: Screen) -> None:
    screen.going_on("checking the connection and discovering the streams")
    streams = pipeline.check()
    screen.done("check", "the API accepts the key and the plan")
    screen.done("discover", ", ".join(streams))
    screen.going_on("syncing for the first time")
    # The connector reads usage by API key only once a day. Read it in the second sync, so that it includes the changes.
    _report_sync("first sync", pipeline.sync([name for name in streams if name != BY_API_KEY]), pipeline, screen)
    before = _credits(pipeline)
    if origin.is_sandbox:
        screen.also("Meanwhile, the API changes past usage:")
        for change in change_the_past(str(origin.config["base_url"]), origin.today):
            screen.also(f"· {change}")
    screen.going_on(f"syncing again: today, the last {LOOKBACK_DAYS} days, and usage by API key")
    synced = pipeline.sync(streams)
    _report_sync("second sync", synced, pipeline, screen)
    if keys := synced.rows.get("api_keys"):
        screen.also(
            f"{len(streams) - 1} requests read the other streams, and the rest read {BY_API_KEY} for the first time: "
            f"{keys} keys, up to {origin.longest_range_days} days per request. Later syncs send one request per key."
        )
    _report_changes(before, _credits(pipeline), screen)


def _report_changes(before: DayTool, after: DayTool, screen: Screen) -> None:
    changed = sorted(key for key in before | after if before.get(key, 0) != after.get(key, 0))
    for day, tool in changed[:5]:
        screen.also(f"· {tool} on {day}: from {before.get((day, tool), 0):,} to {after.get((day, tool), 0):,} credits")
    if len(changed) > 5:
        screen.also(f"· and {len(changed) - 5} more corrections")
    if not changed:
        screen.also("Nothing had to be corrected.")


def _report_sync(name: str, synced: Synced, pipeline: Pipeline, screen: Screen) -> None:
    rows = sum(synced.rows.values())
    screen.done(name, f"{rows:,} rows · {synced.requests} API requests · {synced.seconds:.1f} seconds")
    screen.also(", ".join(f"{count:,} {stream}" for stream, count in synced.rows.items()))
    [(first, last)] = pipeline.query(_SPAN)
    if first:
        screen.also(f"The table holds credit usage from {first} to {last}.")


def _credits(pipeline: Pipeline) -> DayTool:
    """Return credits by day and tool."""
    return {(day, tool): credits for day, tool, credits in pipeline.query(_SUMS)}


def _tools_by_month(spent: Sequence[Row], width: int) -> Table:
    """Return a table of credits by tool, with the newest months that fit and one column for all earlier months."""
    every = sorted({row["month"] for row in spent})
    shown = every[-max(1, min(12, (width - 50) // 11)) :]
    is_earlier = len(every) > len(shown)
    tools: dict[str, dict[date, int]] = {}
    for row in spent:
        tools.setdefault(row["tool"], {})[row["month"]] = row["credits"]
    table = Table(
        title="Credits by tool and month (magnific__usage)", title_justify="left", box=box.SIMPLE, show_footer=True
    )
    columns = [([month], f"{month:%b %Y}") for month in shown]
    if is_earlier:
        columns.insert(0, (every[: -len(shown)], "Earlier"))
    columns.append((every, "Total"))

    def figure(tool: str, months: Sequence[date]) -> int:
        return sum(tools[tool].get(month, 0) for month in months)

    table.add_column("Tool", "Total", no_wrap=True)
    for months, title in columns:
        total = sum(figure(tool, months) for tool in tools)
        table.add_column(title, f"{total:,}", justify="right", no_wrap=True)
    for tool in sorted(tools, key=lambda one: -figure(one, every)):
        table.add_row(tool, *(f"{figure(tool, months):,}" for months, _ in columns))
    return table


def _expected(origin: Origin, screen: Screen) -> Expected | None:
    screen.going_on("asking for the totals")
    try:
        return origin.expected()
    except UserError as error:
        screen.failed("totals", str(error))
        return None


def _differences(marts: Marts, expected: Expected) -> tuple[int, int, int]:
    """Return how many totals (by period and tool) differ, how many totals there are, and the credits in the marts."""
    rows = marts.rows(
        f"""
        select
            cast(greatest(cast(date_trunc('{expected.granularity}', date) as date), date '{expected.first}') as varchar)
                as date,
            tool, cast(sum(uses) as bigint) as uses, cast(sum(credits) as bigint) as credits
        from magnific__usage
        where date between date '{expected.first}' and date '{expected.last}'
        group by all
        """
    )
    stored = {(row["date"], row["tool"]): (row["uses"], row["credits"]) for row in rows}
    wanted = {(day, tool): (uses, credits) for day, tool, uses, credits in expected.totals}
    totals = stored.keys() | wanted.keys()
    different = sum(stored.get(one, (0, 0)) != wanted.get(one, (0, 0)) for one in totals)
    return different, len(totals), sum(credits for _, credits in stored.values())


def _report_totals(marts: Marts, expected: Expected, screen: Screen) -> bool:
    different, totals, credits = _differences(marts, expected)
    compared = f"{expected.said_by}, {expected.first} to {expected.last}"
    if different:
        screen.failed("totals", f"{different:,} of {totals:,} totals differ from {compared}:")
        screen.also(f"The file has {credits:,} credits instead of {sum(total[3] for total in expected.totals):,}.")
        return False
    screen.done("totals", f"{credits:,} credits; the totals of every tool match {compared}")
    if expected.granularity == "month":
        screen.also("Fetching these totals took one extra request. They exclude today unless it is the start date.")
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 if everything worked and all totals agree, 130 after Ctrl-C, and 1 otherwise."""
    parser = argparse.ArgumentParser("python -m demo", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"where to write; default: {FOLDER}/")
    folder: Path = parser.parse_args(argv).folder
    try:
        with Screen() as screen:
            return 0 if run(folder, screen) else 1
    except (KeyboardInterrupt, Exception) as error:
        if is_interrupt(error):
            # Silence the errors that PyAirbyte's objects print on deletion if they were only partially created.
            sys.unraisablehook = lambda _: None
            print(INTERRUPTED, file=sys.stderr)
            return 130
        if isinstance(error, UserError):
            print(f"The demo stopped: {error}", file=sys.stderr)
            if os.environ.get("MAGNIFIC_API_KEY"):
                print(
                    "The demo reads its settings from MAGNIFIC_API_KEY, MAGNIFIC_PLAN and MAGNIFIC_START_DATE.",
                    file=sys.stderr,
                )
            return 1
        raise
