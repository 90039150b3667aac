"""The peer for Singer: the five streams as a tap on singer-sdk, written as the SDK's guide tells its users to.

`python singer_tap.py --config CONFIG [--catalog CATALOG] [--state STATE] | --discover | --about --format=json`
"""

# singer-sdk is installed in the tap's own environment, not where the rest of the project is checked.
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
ONE_DAY = timedelta(days=1)


class MagnificStream(RESTStream[date]):
    """What all streams share: where the API is and who asks."""

    records_jsonpath = "$.data[*]"

    @property
    def url_base(self) -> str:
        """The API's base URL."""
        return str(self.config["base_url"])

    @property
    def authenticator(self) -> APIKeyAuthenticator:
        """The key, as a header."""
        return APIKeyAuthenticator(key="x-magnific-api-key", value=self.config["api_key"], location="header")


class Members(MagnificStream):
    """The team's members."""

    name = "members"
    path = "/v1/analytics/team-members"
    primary_keys = ("email",)
    schema = th.PropertiesList(
        th.Property("email", th.StringType, required=True),
        th.Property("role", th.StringType),
        th.Property("status", th.StringType),
    ).to_dict()


class ApiKeys(MagnificStream):
    """The team's API keys."""

    name = "api_keys"
    path = "/v1/analytics/team-api-keys"
    primary_keys = ("api_key_id",)
    schema = th.PropertiesList(
        th.Property("api_key_id", th.StringType, required=True),
        th.Property("display_name", th.StringType),
        th.Property("status", th.StringType),
        th.Property("created_at", th.DateTimeType),
    ).to_dict()


class Groups(MagnificStream):
    """The team's groups."""

    name = "groups"
    path = "/v1/analytics/team-groups"
    primary_keys = ("group_id",)
    schema = th.PropertiesList(
        th.Property("group_id", th.IntegerType, required=True),
        th.Property("name", th.StringType),
        th.Property("member_count", th.IntegerType),
    ).to_dict()


class Projects(MagnificStream):
    """The team's projects."""

    name = "projects"
    path = "/v1/analytics/team-projects"
    primary_keys = ("project_reference",)
    schema = th.PropertiesList(
        th.Property("project_reference", th.StringType, required=True),
        th.Property("name", th.StringType),
    ).to_dict()


class RangePaginator(BaseAPIPaginator[date]):
    """Pages that are ranges of dates: the value is a range's first day."""

    def __init__(self, start_value: date, end: date) -> None:
        super().__init__(start_value)
        self._end = end

    def has_more(self, response: requests.Response) -> bool:
        """Whether a later range is left to ask for."""
        return self.current_value + LONGEST_RANGE <= self._end

    def get_next(self, response: requests.Response) -> date:
        """The first day of the next range."""
        return self.current_value + LONGEST_RANGE

    def continue_if_empty(self, response: requests.Response) -> bool:
        """A range without usage does not end the sync."""
        return True


class CreditUsage(MagnificStream):
    """One row for each day, tool, user and project."""

    name = "credit_usage"
    path = "/v1/analytics/team-credit-usage"
    http_method = "POST"
    payload_as_json = True
    primary_keys = ("date", "tool", "user_email", "project_reference")
    replication_key = "date"
    schema = th.PropertiesList(
        th.Property("date", th.DateType, required=True),
        th.Property("granularity", th.StringType),
        th.Property("tool", th.StringType, required=True),
        th.Property("user_email", th.StringType),
        th.Property("user_uses", th.IntegerType),
        th.Property("user_credits", th.IntegerType),
        th.Property("project_reference", th.StringType),
        th.Property("project_name", th.StringType),
        th.Property("group_name", th.StringType),
    ).to_dict()

    @property
    def _end(self) -> date:
        return date.fromisoformat(self.config["end_date"])

    def get_new_paginator(self) -> RangePaginator:
        """Ranges from the saved date, or the first of all, to the last day."""
        saved = self.get_starting_replication_key_value(None)
        start = date.fromisoformat(self.config["start_date"])
        if saved and saved != self.config["start_date"]:
            start = max(start, date.fromisoformat(saved[:10]) - LOOKBACK)
        return RangePaginator(start, self._end)

    def prepare_request_payload(self, context: Any, next_page_token: date | None) -> dict[str, str]:
        """The range as the API wants it, both days inclusive."""
        assert next_page_token
        last = min(next_page_token + LONGEST_RANGE - ONE_DAY, self._end)
        return {
            "granularity": "day",
            "start_date": next_page_token.isoformat(),
            "end_date": last.isoformat(),
        }

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """The answer's rows, flat."""
        for period in response.json()["data"]:
            day = period["date"][:10]
            for consumption in period["consumptions"]:
                for usage in consumption.get("user_usages") or ():
                    yield {
                        "date": day,
                        "granularity": "day",
                        "tool": consumption["tool"],
                        # Absent where it does not resolve, but a target wants every part of the key.
                        "project_reference": None,
                        **usage,
                    }


class TapMagnificAnalytics(Tap):
    """The tap."""

    name = "tap-magnific-analytics"
    config_jsonschema = th.PropertiesList(
        th.Property("api_key", th.StringType, required=True, secret=True),
        th.Property("start_date", th.DateType, required=True),
        th.Property("end_date", th.DateType, required=True),
        th.Property("base_url", th.StringType, default="https://api.magnific.com"),
    ).to_dict()

    def discover_streams(self) -> list[MagnificStream]:
        """The five streams."""
        return [Members(self), ApiKeys(self), Groups(self), Projects(self), CreditUsage(self)]


if __name__ == "__main__":
    TapMagnificAnalytics.cli()
