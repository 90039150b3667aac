"""Run the connector's console script in its own process, or call `read` in the test process, and parse the output."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import orjson
from airbyte_cdk.models import (
    AirbyteMessageSerializer,
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalogSerializer,
)
from airbyte_cdk.test import entrypoint_wrapper
from airbyte_cdk.test.models.scenario import ExpectedOutcome
from sandbox_process import HUNG

from source_magnific_analytics import SourceMagnificAnalytics
from source_magnific_analytics.policy import POLICY, Policy

SCRIPT = str(Path(sys.executable).with_name("source-magnific-analytics"))

Json = dict[str, Any]

_FIELDS = {"CONNECTION_STATUS": "connectionStatus"}


@dataclass(frozen=True)
class Run:
    """A finished run of the connector."""

    code: int
    stdout: bytes
    stderr: bytes = b""

    @cached_property
    def messages(self) -> list[tuple[str, Json]]:
        """The type and content of each line on standard output. The test fails if a line is not an Airbyte message."""
        assert self.stdout.endswith(b"\n"), f"the last line is incomplete: {self.stdout[-200:]!r}"
        lines = [msgspec.json.decode(line) for line in self.stdout.split(b"\n")[:-1]]
        return [(line["type"], line[_FIELDS.get(line["type"], line["type"].lower())]) for line in lines]

    def of(self, kind: str) -> list[Json]:
        """Return the contents of all messages of one type, such as LOG, in order."""
        return [content for found, content in self.messages if found == kind]

    def records(self, stream: str) -> list[Json]:
        return [record["data"] for record in self.of("RECORD") if record["stream"] == stream]

    @property
    def errors(self) -> list[tuple[str | None, str, str]]:
        """Each error's stream (None for the whole run), failure type and message, in order."""
        errors = [trace["error"] for trace in self.of("TRACE") if trace["type"] == "ERROR"]
        return [
            ((error.get("stream_descriptor") or {}).get("name"), error["failure_type"], error["message"])
            for error in errors
        ]

    @property
    def connection(self) -> tuple[str, str]:
        """The status and message of a check."""
        [status] = self.of("CONNECTION_STATUS")
        return status["status"], status.get("message", "")

    @property
    def log(self) -> str:
        return "\n".join(line["message"] for line in self.of("LOG"))


class Connector:
    """Runs the console script in a new process each time."""

    def __init__(self, folder: Path) -> None:
        """Each command writes its config, catalog and state to `folder`."""
        self.folder = folder

    def command(self, command: str, *options: str, **files: Any) -> list[str]:
        """Write `files` (config, catalog or state): strings unchanged, all others as JSON. Return the command line."""
        for name, content in files.items():
            file = self.folder / f"{name}.json"
            file.write_text(content if isinstance(content, str) else json.dumps(content))
            options = (*options, f"--{name}", str(file))
        return [SCRIPT, command, *options]

    def __call__(self, command: str, *options: str, env: Mapping[str, str] | None = None, **files: Any) -> Run:
        """Run one command and wait for it to exit."""
        done = subprocess.run(
            self.command(command, *options, **files),
            capture_output=True,
            env={**os.environ, **(env or {})},
            timeout=HUNG,
        )
        return Run(done.returncode, done.stdout, done.stderr)


def read_here(config: Json, catalog: Json, state: Any = None, policy: Policy = POLICY) -> Run:
    """Run the command `read` in the test process, for tests that need no separate process."""
    output = entrypoint_wrapper.read(
        SourceMagnificAnalytics(policy),
        config,
        ConfiguredAirbyteCatalogSerializer.load(catalog),
        [AirbyteStateMessageSerializer.load(one) for one in state or []],
        expected_outcome=ExpectedOutcome.ALLOW_ANY,
    )
    lines = [orjson.dumps(AirbyteMessageSerializer.dump(message)) for message in output.get_message_iterator()]
    return Run(int(bool(output.errors)), b"\n".join(lines) + b"\n")
