"""Serve the five endpoints over HTTP. Check each request's key, limits and body, and apply quirks to the response."""

from __future__ import annotations

from dataclasses import replace
from hmac import compare_digest

import pendulum
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.answers import LISTS
from sandbox.control_api import control_of
from sandbox.query import LONGEST_RANGE, RefusedError, read_query
from sandbox.quirks import in_order
from sandbox.state import Options, State
from sandbox.wire_format import Asked, body_as_sent, json_answer, message, problem, read_body, respond


def create_app(options: Options | None = None) -> Flask:
    """Create a WSGI application with its own team and state."""
    state = State(options or Options())
    app = Flask("sandbox")
    _add_gate(app, state)
    _add_endpoints(app)
    app.register_blueprint(control_of(state))
    app.register_error_handler(RefusedError, problem)

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        answer = message(error.code or 500, error.description or error.name)
        # Keep the error's other headers. For example, a 405 lists the allowed methods in `Allow`.
        answer.headers.extend((name, value) for name, value in error.get_headers() if name != "Content-Type")
        return answer

    return app


def _add_gate(app: Flask, state: State) -> None:
    """Log each request under /v1, check the key and the limits, and apply quirks to the response."""

    @app.before_request
    def log_and_admit() -> Response | None:
        if not request.path.startswith("/v1/"):
            return None
        with state.lock:
            g.entry = {"method": request.method, "path": request.path, "body": body_as_sent(), "status": None}
            g.entry["time"] = pendulum.now("UTC").isoformat(timespec="milliseconds")
            state.requests.append(g.entry)
            g.asked = Asked(state.ledger(), longest=LONGEST_RANGE[state.options.plan], limits=state.limits)
        return _refusal(state)

    @app.after_request
    def change(response: Response) -> Response:
        if "entry" not in g:
            return response
        with state.lock:
            # Every quirk counts the request, even if another quirk changes the response.
            striking = [quirk for quirk in state.quirks if quirk.strikes(request.path, response, g.asked)]
        for quirk in in_order(striking):
            response = quirk.change(response, g.asked)
        g.entry["status"] = response.status_code
        return response


def _refusal(state: State) -> Response | None:
    """Return an error if the key is wrong or a limit is reached; otherwise return None."""
    given = request.headers.get("x-magnific-api-key", "")
    if not compare_digest(given.encode(), state.options.key.encode()):
        return message(401, "Invalid API key" if given else "Missing API key")
    if request.routing_exception is not None:
        return None
    with state.lock:
        refusal = state.limits.take(pendulum.now("UTC"), g.asked.ledger.today)
    if refusal is None:
        return None
    answer = message(429, refusal[0])
    answer.headers.update(refusal[1])
    return answer


def _add_endpoints(app: Flask) -> None:
    @app.post("/v1/analytics/team-credit-usage", provide_automatic_options=False)
    def credit_usage() -> Response:
        g.asked = replace(g.asked, query=read_query(read_body(), g.asked.ledger.today, longest=None))
        return respond(g.asked)

    names = ", ".join(f"'{name}'" for name in LISTS)

    @app.get(f"/v1/analytics/<any({names}):name>", provide_automatic_options=False)
    def list_of(name: str) -> Response:
        return json_answer(LISTS[name](g.asked.ledger.team))
