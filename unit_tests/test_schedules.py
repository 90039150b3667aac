"""Compare the table of schedules in docs/magnific-analytics.md with the number of requests that a day's syncs send."""

import re
from datetime import date
from pathlib import Path

import pytest
from builders import raw_config
from in_process import LISTS, states, sync
from pendulum import Date
from sandbox_api import SandboxApi

PAGE = Path(__file__).parent.parent / "docs" / "magnific-analytics.md"
# Hours between syncs.
HOURS = {"Once a day": 24, "Every 6 hours": 6, "Every hour": 1}
# The streams that each column of the page's table covers.
SELECTIONS = (("credit_usage",), (*LISTS, "credit_usage"), (*LISTS, "credit_usage", "credit_usage_by_api_key"))
CONFIG = raw_config(start_date="2026-03-01")


@pytest.fixture(scope="module")
def table() -> dict[str, list[str]]:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {schedule: cells for schedule, *cells in rows if schedule in HOURS}


@pytest.mark.parametrize("column", range(len(SELECTIONS)))
def test_a_days_syncs_send_what_the_page_says(table: dict[str, list[str]], column: int) -> None:
    assert table.keys() == HOURS.keys()
    api = SandboxApi(today=date(2026, 3, 31), keys=20)
    saved, sent = None, []
    with api.serving():
        for day in (30, 31, 31):
            output = sync(CONFIG, *SELECTIONS[column], state=saved, today=Date(2026, 3, day))
            saved = states(output, SELECTIONS[column][-1])[-1]
            sent.append(len(api.asked) + api.lists.total())
    first, later = sent[1] - sent[0], sent[2] - sent[1]
    for schedule, hours in HOURS.items():
        said = table[schedule][column]
        expected = first + (24 // hours - 1) * later
        assert re.findall(r"\d+", said) == [str(expected)]
        assert ("over the limit" in said) == (expected > 100)
