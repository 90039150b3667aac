"""Run benchmarks: `python -m benchmarks [case ...] [--runs N | --quick]`. A full run updates docs/performance.md."""

import argparse
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.cases import CASES, Effort
from benchmarks.measure import Command, output
from benchmarks.peers import SINGER_PYTHON
from benchmarks.report import Headline, Table, write_figures

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def _setting(runs: int) -> str:
    program = "from importlib.metadata import version; print(version('singer-sdk'), end='')"
    [singer] = output(Command("the version of singer-sdk", (SINGER_PYTHON, "-c", program)))
    return (
        f"Measured on {date.today()} with Python {platform.python_version()}, airbyte-cdk {version('airbyte-cdk')} and "
        f"singer-sdk {singer.decode()} on {os.cpu_count()} cores, in {runs} rounds after a warm-up round.\n"
    )


def main() -> None:
    """Run the chosen benchmark cases and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmark the connector.")
    parser.add_argument("cases", nargs="*", metavar="case", help=f"any of {', '.join(CASES)} (default: all)")
    parser.add_argument("--runs", type=int, default=3, help="number of rounds (default: 3)")
    parser.add_argument("--quick", action="store_true", help="run one round with few rows, to test the cases")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"unknown case: {', '.join(sorted(unknown))}")
    runs = 1 if options.quick else options.runs
    tables: list[Table] = []
    headlines: list[Headline] = []
    for name in options.cases or CASES:
        table, lines = CASES[name](Effort(runs, options.quick))
        print(table, flush=True)
        tables.append(table)
        headlines += lines
    note = "Each ratio is the median over all rounds, with the lowest and highest in parentheses. Lower is better."
    glance = Table("At a glance", note, ("figure", "measured", "bar", "aim"), headlines)
    print(glance)
    if not (options.cases or options.quick):
        write_figures(PAGE, "\n".join([_setting(runs), *map(str, [glance, *tables])]))


if __name__ == "__main__":
    main()
