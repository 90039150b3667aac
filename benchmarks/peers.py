"""Build the command lines of the connector and its peers, which all read the same days from the same server."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import Command
from benchmarks.server import api

HERE = Path(__file__).parent
# The Singer tap has its own environment, because singer-sdk's dependencies conflict with the CDK's.
SINGER_PYTHON = str(HERE.parent / ".venv-singer" / "bin" / "python")
# The running Python's directory. Do not resolve the symlink: its target is outside the environment.
SCRIPTS = Path(sys.executable).parent

CONNECTOR, FLOOR, SINGER = "connector", "raw floor", "Singer tap"
NESTED, FLAT = "low-code nested", "low-code flat, in Python"

USAGE = "credit_usage"
LISTS = ("members", "api_keys", "groups", "projects")
OURS, LOW_CODE = "source-magnific-analytics", "source-declarative-manifest"
MANIFEST = (
    "--manifest-path", str(HERE / "low_code.yaml"), "--components-path", str(HERE / "low_code_components.py"),
)  # fmt: skip


def written(path: Path, content: Any) -> str:
    """Write `content` to `path` as JSON and return `path`."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def airbyte_catalog(names: Sequence[str]) -> dict[str, Any]:
    """Return a configured catalog of the streams in `names`. Only usage is synced incrementally."""
    streams = []
    for name in names:
        mode = "incremental" if name.startswith(USAGE) else "full_refresh"
        stream = {"name": name, "json_schema": {}, "supported_sync_modes": [mode]}
        streams.append({"stream": stream, "sync_mode": mode, "destination_sync_mode": "append_dedup"})
    return {"streams": streams}


@dataclass(frozen=True)
class Peers:
    """Builds the command lines and writes their configurations and catalogs to `folder`."""

    folder: Path
    base_url: str
    first: date
    last: date

    def _config(self) -> Sequence[str]:
        days = {"start_date": str(self.first), "end_date": str(self.last)}
        config = {"api_key": "benchmark", "base_url": self.base_url, **days}
        return "--config", written(self.folder / "config.json", config)

    def airbyte(self, script: str, verb: str, name: str, stream: str = USAGE) -> Command:
        """Return the command line that runs the command `verb` of an Airbyte connector; `read` syncs only `stream`."""
        arguments = [str(SCRIPTS / script), verb]
        if verb != "spec":
            arguments += [*self._config(), *(MANIFEST if script == LOW_CODE else ())]
        if verb == "read":
            arguments += ["--catalog", written(self.folder / f"{name}.json", airbyte_catalog([stream]))]
        return Command(name, arguments)

    def singer(self, *options: str, name: str = SINGER) -> Command:
        return Command(name, (SINGER_PYTHON, str(HERE / "singer_tap.py"), *self._config(), *options))

    def floor(self) -> Command:
        return Command(FLOOR, (sys.executable, str(HERE / "floor.py"), self.base_url, str(self.first), str(self.last)))


@contextmanager
def peers(first: date, last: date, rows: int, *, streamed: bool = False) -> Iterator[Peers]:
    """Serve a total of `rows` usage rows from `first` to `last` (inclusive); yield the command lines that read them."""
    with TemporaryDirectory() as folder, api(first, last, rows, streamed=streamed) as base_url:
        yield Peers(Path(folder), base_url, first, last)
