"""Choose what the demo reads: a sandbox on this machine or, with a key in the environment, Magnific itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import requests

from sandbox import DEFAULT_KEY, Options, running
from verify.duckdb_file import UserError

FOLDER = Path("demo-output")
"""The default folder for all files that the demo and its commands write."""

MAGNIFIC = "https://api.magnific.com"
LONGEST_CHECK_DAYS = 180
"""The longest range that every plan allows in one request, including both ends (see Magnific's Analytics overview)."""

SANDBOX_LEDGER = "the sandbox's ledger by day"
"""The source of the sandbox's expected totals, as shown to the user."""

Totals = list[tuple[str, str, int, int]]
"""The totals that the file should have, each as (first day of the period, tool, uses, credits)."""


@dataclass(frozen=True)
class Expected:
    """The totals that Magnific or the sandbox's ledger reports for the days from `first` to `last`, both inclusive."""

    said_by: str
    granularity: str
    first: date
    last: date
    totals: Totals


@dataclass(frozen=True)
class Origin:
    """The API to read, and the connector's configuration. `is_sandbox` says whether the API is a sandbox, where the
    demo may change usage."""

    config: Mapping[str, Any]
    is_sandbox: bool
    today: date

    @property
    def base_url(self) -> str:
        return str(self.config.get("base_url", MAGNIFIC))

    @property
    def longest_range_days(self) -> int:
        """The largest number of days that the connector requests at once."""
        return 365 if self.config["plan"] == "enterprise" else LONGEST_CHECK_DAYS

    @property
    def description(self) -> str:
        if self.is_sandbox:
            return (
                f"a sandbox on this machine ({self.base_url}) with an invented team.\n"
                "Set MAGNIFIC_API_KEY to read your own team."
            )
        return f"{self.base_url} with the key in MAGNIFIC_API_KEY, plan {self.config['plan']}."

    def expected(self) -> Expected:
        """Return the totals that the file should have.

        The sandbox serves every day's totals. For a real team, one more request reads monthly totals; it omits today
        if possible, because today's figures can change between requests. Raises UserError for an unusable response.
        """
        if self.is_sandbox:
            first = date.fromisoformat(self.config["start_date"])
            with asking(self.base_url) as http:
                answer = http.get(
                    f"{self.base_url}/_sandbox/ledger",
                    params={"start_date": first.isoformat(), "end_date": self.today.isoformat()},
                    timeout=60,
                )
            totals = [(row["date"], row["tool"], row["user_uses"], row["user_credits"]) for row in answer.json()]
            return Expected(SANDBOX_LEDGER, "day", first, self.today, totals)
        return self._asked_by_month()

    def export(self) -> bytes:
        """Return the sandbox's dashboard export for all days, as CSV. A real team's export is downloaded by hand."""
        days = {"start_date": str(self.config["start_date"]), "end_date": self.today.isoformat()}
        with asking(self.base_url) as http:
            return http.get(f"{self.base_url}/_sandbox/export", params=days, timeout=60).content

    def _asked_by_month(self) -> Expected:
        last = max(self.today - timedelta(days=1), date.fromisoformat(self.config["start_date"]))
        first = self._first_whole_month(last)
        body = {"granularity": "month", "start_date": first.isoformat(), "end_date": last.isoformat()}
        try:
            with asking(self.base_url) as http:
                answer = http.post(
                    f"{self.base_url}/v1/analytics/team-credit-usage",
                    json=body,
                    headers={"x-magnific-api-key": self.config["api_key"]},
                    timeout=120,
                    allow_redirects=False,
                )
            answer.raise_for_status()
            # If the range starts in the middle of a month, that month's totals get the range's first day as their date.
            totals = [
                (max(period["date"][:7] + "-01", str(first)), one["tool"], one["user_uses"], one["user_credits"])
                for period in answer.json()["data"]
                for one in period["consumptions"]
            ]
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"not compared: Magnific sent no totals by month ({type(error).__name__}). The data itself is complete."
            ) from None
        return Expected("Magnific's totals by month", "month", first, last, totals)

    def _first_whole_month(self, last: date) -> date:
        """Return the first day of the longest run of synced months up to `last` that fits into one request."""
        synced = date.fromisoformat(self.config["start_date"])
        first = last.replace(day=1)
        while True:
            earlier = (first - timedelta(days=1)).replace(day=1)
            if earlier < synced or (last - earlier).days + 1 > LONGEST_CHECK_DAYS:
                return max(first, synced)
            first = earlier


def asking(base_url: str) -> requests.Session:
    """Return a session for requests to `base_url`. Requests to this machine never use a proxy."""
    session = requests.Session()
    # The connector allows http only on loopback, so a URL with plain http points to this machine.
    session.trust_env = not base_url.startswith("http:")
    return session


def default_start(today: date) -> date:
    """Return the first day of the same month a year ago. On the Business plan, thirteen months take three requests.

    >>> default_start(date(2026, 11, 22))
    datetime.date(2025, 11, 1)
    """
    return today.replace(year=today.year - 1, day=1)


@contextmanager
def origin_from(environment: Mapping[str, str], today: date) -> Iterator[Origin]:
    """Yield the API that the environment variables select. Without a key, run a sandbox until the block ends."""
    start = environment.get("MAGNIFIC_START_DATE") or default_start(today).isoformat()
    if environment.get("MAGNIFIC_API_KEY"):
        config = {
            "api_key": environment["MAGNIFIC_API_KEY"],
            "plan": environment.get("MAGNIFIC_PLAN") or "business",
            "start_date": start,
        }
        if environment.get("MAGNIFIC_BASE_URL"):
            config["base_url"] = environment["MAGNIFIC_BASE_URL"]
        yield Origin(config, False, today)
        return
    # Without `today`, the sandbox would move on to the next day at midnight, and its ledger would change.
    with running(Options(today=today)) as base_url:
        config = {"api_key": DEFAULT_KEY, "plan": "business", "start_date": start, "base_url": base_url}
        yield Origin(config, True, today)
