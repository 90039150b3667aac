"""`python -m demo [FOLDER]`: from an API key to a picture of where the credits went, in about half a minute.

Without a key in the environment it reads a sandbox that it starts itself. MAGNIFIC_API_KEY, and optionally
MAGNIFIC_PLAN and MAGNIFIC_START_DATE, make it read a real team.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Thread

from rich.table import Table

from demo.changes import LOOKBACK_DAYS, change_the_past
from demo.interrupts import INTERRUPTS, end_children, held_back, is_interrupt
from demo.origin import FOLDER, DemoError, Origin, origin_from
from demo.pipeline import BY_API_KEY, Pipeline, Synced, open_pipeline
from demo.report import HTML_FILE, library, write_report
from demo.screen import Screen
from demo.warehouse import DUCKDB_FILE, STARTING_POINTS, Row, open_warehouse, save_expected

EXPORT_FILE = "sandbox-export.csv"
"""For `make compare`."""

_SUMS = """
    select cast(date as varchar), tool, cast(sum(user_credits) as bigint)
    from credit_usage where tool is not null group by date, tool
"""
_SPAN = "select cast(min(date) as varchar), cast(max(date) as varchar) from credit_usage"


def run(folder: Path, screen: Screen) -> bool:
    """The whole demo; its files go to `folder`. Returns whether no sum disagrees. Raises DemoError."""
    today = datetime.now(UTC).date()
    logs = folder / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    with replacing(folder) as new:
        duckdb_file = new / DUCKDB_FILE
        with origin_from(os.environ, today) as origin:
            screen.print(f"Reading {origin.description}\n")
            with open_pipeline(origin.config, duckdb_file, logs, screen.going_on) as pipeline:
                # Seconds of work that nothing waits for while the connector starts.
                Thread(target=library, daemon=True).start()
                _sync_twice(origin, pipeline, screen)
            if origin.is_sandbox:
                (new / EXPORT_FILE).write_bytes(origin.export())
            screen.going_on("asking for the sums")
            try:
                save_expected(duckdb_file, origin.expected())
            except DemoError as error:
                screen.failed("sums", str(error))
        with open_warehouse(duckdb_file) as warehouse:
            screen.print(_tools_by_month(warehouse.rows("spend_by_tool", STARTING_POINTS), screen.width))
            agree = all(_tell_sums(totals, screen) for totals in warehouse.rows("totals"))
        screen.going_on("drawing the report")
        write_report(duckdb_file, new / HTML_FILE)
    screen.done("report", str(folder / HTML_FILE))
    screen.done("data", f"{folder / DUCKDB_FILE} (DuckDB; SQL to start from is in docs/queries)")
    return agree


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder for the files that take the last ones' places when the block ends well, and otherwise go."""
    new = folder / "new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        with held_back():
            for file in new.iterdir():
                file.replace(folder / file.name)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _sync_twice(origin: Origin, pipeline: Pipeline, screen: Screen) -> None:
    screen.going_on("checking the connection, and discovering the streams")
    streams = pipeline.check()
    screen.done("check", "the key opens the API, and the plan fits")
    screen.done("discover", ", ".join(streams))
    screen.going_on("syncing for the first time")
    # A key is read once a day: by the last sync alone, so that its figures are as new as all others.
    _tell_sync("first sync", pipeline.sync([name for name in streams if name != BY_API_KEY]), pipeline, screen)
    before = _credits(pipeline)
    if origin.is_sandbox:
        screen.also("Meanwhile the past changes at the API:")
        for change in change_the_past(str(origin.config["base_url"]), origin.today):
            screen.also(f"· {change}")
    screen.going_on(f"syncing again, the last {LOOKBACK_DAYS} days and today, and what went through API keys")
    _tell_sync("second sync", pipeline.sync(streams), pipeline, screen)
    after = _credits(pipeline)
    changed = sorted(key for key in before | after if before.get(key, 0) != after.get(key, 0))
    for day, tool in changed[:5]:
        screen.also(f"· {tool} on {day}: {before.get((day, tool), 0):,} credits are now {after.get((day, tool), 0):,}")
    if len(changed) > 5:
        screen.also(f"· and {len(changed) - 5} more corrections")
    if not changed:
        screen.also("Nothing had to be corrected.")


def _tell_sync(name: str, synced: Synced, pipeline: Pipeline, screen: Screen) -> None:
    rows = sum(synced.rows.values())
    screen.done(name, f"{rows:,} rows · {synced.requests} API requests · {synced.seconds:.1f} seconds")
    screen.also(", ".join(f"{count:,} {stream}" for stream, count in synced.rows.items()))
    [(first, last)] = pipeline.query(_SPAN)
    if first:
        screen.also(f"The table holds credit usage from {first} to {last}.")


def _credits(pipeline: Pipeline) -> dict[tuple[str, str], int]:
    """Credits by day and tool."""
    return {(day, tool): credits for day, tool, credits in pipeline.query(_SUMS)}


def _tools_by_month(spent: Sequence[Row], width: int) -> Table:
    """Credits of each tool: all of them, and as many of the newest months as the terminal has room for."""
    months = sorted({row["month"] for row in spent})[-max(1, min(6, (width - 32) // 11)) :]
    tools: dict[str, dict[date, int]] = {}
    for row in spent:
        tools.setdefault(row["tool"], {})[row["month"]] = int(row["credits"])
    table = Table(title="Credits by tool and month (docs/queries/spend_by_tool.sql)", title_justify="left")
    table.add_column("Tool", no_wrap=True)
    for month in months:
        table.add_column(f"{month:%b %Y}", justify="right", no_wrap=True)
    table.add_column("All", justify="right", style="bold", no_wrap=True)
    for tool, by_month in sorted(tools.items(), key=lambda item: -sum(item[1].values())):
        figures = [by_month.get(month, 0) for month in months]
        table.add_row(tool, *(f"{credits:,}" for credits in [*figures, sum(by_month.values())]))
    return table


def _tell_sums(totals: Row, screen: Screen) -> bool:
    compared = f"{totals['said_by']}, {totals['first']} to {totals['last']}"
    if totals["different"]:
        screen.failed("sums", f"{totals['different']:,} of {totals['sums']:,} sums differ from {compared}:")
        screen.also(f"{totals['stored_credits']:,} credits in the file, {totals['expected_credits']:,} there.")
        return False
    screen.done("sums", f"{totals['stored_credits']:,} credits, equal for every tool to {compared}")
    if totals["granularity"] == "month":
        screen.also(
            "Magnific has no ledger to read: it was asked once more, by month, without today where that can be."
        )
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """0 where all went well and no sum disagrees, 1 where not, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser("python -m demo", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"for its files; default: {FOLDER}/")
    folder: Path = parser.parse_args(argv).folder
    try:
        with Screen() as screen:
            return 0 if run(folder, screen) else 1
    except (KeyboardInterrupt, Exception) as error:
        if is_interrupt(error):
            # Half-made objects of PyAirbyte complain when they go.
            sys.unraisablehook = lambda _: None
            print("Interrupted. Nothing of the last result has changed.", file=sys.stderr)
            return 130
        if isinstance(error, DemoError):
            print(f"The demo stopped: {error}", file=sys.stderr)
            return 1
        raise


if __name__ == "__main__":
    # What ends a service is to leave as little behind as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = main()
    except KeyboardInterrupt:
        # Another one, while the first was told.
        code = 130
    finally:
        # Whoever asks again has been heard.
        for one in INTERRUPTS:
            signal.signal(one, signal.SIG_IGN)
        end_children()
    sys.exit(code)
