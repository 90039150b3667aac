"""Read and write the JSON of requests and responses, and answer queries for credit usage."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Response, request

from sandbox.answers import credit_usage
from sandbox.ledger import Ledger
from sandbox.limits import Limits
from sandbox.query import Query, RefusedError, check_length


@dataclass(frozen=True)
class Asked:
    """A request, with the API's data at the time of the request."""

    ledger: Ledger
    query: Query | None = None
    """The query of a valid request to `team-credit-usage`; otherwise None."""
    longest: int = 0
    """The number of days that one request may cover."""
    limits: Limits = field(default_factory=Limits)


def respond(asked: Asked) -> Response:
    """Return credit usage, or an error if the range is too long."""
    assert asked.query is not None
    try:
        check_length(asked.query, asked.longest)
    except RefusedError as refused:
        return problem(refused)
    return json_answer(credit_usage(asked.ledger, asked.query))


def write_json(content: Any) -> bytes:
    """Return compact JSON in UTF-8. Unpaired surrogates are escaped, because UTF-8 cannot represent them."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def json_answer(content: Any, status: int = 200, content_type: str = "application/json") -> Response:
    return Response(write_json(content), status, content_type=content_type)


def message(status: int, text: str) -> Response:
    """Return an error in the API's plain form, which has only a message."""
    return json_answer({"message": text}, status)


def problem(refused: RefusedError) -> Response:
    """Return an error in the API's other form, which names the invalid parameters."""
    content = {
        "message": "The request parameters are not valid.",
        "invalid_params": [{"name": name, "reason": f"{name} {reason}"} for name, reason in refused.problems],
    }
    return json_answer({"problem": content}, 400, "application/problem+json")


def read_body() -> Any:
    """Return the request's JSON, or an empty object if the body is empty. Raise RefusedError if it is not JSON."""
    if not request.get_data():
        return {}
    if request.mimetype != "application/json":
        raise RefusedError(("body", "must have the content type application/json"))
    try:
        return json.loads(request.get_data())
    except ValueError:
        raise RefusedError(("body", "is not valid JSON")) from None


def body_as_sent() -> Any:
    """Return the request's body for the log: decoded JSON if possible, otherwise a string, or None if it is empty."""
    text = request.get_data().decode("utf-8", "replace")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
