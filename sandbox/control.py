"""The control surface below /_sandbox: what a test sees and changes behind the API's back, without a key."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, request

from sandbox import truth
from sandbox.events import happen, read_day, read_event
from sandbox.export import PLAIN, export
from sandbox.faults import Fault
from sandbox.ledger import Ledger
from sandbox.limits import LIMIT_HEADERS
from sandbox.query import Query, read_query
from sandbox.state import State
from sandbox.team import FIRST_DAY
from sandbox.wire import json_answer, message, read_body, write_json


def control_of(state: State) -> Blueprint:
    """The routes that watch and change `state`. A mistake in what they are given is a 400 with a message."""
    control = Blueprint("control", __name__, url_prefix="/_sandbox")

    @control.errorhandler(ValueError)
    def on_mistake(error: ValueError) -> Response:
        return message(400, str(error))

    @control.get("/requests")
    def list_requests() -> Response:
        with state.lock:
            return json_answer(state.requests)

    @control.delete("/requests")
    def take_requests() -> Response:
        """The same, and the log is empty afterwards."""
        with state.lock:
            taken = json_answer(state.requests)
            state.requests.clear()
        return taken

    @control.post("/today")
    def set_today() -> Response:
        today = read_day(_object().get("date"))
        with state.lock:
            state.today = today
        return json_answer({"today": today.isoformat()})

    @control.post("/events")
    def add_events() -> Response:
        """All of them or, where one is wrong, none."""
        with state.lock:
            ledger = state.ledger()
            for given in _list():
                ledger = happen(ledger, read_event(given))
            state.events = ledger.events
        return json_answer({"events": len(state.events)})

    @control.delete("/changes")
    def start_over() -> Response:
        """Day, events, faults, limits and log are as they were at the start; `date` in the query is another day."""
        today = read_day(request.args["date"]) if "date" in request.args else None
        with state.lock:
            state.start_over(today)
        return json_answer({})

    @control.post("/faults")
    def add_faults() -> Response:
        faults = [Fault(given) for given in _list()]
        with state.lock:
            state.faults += faults
        return json_answer({"faults": len(state.faults)})

    @control.delete("/faults")
    def clear_faults() -> Response:
        with state.lock:
            state.faults.clear()
        return json_answer({})

    @control.post("/limits")
    def set_limits() -> Response:
        given = _object()
        limits = state.limits
        header = given.get("limit_header", limits.header)
        counts = {name: given.get(name, getattr(limits, name)) for name in ("per_minute", "per_day")}
        if given.keys() - {"limit_header", "reset", *counts} or header not in LIMIT_HEADERS:
            raise ValueError(f"limits are per_minute, per_day, reset, limit_header: {', '.join(LIMIT_HEADERS)}")
        if not all(isinstance(count, int) and count >= 0 for count in counts.values()):
            raise ValueError("per_minute and per_day are numbers from 0 up")
        with state.lock:
            limits.header, limits.per_minute, limits.per_day = header, counts["per_minute"], counts["per_day"]
            if given.get("reset"):
                limits.reset()
        return json_answer({**counts, "limit_header": header})

    # A test asks the same again and again.
    @lru_cache(maxsize=8)
    def added_up(truly: Callable[[Ledger, Query], Any], ledger: Ledger, query: Query) -> bytes:
        return write_json(truly(ledger, query))

    @control.get("/ledger")
    def ledger_totals() -> Response:
        ledger = state.ledger()
        return Response(added_up(truth.totals, ledger, _asked(ledger)), content_type="application/json")

    @control.get("/rows")
    def ledger_rows() -> Response:
        ledger = state.ledger()
        return Response(added_up(truth.rows, ledger, _asked(ledger)), content_type="application/json")

    @control.get("/export")
    def dashboard_export() -> Response:
        """The dashboard's CSV; `form` names how it is written."""
        ledger = state.ledger()
        return Response(export(ledger, _asked(ledger), request.args.get("form", PLAIN)), content_type="text/csv")

    return control


def _object() -> dict[str, Any]:
    content = read_body()
    if not isinstance(content, dict):
        raise ValueError("the body must be a JSON object")
    return content


def _list() -> list[Any]:
    content = read_body()
    if not isinstance(content, list):
        raise ValueError("the body must be a JSON list")
    return content


def _asked(ledger: Ledger) -> Query:
    """The question in the query string: filters are repeated, and no plan limits the range."""
    asked: dict[str, Any] = {}
    for name, values in request.args.lists():
        if name != "form":
            asked[name] = values if name.endswith("s") else values[0]
    if "group_ids" in asked:
        asked["group_ids"] = [int(one) for one in asked["group_ids"]]
    return read_query(asked, ledger.today, longest=None, first=FIRST_DAY)
