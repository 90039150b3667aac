"""The connector as a process: started, watched, ended, and its output taken apart."""

from __future__ import annotations

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
from forked import Forked
from patience import HUNG

SCRIPT = str(Path(sys.executable).with_name("source-magnific-analytics"))

Json = dict[str, Any]

_FIELDS = {
    "SPEC": "spec",
    "CONNECTION_STATUS": "connectionStatus",
    "CATALOG": "catalog",
    "RECORD": "record",
    "STATE": "state",
    "LOG": "log",
    "TRACE": "trace",
}


@dataclass(frozen=True)
class Run:
    """One ended run of the connector."""

    code: int
    stdout: bytes
    stderr: bytes

    @cached_property
    def messages(self) -> list[tuple[str, Json]]:
        """Type and content of every line of standard output; a line that is no Airbyte message fails the test."""
        assert self.stdout.endswith(b"\n"), f"the last line is not whole: {self.stdout[-200:]!r}"
        lines = [msgspec.json.decode(line) for line in self.stdout.split(b"\n")[:-1]]
        return [(line["type"], line[_FIELDS[line["type"]]]) for line in lines]

    def of(self, kind: str) -> list[Json]:
        """The contents of all messages of one type, such as LOG, in order."""
        return [content for found, content in self.messages if found == kind]

    def records(self, stream: str) -> list[Json]:
        return [record["data"] for record in self.of("RECORD") if record["stream"] == stream]

    @property
    def errors(self) -> list[tuple[str | None, str, str]]:
        """Stream (None: the whole run), failure type and message of each error, in order."""
        errors = [trace["error"] for trace in self.of("TRACE") if trace["type"] == "ERROR"]
        return [
            ((error.get("stream_descriptor") or {}).get("name"), error["failure_type"], error["message"])
            for error in errors
        ]

    @property
    def statuses(self) -> dict[str, str]:
        """The last status of each stream."""
        statuses = [trace["stream_status"] for trace in self.of("TRACE") if trace["type"] == "STREAM_STATUS"]
        return {status["stream_descriptor"]["name"]: status["status"] for status in statuses}

    @property
    def rate_limited(self) -> int:
        """How many times a stream said that it waits for a limit."""
        statuses = [trace["stream_status"] for trace in self.of("TRACE") if trace["type"] == "STREAM_STATUS"]
        return sum(reason["type"] == "RATE_LIMITED" for one in statuses for reason in one.get("reasons") or [])

    @property
    def connection(self) -> tuple[str, str]:
        """Status and message of a check."""
        [status] = self.of("CONNECTION_STATUS")
        return status["status"], status.get("message", "")

    @property
    def log(self) -> str:
        return "\n".join(line["message"] for line in self.of("LOG"))

    @property
    def waits(self) -> list[float]:
        """The seconds of each wait, virtual as they are; a fast run alone tells them."""
        lines = self.stderr.decode().splitlines()
        return [float(line.split()[1]) for line in lines if line.startswith("waited ")]


class Connector:
    """The console script: each run is a process of its own."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where config, catalog and state of a run are written."""
        self.folder = folder

    def arguments(self, command: str, *options: str, **files: Any) -> list[str]:
        """The command line; `files` (config, catalog, state) are JSON values, or text to be written as it is."""
        for name, content in files.items():
            file = self.folder / f"{name}.json"
            file.write_text(content if isinstance(content, str) else json.dumps(content))
            options = (*options, f"--{name}", str(file))
        return [command, *options]

    def __call__(self, command: str, *options: str, env: Mapping[str, str] | None = None, **files: Any) -> Run:
        """Run one command to its end."""
        done = subprocess.run(
            [SCRIPT, *self.arguments(command, *options, **files)],
            capture_output=True,
            env={**os.environ, **(env or {})},
            timeout=HUNG,
        )
        return Run(done.returncode, done.stdout, done.stderr)


class FastConnector(Connector):
    """The same without start-up and waits; see fast_connector.py."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.forked = Forked(Path(sys.executable), "fast_connector.py")

    def start(self, stdout: int, stderr: int, arguments: list[str], **how: Any) -> None:
        """Start a run that writes to these file descriptors. `how` is said in fast_connector.py."""
        self.forked.start(stdout, stderr, arguments=arguments, env=dict(os.environ), **how)

    def __call__(
        self, command: str, *options: str, env: Mapping[str, str] | None = None, how: Json | None = None, **files: Any
    ) -> Run:
        arguments = self.arguments(command, *options, **files)
        return Run(*self.forked.run(arguments=arguments, env={**os.environ, **(env or {})}, **(how or {})))
