"""The base class of all streams, and the streams of a team's four small lists."""

import re
from abc import ABC
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import pendulum
import requests
from airbyte_cdk.sources.streams.http import HttpStream
from pendulum import Date

from source_magnific_analytics import decoding
from source_magnific_analytics.client import Call, Client
from source_magnific_analytics.decoding import UNREADABLE, ApiKey, Group, Member, Project, contract_error
from source_magnific_analytics.failures import NEXT_SYNC

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-4]):\d\d)?", re.ASCII)


class MagnificStream(HttpStream, ABC):
    """A stream of one endpoint of the analytics API. No endpoint is paginated."""

    # The last part of the endpoint's path.
    endpoint: str

    def __init__(self, client: Client) -> None:
        self.client = client
        self.config = client.config
        super().__init__()

    @property
    def about_next_sync(self) -> str:
        """What an error says about the next sync."""
        return NEXT_SYNC

    @property
    def url_base(self) -> str:
        return f"{self.config.base_url}/v1/analytics/"

    def path(self, **_: Any) -> str:
        return self.endpoint

    def next_page_token(self, response: requests.Response) -> None:
        return None

    def call_for(self, body: Mapping[str, Any] | None = None, **options: Any) -> Call:
        """Return a `Call` with this body; `options` sets its other fields."""
        url = self.url_base + self.path()
        return Call(self.logger, self.http_method, url, body, **{"about_next_sync": self.about_next_sync, **options})


class ListStream(MagnificStream, ABC):
    """A stream that reads one of the team's small lists in one request. Rows also keep undocumented fields."""

    primary_key: str
    row_type: type
    # The field that identifies a row in messages to the user.
    label = "name"
    # Use no cursor: with one, the CDK would save a "complete" state and skip the stream if that state is passed in.
    is_resumable = False

    @cached_property
    def rows(self) -> list[Mapping[str, Any]]:
        """All rows, requested only once per sync."""
        return self.client.ask(self.call_for(), lambda response: list(self.parse_response(response)))[0]

    def read_records(self, *_: Any, **__: Any) -> Iterable[Mapping[str, Any]]:
        yield from self.rows
        if self.rows:
            self.client.quota.end_silence()

    def parse_response(self, response: requests.Response, **_: Any) -> Iterable[Mapping[str, Any]]:
        """Yield the rows of a response; raise `ContractError` if one does not match `row_type`."""
        body = self.client.session.read(response, self.client.policy.largest_list)
        try:
            yield from decoding.rows(body, self.row_type)
        except UNREADABLE as error:
            raise contract_error(body, error) from None


class Members(ListStream):
    endpoint = "team-members"
    primary_key = "email"
    row_type = Member


class ApiKeys(ListStream):
    """The IDs and names of the team's API keys, including inactive keys, but never the secrets."""

    endpoint = "team-api-keys"
    primary_key = "api_key_id"
    label = "display_name"
    row_type = ApiKey

    def parse_response(self, response: requests.Response, **_: Any) -> Iterable[Mapping[str, Any]]:
        for row in super().parse_response(response):
            # Drop an invalid date-time, because a date-time column might reject it, and then the whole load could fail.
            yield {**row, "created_at": row["created_at"] if utc_day_of(row.get("created_at")) else None}


class Groups(ListStream):
    endpoint = "team-groups"
    primary_key = "group_id"
    row_type = Group


class Projects(ListStream):
    endpoint = "team-projects"
    primary_key = "project_reference"
    row_type = Project


def utc_day_of(value: Any) -> Date | None:
    """Return the UTC day of a date-time (taken as UTC if it has no offset), or None if a warehouse might reject it."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return pendulum.instance(datetime.fromisoformat(value)).in_tz("UTC").date()
    except (ValueError, OverflowError):
        return None
