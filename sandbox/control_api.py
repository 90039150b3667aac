"""The control API at /_sandbox, which tests use to inspect and change the sandbox. It needs no key."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, request

from sandbox import truth
from sandbox.dashboard_export import PLAIN, export
from sandbox.events import read_day
from sandbox.ledger import Ledger
from sandbox.query import Query, read_query
from sandbox.state import State
from sandbox.team import FIRST_DAY
from sandbox.wire_format import json_answer, message, read_body, write_json


def control_of(state: State) -> Blueprint:
    """Return the routes that read and change `state`. An invalid request gets a 400 with a message."""
    control = Blueprint("control", __name__, url_prefix="/_sandbox")

    @control.errorhandler(ValueError)
    def on_mistake(error: ValueError) -> Response:
        return message(400, str(error))

    @control.route("/requests", methods=["GET", "DELETE"])
    def requests() -> Response:
        """Return the request log. DELETE also clears it."""
        with state.lock:
            asked = json_answer(state.requests)
            if request.method == "DELETE":
                state.requests.clear()
        return asked

    @control.post(f"/<any({', '.join(_CHANGES)}):what>")
    def change(what: str) -> Response:
        kind, make = _CHANGES[what]
        content = read_body()
        if not isinstance(content, kind):
            raise ValueError(f"the body must be a JSON {'object' if kind is dict else 'array'}")
        with state.lock:
            make(state, content)
        return json_answer({})

    @control.delete("/changes")
    def undo() -> Response:
        """Reset the sandbox to its initial state. The query parameter `date` can set a different current day."""
        today = read_day(request.args["date"]) if "date" in request.args else None
        with state.lock:
            state.start_over(today)
        return json_answer({})

    @control.get("/<any(ledger, rows):what>")
    def added_up(what: str) -> Response:
        ledger = state.ledger()
        return Response(_added_up(what, ledger, _asked(ledger)), content_type="application/json")

    @control.get("/export")
    def dashboard_export() -> Response:
        """Return the dashboard's CSV export. The query parameter `form` can be `plain` or `decimal-commas`."""
        ledger = state.ledger()
        return Response(export(ledger, _asked(ledger), request.args.get("form", PLAIN)), content_type="text/csv")

    return control


_CHANGES: dict[str, tuple[type[Any], Callable[[State, Any], None]]] = {
    "today": (dict, lambda state, given: state.set_today(given.get("date"))),
    "events": (list, State.happen),
    "quirks": (list, State.switch_on),
    "limits": (dict, State.set_limits),
}


# Cached because tests request the same sums again and again.
@lru_cache(maxsize=8)
def _added_up(what: str, ledger: Ledger, query: Query) -> bytes:
    return write_json((truth.totals if what == "ledger" else truth.rows)(ledger, query))


def _asked(ledger: Ledger) -> Query:
    """Read a usage query from the query string. Filters can be repeated, and the range can have any length."""
    given = {name: values for name, values in request.args.lists() if name != "form"}
    asked: dict[str, Any] = {name: given[name] if name.endswith("s") else given[name][0] for name in given}
    if "group_ids" in asked:
        asked["group_ids"] = [int(one) for one in asked["group_ids"]]
    return read_query(asked, ledger.today, longest=None, first=FIRST_DAY)
