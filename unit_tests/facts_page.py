"""The command of the facts in this process, in front of the sandbox or of answers that a test describes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from builders import KEY
from in_process import clock
from pendulum import Date
from sandbox_api import SandboxApi

from facts.__main__ import JSON_FILE, main
from facts.questions import MOST_REQUESTS

# A Wednesday: on a Sunday a small team uses nothing.
TODAY = Date(2026, 11, 25)


@dataclass(frozen=True)
class Page:
    """How the command ended, and what it left behind."""

    code: int
    content: dict[str, Any]

    @property
    def verdicts(self) -> dict[str, str]:
        """By the name of the assumption."""
        return {one["name"]: one["verdict"] for one in self.content["assumptions"]}

    @property
    def seen(self) -> dict[str, str]:
        return {one["name"]: one["seen"] for one in self.content["assumptions"]}


def made(folder: Path, **environment: str) -> Page:
    """Run the command; who answers is up to the test."""
    with clock(TODAY), patch.dict("os.environ", {"MAGNIFIC_API_KEY": KEY, **environment}):
        code = main([str(folder)])
    file = folder / JSON_FILE
    return Page(code, json.loads(file.read_text()) if file.exists() else {})


def page_of(folder: Path, options: Mapping[str, Any], **environment: str) -> Page:
    """The page about a sandbox with these options; fails where it was asked too much or for anything but reading."""
    # A small team says the same as a large one.
    api = SandboxApi(**{"today": TODAY, "people": 5, **options})
    with api.serving():
        page = made(folder, **environment)
    asked = len(api.asked) + api.lists.total()
    assert asked == page.content["requests"] <= MOST_REQUESTS
    return page
