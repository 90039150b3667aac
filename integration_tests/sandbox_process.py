"""Run a sandbox in its own process, and call its control API through methods."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import requests

ROOT = Path(__file__).parent.parent
# Even on a slow machine, a wait of more than this many seconds means that something has hung.
HUNG = 3600
USAGE = "team-credit-usage"
LISTS = ("team-members", "team-api-keys", "team-groups", "team-projects")


class Sandbox:
    """A running sandbox, which tests reset with `clear`."""

    def __init__(self, *options: str) -> None:
        """Start `python -m sandbox` on a free port, with no limits except those in `options`."""
        command = [sys.executable, "-m", "sandbox", "--json", "--per-minute=0", "--per-day=0"]
        self._process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        about = json.loads(self._process.stdout.readline())
        self.base_url: str = about["base_url"]
        self.api_key: str = about["api_key"]
        self._http = requests.Session()

    def stop(self) -> None:
        """Stop the process and wait for it to exit; after that, connections are refused."""
        self._http.close()
        self._process.terminate()
        self._process.communicate(timeout=HUNG)

    def _control(self, method: str, what: str, **request: Any) -> Any:
        answer = self._http.request(method, f"{self.base_url}/_sandbox/{what}", timeout=HUNG, **request)
        assert answer.ok, answer.text
        return msgspec.json.decode(answer.content)

    def clear(self, today: str) -> None:
        """Reset the sandbox to its initial state, and set its date to `today`."""
        self._control("DELETE", "changes", params={"date": today})

    def set_today(self, day: str) -> None:
        self._control("POST", "today", json={"date": day})

    def set_limits(self, **limits: Any) -> None:
        self._control("POST", "limits", json=limits)

    def spoil(self, *quirks: Mapping[str, Any], **quirk: Any) -> None:
        """Switch on quirks. Each applies to every request unless it selects specific requests."""
        self._control("POST", "quirks", json=[*quirks, *([quirk] if quirk else [])])

    def happen(self, *events: Mapping[str, Any]) -> None:
        self._control("POST", "events", json=list(events))

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests since the last call, in order, and empty the log."""
        asked: list[dict[str, Any]] = self._control("DELETE", "requests")
        return asked

    def count(self) -> int:
        """Return how many requests have arrived since the last call to `requests`."""
        return len(self._control("GET", "requests"))

    def has_refused(self) -> bool:
        """Return whether any request since the last call to `requests` has been refused with HTTP 429."""
        return any(request["status"] == 429 for request in self._control("GET", "requests"))

    def wait_for_requests(self, count: int) -> None:
        """Wait until `count` requests have arrived since the last call to `requests`; fail after an hour."""
        deadline = time.monotonic() + HUNG
        while self.count() < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def totals(self, **query: Any) -> list[dict[str, Any]]:
        """Return the ledger's uses and credits by date and tool. `query` takes the fields of a usage request."""
        asked: list[dict[str, Any]] = self._control("GET", "ledger", params=query)
        return asked

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        """Return the ledger's uses and credits by date, tool, user and project."""
        asked: list[dict[str, Any]] = self._control("GET", "rows", params=query)
        return asked
