"""The HTTP side of every stream, and the four small lists of a team."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import requests
from airbyte_cdk.sources.streams.http import HttpStream
from requests.auth import AuthBase

from source_magnific_analytics import decoding
from source_magnific_analytics.config import Config
from source_magnific_analytics.decoding import UNREADABLE, ApiKey, Group, Member, Project, contract_error
from source_magnific_analytics.exchange import Exchange, Sync, read_body
from source_magnific_analytics.policy import POLICY

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-4]):\d\d)?", re.ASCII)


class _ApiKey(AuthBase):
    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-magnific-api-key"] = self._key
        request.register_hook("response", _forget_redirect)  # type: ignore[no-untyped-call]
        return request


def _forget_redirect(response: requests.Response, **_: Any) -> None:
    """Leave a redirect without target: requests would read its body and parse the address, followed or not."""
    response.headers.pop("Location", None)


def new_sync(config: Config) -> Sync:
    """What the streams of one sync share, with one pool of connections for all of them."""
    session = requests.Session()
    session.auth = _ApiKey(config.api_key)
    # A proxy in between would be given the key, and could not find this machine's loopback anyway.
    session.trust_env = not config.is_loopback
    return Sync(session, config.plan)


class MagnificStream(HttpStream, ABC):
    """One endpoint of the analytics API. None of them is paginated."""

    def __init__(self, config: Config, sync: Sync) -> None:
        self.config = config
        self.sync = sync
        super().__init__()

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """The last part of the endpoint's path."""

    @property
    def url_base(self) -> str:
        return f"{self.config.base_url}/v1/analytics/"

    def path(self, **_: Any) -> str:
        return self.endpoint

    def request_kwargs(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        # Never to another host with the key. Streaming leaves the body to `read_body`, which bounds it.
        timeout = (POLICY.connect_timeout, POLICY.read_timeout)
        return {"timeout": timeout, "allow_redirects": False, "stream": True}

    def next_page_token(self, response: requests.Response) -> None:
        return None

    def send(self, exchange: Exchange, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, tried again where that helps; returns what its answer was understood as."""
        return exchange.send(self.http_method, self.url_base + self.path(), self.request_kwargs(), body)


class ListStream(MagnificStream, ABC):
    """A list of the team, small and always read whole; its rows are handed on as they come."""

    primary_key: str
    row_type: type
    # It has no cursor of any kind: the CDK would otherwise skip it when it meets its own "complete" state.
    is_resumable = False

    def __init__(self, config: Config, sync: Sync) -> None:
        super().__init__(config, sync)
        self.cursor = None

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """All rows, asked for once a sync, whoever wants them."""
        exchange = Exchange(self.sync, self.logger, lambda response: list(self.parse_response(response)))
        rows: list[dict[str, Any]] = self.send(exchange)
        return rows

    def read_records(self, *_: Any, **__: Any) -> Iterable[Mapping[str, Any]]:
        yield from self.rows

    def parse_response(self, response: requests.Response, **_: Any) -> Iterable[Mapping[str, Any]]:
        """The rows of an answer; raises `ContractError` where one is not what `row_type` says."""
        try:
            for row in decoding.rows(read_body(response, POLICY.largest_list), self.row_type):
                yield self.row(row)
        except UNREADABLE as error:
            raise contract_error(error) from None

    def row(self, row: dict[str, Any]) -> Mapping[str, Any]:
        """What is handed on of a row as it came."""
        return row


class Members(ListStream):
    endpoint = "team-members"
    primary_key = "email"
    row_type = Member


class ApiKeys(ListStream):
    endpoint = "team-api-keys"
    primary_key = "api_key_id"
    row_type = ApiKey

    def row(self, row: dict[str, Any]) -> Mapping[str, Any]:
        # A column of date-times takes nothing else, and a load that fails loses more than this one value.
        return {**row, "created_at": row["created_at"] if _is_moment(row.get("created_at")) else None}


class Groups(ListStream):
    endpoint = "team-groups"
    primary_key = "group_id"
    row_type = Group


class Projects(ListStream):
    endpoint = "team-projects"
    primary_key = "project_reference"
    row_type = Project


def _is_moment(value: Any) -> bool:
    """Whether every warehouse reads it as a date-time (RFC 3339)."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
