"""JSON in and out of a request."""

from __future__ import annotations

import json
from typing import Any

import orjson
from flask import Response, request

from sandbox.query import RefusedError


def write_json(content: Any) -> bytes:
    """UTF-8 without blanks; half a surrogate pair, which UTF-8 cannot hold, as JSON's escape of it."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def json_answer(content: Any, status: int = 200, content_type: str = "application/json") -> Response:
    return Response(write_json(content), status, content_type=content_type)


def message(status: int, text: str) -> Response:
    """The API's plain form of an error."""
    return json_answer({"message": text}, status)


def read_body() -> Any:
    """The request's JSON; an empty body is an empty object. Raises RefusedError."""
    if not request.get_data():
        return {}
    if request.mimetype != "application/json":
        raise RefusedError(("body", "must have the content type application/json"))
    try:
        return json.loads(request.get_data())
    except ValueError:
        raise RefusedError(("body", "is not valid JSON")) from None


def body_as_sent() -> Any:
    """The request's body for the log: JSON where it is, else text; None where there is none."""
    text = request.get_data().decode("utf-8", "replace")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
