"""A sandbox in a process of its own, and its control surface as methods."""

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
# Seconds after which whatever a test awaits is stuck, and not slow, on whatever machine.
HUNG = 3600
USAGE = "team-credit-usage"
LISTS = ("team-members", "team-api-keys", "team-groups", "team-projects")


class Sandbox:
    """A started sandbox. Between two tests it is put back with `clear`."""

    def __init__(self, *options: str) -> None:
        """Start `python -m sandbox` on a free port; its own limits are off unless `options` set them."""
        command = [sys.executable, "-m", "sandbox", "--json", "--per-minute=0", "--per-day=0"]
        self._process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        about = json.loads(self._process.stdout.readline())
        self.base_url: str = about["base_url"]
        self.api_key: str = about["api_key"]
        self._http = requests.Session()

    def stop(self) -> None:
        """End the process and wait for it: from then on connections are refused."""
        self._http.close()
        self._process.terminate()
        self._process.communicate(timeout=HUNG)

    def _control(self, method: str, what: str, **request: Any) -> Any:
        answer = self._http.request(method, f"{self.base_url}/_sandbox/{what}", timeout=HUNG, **request)
        assert answer.ok, answer.text
        return msgspec.json.decode(answer.content)

    def clear(self, today: str) -> None:
        """As it was at its start, on this day."""
        self._control("DELETE", "changes", params={"date": today})

    def set_today(self, day: str) -> None:
        self._control("POST", "today", json={"date": day})

    def set_limits(self, **limits: Any) -> None:
        self._control("POST", "limits", json=limits)

    def spoil(self, *quirks: Mapping[str, Any], **quirk: Any) -> None:
        """Switch quirks on, each for every request unless it says which."""
        self._control("POST", "quirks", json=[*quirks, *([quirk] if quirk else [])])

    def happen(self, *events: Mapping[str, Any]) -> None:
        self._control("POST", "events", json=list(events))

    def requests(self) -> list[dict[str, Any]]:
        """What it was asked since the last call, in order; the log is empty afterwards."""
        asked: list[dict[str, Any]] = self._control("DELETE", "requests")
        return asked

    def count(self) -> int:
        """How many requests it was sent since the last call of `requests`."""
        return len(self._control("GET", "requests"))

    def has_refused(self) -> bool:
        """Whether it refused a request for a limit since the last call of `requests`."""
        return any(request["status"] == 429 for request in self._control("GET", "requests"))

    def wait_for_requests(self, count: int) -> None:
        """Return once it was sent that many since the last call of `requests`; fail after an hour: something hangs."""
        deadline = time.monotonic() + HUNG
        while self.count() < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def totals(self, **query: Any) -> list[dict[str, Any]]:
        """Uses and credits of each date and tool, from the ledger; `query` as the body of credit usage."""
        asked: list[dict[str, Any]] = self._control("GET", "ledger", params=query)
        return asked

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        """Uses and credits of each date, tool, user and project, from the ledger."""
        asked: list[dict[str, Any]] = self._control("GET", "rows", params=query)
        return asked
