"""The changes that quirks make to a response's JSON, status, headers, bytes and timing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from email.utils import formatdate
from typing import Any

import pendulum
from flask import Response, request

from sandbox.answers import credit_usage, first_day
from sandbox.limits import until_midnight
from sandbox.query import Query, RefusedError
from sandbox.wire_format import Asked, json_answer, problem, respond, write_json

Json = dict[str, Any]
Change = Callable[..., Response]
"""A function that takes a response, its request and a quirk's parameters, and returns the changed response."""

DAY = timedelta(days=1)
OLDEST_DAYS = 400
"""The quirk `old-dates-refused` refuses ranges that start more than this many days ago."""
FIGURES = ("user_uses", "user_credits")


def answer(change: Callable[[Any, Asked], Any]) -> Change:
    """Apply `change` to the decoded JSON of a response with status 200."""

    def changed(response: Response, asked: Asked) -> Response:
        if response.status_code == 200:
            response.set_data(write_json(change(json.loads(response.get_data()), asked)))
        return response

    return changed


def replaced(value: Any, names: Collection[str], change: Callable[[Any], Any]) -> Any:
    """Apply `change` to the properties in `names`, at any depth. A null stays null."""
    if isinstance(value, list):
        return [replaced(item, names, change) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: change(inner) if name in names and inner is not None else replaced(inner, names, change)
        for name, inner in value.items()
    }


def values(names: Collection[str], change: Callable[[Any], Any]) -> Change:
    return answer(lambda content, _: replaced(content, names, change))


def periods(change: Callable[[Json, Query], Json]) -> Change:
    """Apply `change` to each period of usage. Responses from the list endpoints are unchanged."""
    return answer(
        lambda content, asked: (
            {"data": [change(period, asked.query) for period in content["data"]]} if asked.query else content
        )
    )


def tools(change: Callable[[Json], Json]) -> Change:
    return periods(lambda period, _: period | {"consumptions": [change(tool) for tool in period["consumptions"]]})


def rebated(tool: Json) -> Json:
    usages = [usage | {"user_credits": 2 * usage["user_credits"]} for usage in tool.get("user_usages") or []]
    return {**tool, "user_usages": usages}


def attributed_only(period: Json, query: Query) -> Json:
    tools = [tool for tool in period["consumptions"] if tool.get("user_usages") or query.granularity == "day"]
    return period | {"consumptions": tools}


def ninefold_by_key(content: Json, asked: Asked) -> Any:
    by_key = asked.query and asked.query.filters.api_key_ids
    return replaced(content, FIGURES, lambda figure: figure * 9) if by_key else content


def dated_by_sundays(period: Json, query: Query) -> Json:
    days = 1 if query.granularity == "week" else 0
    return period | {"date": f"{date.fromisoformat(period['date'][:10]) - timedelta(days)}{period['date'][10:]}"}


def every_second_member(content: Json, asked: Asked) -> Json:
    return {"data": [row for n, row in enumerate(content["data"]) if n % 2 or "email" not in row]}


def with_empty_periods(content: Json, asked: Asked) -> Json:
    if (query := asked.query) is None:
        return content
    days = {first_day(query.start + timedelta(n), query.granularity) for n in range(query.days)}
    empty = sorted(days - {period["date"][:10] for period in content["data"]})
    return {"data": content["data"] + [{"date": f"{day}T00:00:00.000Z", "consumptions": []} for day in empty]}


def in_pieces(content: Json, asked: Asked) -> Json:
    """Split periods, tools and entries in two, and add nulls and undocumented fields. A member gets an unknown role."""
    if asked.query is None:
        odd = [row | {"role": "billing", "seat": 1} if "role" in row else row for row in content["data"][-1:]]
        return {"data": content["data"][:-1] + odd}
    pieces: list[Json] = []
    for period in content["data"]:
        halves = [_tool_in_two(tool) for tool in period["consumptions"]]
        pieces += [{**period, "consumptions": [half[n] for half in halves], "currency": "credits"} for n in (1, 0)]
    return {"data": pieces}


def _tool_in_two(tool: Json) -> tuple[Json, Json]:
    absent: Json = {"project_reference": None, "project_name": None, "group_name": None}
    entries = [absent | half for usage in tool.get("user_usages") or [] for half in _in_two(usage)]
    some, rest = entries[::3], [usage for n, usage in enumerate(entries) if n % 3]
    given = {name: sum(usage[name] for usage in some) for name in FIGURES}
    left = {name: tool[name] - given[name] for name in FIGURES}
    return tool | given | {"user_usages": some or None, "tool_version": 3}, tool | left | {"user_usages": rest}


def _in_two(usage: Json) -> list[Json]:
    first = {name: usage[name] // 2 for name in FIGURES}
    return [usage | first, usage | {name: usage[name] - first[name] for name in FIGURES}]


def taken_for(change: Callable[[Query, date], Query]) -> Change:
    """Answer a different query, which `change` derives from the requested query and today's date."""

    def other(response: Response, asked: Asked) -> Response:
        if asked.query is None or response.status_code != 200:
            return response
        return json_answer(credit_usage(asked.ledger, change(asked.query, asked.ledger.today)))

    return other


def whole_periods(query: Query, today: date) -> Query:
    first, last = (pendulum.date(day.year, day.month, day.day) for day in (query.start, query.end))
    return query.between(first.start_of(query.granularity), last.end_of(query.granularity))


def longer_by(days: int) -> Change:
    """Make the longest accepted range `days` days longer than documented, or shorter if `days` is negative."""
    return lambda response, asked: respond(replace(asked, longest=asked.longest + days)) if asked.query else response


def old_refused(response: Response, asked: Asked) -> Response:
    if asked.query is None or asked.query.start >= asked.ledger.today - OLDEST_DAYS * DAY:
        return response
    return problem(RefusedError(("start_date", f"must not be more than {OLDEST_DAYS} days ago")))


def with_limits(response: Response, asked: Asked) -> Response:
    seconds = until_midnight(pendulum.now("UTC")).seconds
    told = {"limit": asked.limits.per_day, "remaining": asked.limits.left(), "reset": seconds}
    response.headers.update({f"x-ratelimit-{name}": str(number) for name, number in told.items()})
    return response


def three_hours_behind(response: Response, asked: Asked) -> Response:
    response.headers["Date"] = formatdate(pendulum.now("UTC").timestamp() - 3 * 3600, usegmt=True)
    return response


def with_bytes(change: Callable[[bytes], bytes], encoding: str = "") -> Change:
    """Change the body of a response with status 200, and set its Content-Encoding header if `encoding` is given."""

    def changed(response: Response, asked: Asked) -> Response:
        if response.status_code == 200:
            response.set_data(change(response.get_data()))
            response.headers.update({"Content-Encoding": encoding} if encoding else {})
        return response

    return changed


def another_status(response: Response, asked: Asked, status: int, headers: Any = None, body: Any = "") -> Response:
    text, kind = (body, "text/html") if isinstance(body, str) else (json.dumps(body), "application/json")
    return Response(text, status, dict(headers or {}), content_type=kind)


class BrokenOffError(ConnectionError):
    """Raised while a response is being sent, to end the connection either cleanly or with a reset."""


def _sent_as(response: Response, pieces: Iterator[bytes], length: int | None) -> Response:
    """Replace the response's body, and send it in chunks if `length` is None."""
    response.response = pieces
    response.headers.pop("Content-Length", None)
    if length is not None:
        response.content_length = length
    return response


def broken_off(half: bool, reset: bool, length: bool) -> Change:
    """End the connection before the body or, if `half` is true, halfway through it; with `reset`, use a TCP reset."""

    def broken(response: Response, asked: Asked) -> Response:
        body = response.get_data()

        def sent() -> Iterator[bytes]:
            if half:
                yield body[: len(body) // 2]
            raise BrokenOffError(reset)

        return _sent_as(response, sent(), len(body) if length else None)

    return broken


def trickle(response: Response, asked: Asked, seconds: float) -> Response:
    body = response.get_data()

    def bytewise() -> Iterator[bytes]:
        for byte in body:
            yield bytes([byte])
            time.sleep(seconds)

    return _sent_as(response, bytewise(), len(body))


def silence(response: Response, asked: Asked) -> Response:
    """Send nothing until the client closes the connection, which makes the socket readable."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with suppress(OSError):
        connection.recv(1)
    return broken_off(half=False, reset=True, length=False)(response, asked)
