"""A sandbox without a server, asked as the API is asked."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask.testing import FlaskClient

from sandbox import DEFAULT_KEY, Options, create_app

TODAY = date(2026, 3, 31)
USAGE = "/v1/analytics/team-credit-usage"
MEMBERS = "/v1/analytics/team-members"
KEY = {"x-magnific-api-key": DEFAULT_KEY}


def sandbox(**options: Any) -> FlaskClient:
    return create_app(Options(today=TODAY, **options)).test_client()


def ask(client: FlaskClient, **body: Any) -> Any:
    answer = client.post(USAGE, json=body, headers=KEY)
    assert answer.status_code == 200, answer.text
    return answer.json["data"]  # type: ignore[index]


def listed(client: FlaskClient, name: str) -> Any:
    return client.get(f"/v1/analytics/team-{name}", headers=KEY).json["data"]  # type: ignore[index]
