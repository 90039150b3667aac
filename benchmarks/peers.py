"""The command lines of the connector and of its peers, all against one server for the same days."""

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
# The Singer tap has an environment of its own: what the two SDKs need is not mixed up.
SINGER_PYTHON = str(HERE.parent / ".venv-singer" / "bin" / "python")
# Installed beside the Python that runs this; resolving the link would leave the virtual environment.
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
    """`path`, which now holds `content` as JSON."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def airbyte_catalog(names: Sequence[str]) -> dict[str, Any]:
    """A catalog of these streams; usage is read incrementally."""
    modes = {name: "incremental" if name.startswith(USAGE) else "full_refresh" for name in names}
    streams = {name: {"name": name, "json_schema": {}, "supported_sync_modes": [mode]} for name, mode in modes.items()}
    return {
        "streams": [
            {"stream": streams[name], "sync_mode": mode, "destination_sync_mode": "append_dedup"}
            for name, mode in modes.items()
        ]
    }


@dataclass(frozen=True)
class Peers:
    """Everybody's command lines; configurations and catalogs are written into `folder`."""

    folder: Path
    base_url: str
    first: date
    last: date

    def _config(self) -> Sequence[str]:
        days = {"start_date": str(self.first), "end_date": str(self.last)}
        config = {"api_key": "benchmark", "base_url": self.base_url, **days}
        return "--config", written(self.folder / "config.json", config)

    def airbyte(self, script: str, verb: str, name: str, stream: str = USAGE) -> Command:
        """The command `verb` of a connector for Airbyte; a read is of one `stream`."""
        arguments = [str(SCRIPTS / script), verb]
        if verb != "spec":
            arguments += [*self._config(), *(MANIFEST if script == LOW_CODE else ())]
        if verb == "read":
            arguments += ["--catalog", written(self.folder / f"{name}.json", airbyte_catalog([stream]))]
        return Command(name, arguments, {"AIRBYTE_ENABLE_UNSAFE_CODE": "true"})

    def singer(self, *options: str, name: str = SINGER) -> Command:
        return Command(name, (SINGER_PYTHON, str(HERE / "singer_tap.py"), *self._config(), *options))

    def floor(self) -> Command:
        return Command(FLOOR, (sys.executable, str(HERE / "floor.py"), self.base_url, str(self.first), str(self.last)))


@contextmanager
def peers(first: date, last: date, rows: int, *, streamed: bool = False) -> Iterator[Peers]:
    """Everybody against a running server with `rows` usage rows from `first` to `last`, both inclusive."""
    with TemporaryDirectory() as folder, api(first, last, rows, streamed=streamed) as base_url:
        yield Peers(Path(folder), base_url, first, last)
