"""The command `python -m sandbox`, which serves the sandbox until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta

import pendulum

from sandbox.events import read_day
from sandbox.query import LONGEST_RANGE
from sandbox.quirks import QUIRKS
from sandbox.server import HOST, listen
from sandbox.state import Options
from sandbox.team import MOST_KEYS, MOST_PEOPLE


def _arguments(argv: Sequence[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    usual = Options()
    parser = argparse.ArgumentParser("python -m sandbox", description="Serve a stand-in for Magnific's analytics API.")
    quirks = "; ".join(f"{name}: {meaning}" for name, (meaning, _) in QUIRKS.items())
    add = parser.add_argument
    add("--port", type=int, default=0, help="port to listen on (default: any free port)")
    add("--today", help="the sandbox's current date, YYYY-MM-DD (default: today in UTC)")
    add("--plan", choices=LONGEST_RANGE, default=usual.plan, help="the team's plan (default: %(default)s)")
    add("--key", default=usual.key, help="the API key that the sandbox accepts (default: %(default)s)")
    add("--seed", type=int, default=usual.seed, help="seed for the generated usage (default: %(default)s)")
    add("--people", type=int, default=usual.people, help=f"members, 1 to {MOST_PEOPLE} (default: %(default)s)")
    add("--keys", type=int, default=usual.keys, help=f"API keys of the team, 0 to {MOST_KEYS} (default: %(default)s)")
    add("--per-minute", type=int, default=usual.per_minute, help="requests a minute, 0 for any (default: %(default)s)")
    add("--per-day", type=int, default=usual.per_day, help="requests a day, 0 for any (default: %(default)s)")
    add(
        "--quirk",
        dest="quirks",
        action="append",
        default=[],
        help="make the sandbox deviate from the documentation; takes a quirk's name or a JSON object (see "
        f"sandbox/quirks.py). Repeat the option to combine quirks. The quirks: {quirks}",
    )
    add("--json", action="store_true", help="print base_url, api_key and pid as one line of JSON, and nothing else")
    return parser, parser.parse_args(argv)


def _options(given: argparse.Namespace) -> Options:
    values = {field.name: getattr(given, field.name) for field in fields(Options)}
    try:
        quirks = tuple(json.loads(text) if text.startswith("{") else text for text in given.quirks)
    except ValueError as error:
        raise ValueError(f"--quirk must be a name or a JSON object: {error}") from None
    return Options(**values | {"quirks": quirks, "today": read_day(given.today) if given.today else None})


def _greeting(base_url: str, options: Options) -> str:
    start = (options.today or pendulum.now("UTC").date()) - timedelta(days=89)
    config = {"api_key": options.key, "start_date": str(start), "plan": options.plan, "base_url": base_url}
    return (
        f"Magnific analytics sandbox: {base_url}\nAPI key: {options.key}\n"
        f"A configuration for the connector:\n{json.dumps(config, indent=2)}\nPress Ctrl-C to stop."
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until interrupted, then return normally so that the exit code is 0."""
    parser, given = _arguments(argv)
    try:
        options = _options(given)
        server = listen(options, given.port)
        # Handle both signals: a shell starts its background jobs with SIGINT ignored, and some tests send SIGTERM.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        base_url = f"http://{HOST}:{server.port}"  # ignore-https-check
        about = {"base_url": base_url, "api_key": options.key, "pid": os.getpid()}
        print(json.dumps(about) if given.json else _greeting(base_url, options), flush=True)
        server.serve_forever()
    except ValueError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
