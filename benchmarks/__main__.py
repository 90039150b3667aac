"""`python -m benchmarks [case ...] [--runs N] [--rows N]`."""

import argparse
import os
import platform
from importlib.metadata import version
from pathlib import Path

from benchmarks.cases import CASES, GROWTH_ROWS, Effort
from benchmarks.peers import singer_release
from benchmarks.report import Headline, summary, write_figures

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def _setting(runs: int) -> str:
    return (
        f"Measured with Python {platform.python_version()}, airbyte-cdk {version('airbyte-cdk')} and singer-sdk "
        f"{singer_release()} on {os.cpu_count()} cores; {runs} rounds after one to warm up.\n"
    )


def main() -> None:
    """Run the cases, print their tables, and keep the figures of a full run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Where the connector stands.")
    parser.add_argument("cases", nargs="*", metavar="case", help=f"all, or some of: {', '.join(CASES)}")
    parser.add_argument("--runs", type=int, default=3, help="rounds of each measurement (default: 3)")
    parser.add_argument(
        "--rows",
        type=int,
        default=max(GROWTH_ROWS),
        help="usage rows of the largest growth (default: %(default)s, some minutes)",
    )
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    names = options.cases or list(CASES)
    parts: list[str] = []
    headlines: list[Headline] = []
    for name in names:
        tables, lines = CASES[name](Effort(options.runs, options.rows))
        for table in tables:
            print(table, flush=True)
            parts.append(str(table))
        headlines += lines
    glance = str(summary(headlines))
    print(glance)
    if names == list(CASES):
        write_figures(PAGE, "\n".join([_setting(options.runs), glance, *parts]))


if __name__ == "__main__":
    main()
