"""The Singer peer: a tap for credit usage, built on singer-sdk as the SDK's guide recommends."""

# singer-sdk is installed only in the tap's environment, and mypy runs in another one.
# mypy: disable-error-code="import-not-found, misc, no-any-return"

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.pagination import BaseAPIPaginator

LONGEST_RANGE = timedelta(days=180)
LOOKBACK = timedelta(days=7)
TEXT, FIGURE, DAY = th.StringType, th.IntegerType, th.DateType
USAGE = {
    "date": DAY, "granularity": TEXT, "tool": TEXT, "user_email": TEXT, "user_uses": FIGURE, "user_credits": FIGURE,
    "project_reference": TEXT, "project_name": TEXT, "group_name": TEXT,
}  # fmt: skip


def schema(columns: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a stream with these columns."""
    return th.PropertiesList(*(th.Property(name, kind) for name, kind in columns.items())).to_dict()


class RangePaginator(BaseAPIPaginator[date]):
    """Paginates by date range: the page token is the first day of a range."""

    def __init__(self, start_value: date, end: date) -> None:
        super().__init__(start_value)
        self._end = end

    def has_more(self, response: requests.Response) -> bool:
        return self.current_value + LONGEST_RANGE <= self._end

    def get_next(self, response: requests.Response) -> date:
        return self.current_value + LONGEST_RANGE

    def continue_if_empty(self, response: requests.Response) -> bool:
        return True


class CreditUsage(RESTStream[date]):
    """The credit usage stream, with one row per day, tool, user and project."""

    name, path, http_method = "credit_usage", "/v1/analytics/team-credit-usage", "POST"
    payload_as_json = True
    primary_keys = ("date", "tool", "user_email", "project_reference")
    replication_key = "date"
    schema = schema(USAGE)

    @property
    def url_base(self) -> str:
        return str(self.config["base_url"])

    @property
    def authenticator(self) -> APIKeyAuthenticator:
        return APIKeyAuthenticator(key="x-magnific-api-key", value=self.config["api_key"], location="header")

    @property
    def _end(self) -> date:
        return date.fromisoformat(self.config["end_date"])

    def get_new_paginator(self) -> RangePaginator:
        """Start LOOKBACK before the saved date, or on the start date if no date is saved; end on the last day."""
        saved = self.get_starting_replication_key_value(None)
        start = date.fromisoformat(self.config["start_date"])
        if saved and saved != self.config["start_date"]:
            start = max(start, date.fromisoformat(saved[:10]) - LOOKBACK)
        return RangePaginator(start, self._end)

    def prepare_request_payload(self, context: Any, next_page_token: date | None) -> dict[str, str]:
        assert next_page_token
        last = min(next_page_token + LONGEST_RANGE - timedelta(days=1), self._end)
        return {"granularity": "day", "start_date": next_page_token.isoformat(), "end_date": last.isoformat()}

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        for period in response.json()["data"]:
            day = period["date"][:10]
            for consumption in period["consumptions"]:
                tool = consumption["tool"]
                for usage in consumption.get("user_usages") or ():
                    # Magnific can omit project_reference, but a Singer target needs every field of the primary key.
                    yield {"date": day, "granularity": "day", "tool": tool, "project_reference": None, **usage}


class TapMagnificAnalytics(Tap):
    """The Singer tap for Magnific analytics."""

    name = "tap-magnific-analytics"
    config_jsonschema = schema({"api_key": TEXT, "start_date": DAY, "end_date": DAY, "base_url": TEXT})

    def discover_streams(self) -> list[CreditUsage]:
        return [CreditUsage(self)]


if __name__ == "__main__":
    TapMagnificAnalytics.cli()
