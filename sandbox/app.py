"""The five endpoints over HTTP: key, limits, validation, and the faults that spoil an answer."""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from typing import Any

import pendulum
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox import answers
from sandbox.control import control_of
from sandbox.oddities import oddly
from sandbox.query import LONGEST_RANGE, RefusedError, read_query
from sandbox.state import Options, State
from sandbox.wire import body_as_sent, json_answer, message, read_body


def create_app(options: Options | None = None) -> Flask:
    """A WSGI application with a team and a memory of its own.

    Faults that break a connection off need the server of `sandbox.server`.
    """
    state = State(options or Options())
    app = Flask("sandbox")
    _add_gate(app, state)
    _add_endpoints(app, state)
    app.register_blueprint(control_of(state))

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        return message(error.code or 500, error.description or error.name)

    @app.errorhandler(RefusedError)
    def on_refused(refused: RefusedError) -> Response:
        problem = {
            "message": "The request parameters are not valid.",
            "invalid_params": [{"name": name, "reason": f"{name} {reason}"} for name, reason in refused.problems],
        }
        content = problem if state.options.flat_problems else {"problem": problem}
        return json_answer(content, 400, "application/problem+json")

    return app


def _add_gate(app: Flask, state: State) -> None:
    """What each request under /v1 passes on its way in and out."""

    @app.before_request
    def log_and_admit() -> Response | None:
        if not request.path.startswith("/v1/"):
            return None
        with state.lock:
            g.entry = {
                "n": len(state.requests) + 1,
                "method": request.method,
                "path": request.path,
                "body": body_as_sent(),
                "status": None,
                "fault": None,
                "time": pendulum.now("UTC").isoformat(timespec="milliseconds"),
            }
            state.requests.append(g.entry)
        return _refusal(state)

    @app.after_request
    def spoil(answer: Response) -> Response:
        if "entry" not in g:
            return answer
        if answer.status_code == 200 and state.options.oddities:
            body, headers = oddly(answer.get_data(), state.options.oddities)
            answer.set_data(body)
            answer.headers.update(headers)
        answer.headers.update(state.customs.headers(state.limits, pendulum.now("UTC")))
        with state.lock:
            # Every fault counts the request, those that come too late to spoil it too.
            faults = [*state.faults, *state.lasting_faults]
            striking = [fault for fault in faults if fault.strikes(request.path, g.get("days"))]
        if striking:
            g.entry["fault"] = striking[0].name
            answer = striking[0].apply(answer)
        g.entry["status"] = answer.status_code
        return answer


def _refusal(state: State) -> Response | None:
    """Why this request is not answered: the key, the plan or a limit, in this order."""
    given = request.headers.get("x-magnific-api-key", "")
    if not compare_digest(given.encode(), state.options.key.encode()):
        return message(401, "Invalid API key" if given else "Missing API key")
    if state.options.forbidden:
        return message(403, "This team may not read analytics")
    if request.routing_exception is not None:
        return None
    with state.lock:
        refusal = state.limits.take(pendulum.now("UTC"), state.ledger().today)
    if refusal is None:
        return None
    answer = message(429, refusal.message)
    answer.headers.update(refusal.headers)
    return answer


def _add_endpoints(app: Flask, state: State) -> None:
    manner = answers.Manner(state.options.awkward, state.options.empty_periods)

    @app.post("/v1/analytics/team-credit-usage", provide_automatic_options=False)
    def credit_usage() -> Response:
        ledger = state.ledger()
        asked = read_query(read_body(), ledger.today, LONGEST_RANGE[state.options.plan] + state.customs.longer)
        g.days = asked.days
        answer = answers.credit_usage(ledger, state.customs.asked(asked, ledger.today), manner)
        return json_answer(state.customs.said(answer, asked))

    lists: dict[str, Callable[[], Any]] = {
        "team-members": lambda: answers.members(state.ledger().team, manner),
        "team-api-keys": lambda: answers.api_keys(state.ledger().team),
        "team-groups": lambda: answers.groups(state.ledger().team),
        "team-projects": lambda: answers.projects(state.ledger().team),
    }

    quoted = ", ".join(f"'{name}'" for name in lists)

    @app.get(f"/v1/analytics/<any({quoted}):name>", provide_automatic_options=False)
    def list_of(name: str) -> Response:
        return json_answer(lists[name]())
