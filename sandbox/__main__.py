"""`python -m sandbox`: serve the stand-in until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date, timedelta

import pendulum

from sandbox.customs import CUSTOMS
from sandbox.events import read_day
from sandbox.faults import TOO_LONG
from sandbox.limits import LIMIT_HEADERS
from sandbox.oddities import ODDITIES
from sandbox.query import LONGEST_RANGE
from sandbox.server import HOST, listen
from sandbox.state import Options
from sandbox.team import MOST_KEYS, MOST_PEOPLE


def _day(text: str) -> date:
    try:
        return read_day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a number from 0 up")
    return int(text)


def _within(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not least <= _count(text) <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
        return int(text)

    return read


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    usual = Options()
    parser = argparse.ArgumentParser("python -m sandbox", description="A stand-in for Magnific's analytics API.")
    known = {name: one.meaning for table in (ODDITIES, CUSTOMS) for name, one in table.items()}
    oddities = "; ".join(f"{name}: {meaning}" for name, meaning in known.items())
    add = parser.add_argument
    add("--port", type=_count, default=0, help="0 (default): any free one")
    add("--today", type=_day, help="the sandbox's day, YYYY-MM-DD; default: the real day, UTC")
    add("--plan", choices=LONGEST_RANGE, default=usual.plan)
    add("--key", default=usual.key, help="the API key that is let in")
    add("--seed", type=int, default=usual.seed, help="another number, another history")
    add("--people", type=_within(1, MOST_PEOPLE), default=usual.people, help=f"size of the team, 1 to {MOST_PEOPLE}")
    add(
        "--keys",
        type=_within(0, MOST_KEYS),
        default=usual.keys,
        help=f"how many API keys the team has, 0 to {MOST_KEYS}; default: {usual.keys}. Usage goes through all of them",
    )
    add("--per-minute", type=_count, default=usual.per_minute, help="requests per minute; 0: no limit")
    add("--per-day", type=_count, default=usual.per_day, help="requests per day; 0: no limit")
    add(
        "--limit-header",
        choices=LIMIT_HEADERS,
        default=usual.limit_header,
        help="how a refusal states the wait",
    )
    add(
        "--longest-answer",
        type=_count,
        default=usual.longest_answer,
        metavar="DAYS",
        help="more days of credit usage in one request are too much for the server, always; 0 (default): none are",
    )
    add(
        "--too-long",
        choices=TOO_LONG,
        default=usual.too_long,
        help="what becomes of a range beyond --longest-answer: an HTTP status (default: 504, a gateway's time-out); "
        "drop: the connection breaks before an answer; cut: it breaks inside the body; "
        "silence: no answer for as long as anybody waits",
    )
    add("--forbidden", action="store_true", help="the key may not read analytics: 403")
    add("--flat-problems", action="store_true", help="400 without the wrapping `problem`")
    add("--empty-periods", action="store_true", help="periods without usage are there, empty")
    add("--awkward", action="store_true", help="answers in pieces, with nulls and unknown fields")
    add(
        "--oddity",
        dest="oddities",
        action="append",
        choices=known,
        metavar="NAME",
        default=[],
        help=f"one thing to stumble over, or a Magnific of another fact; give it again for another. {oddities}",
    )
    add("--verbose", action="store_true", help="one line per request")
    add("--json", action="store_true", help="print one JSON line: base_url, api_key, pid")
    given = parser.parse_args(argv)
    given.oddities = frozenset(given.oddities)
    return given


def _greeting(base_url: str, options: Options) -> str:
    today = options.today or pendulum.now("UTC").date()
    config = {
        "api_key": options.key,
        "start_date": (today - timedelta(days=89)).isoformat(),
        "plan": options.plan,
        "base_url": base_url,
    }
    return (
        f"Magnific analytics sandbox: {base_url}\nAPI key: {options.key}\n"
        f"A configuration for the connector:\n{json.dumps(config, indent=2)}\nCtrl-C ends it."
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until interrupted; then return, so that the exit code is 0."""
    given = _arguments(argv)
    options = Options(**{field.name: getattr(given, field.name) for field in fields(Options)})
    # A shell starts its background jobs with SIGINT ignored, and tests end theirs with SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        server = listen(options, given.port, given.verbose)
        base_url = f"http://{HOST}:{server.port}"
        about = {"base_url": base_url, "api_key": options.key, "pid": os.getpid()}
        print(json.dumps(about) if given.json else _greeting(base_url, options), flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
