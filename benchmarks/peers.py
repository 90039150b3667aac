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

from benchmarks.measure import Command, output
from benchmarks.server import api

HERE = Path(__file__).parent
# The Singer tap has an environment of its own: what the two SDKs need is not mixed up.
SINGER_PYTHON = str(HERE.parent / ".venv-singer" / "bin" / "python")
# Installed beside the Python that runs this; resolving the link would leave the virtual environment.
SCRIPTS = Path(sys.executable).parent

CONNECTOR, FLOOR, SINGER = "connector", "raw floor", "Singer tap"
NESTED, FLAT = "low-code nested", "low-code flat, in Python"

USAGE = "credit_usage"
BY_KEY = "credit_usage_by_api_key"
LISTS = ("members", "api_keys", "groups", "projects")
LOW_CODE_USAGE = {NESTED: USAGE, FLAT: "credit_usage_component"}
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
    stream = {"json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]}
    return {
        "streams": [
            {"stream": {"name": name, **stream}, "sync_mode": mode, "destination_sync_mode": "append_dedup"}
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

    def _airbyte(self, script: str, verb: str, name: str, *options: str, streams: Sequence[str]) -> Command:
        given = () if verb == "spec" else (*self._config(), *options)
        if verb == "read":
            given = (*given, "--catalog", written(self.folder / f"{name}.json", airbyte_catalog(streams)))
        return Command(name, (str(SCRIPTS / script), verb, *given), {"AIRBYTE_ENABLE_UNSAFE_CODE": "true"})

    def connector(self, verb: str, name: str = CONNECTOR, streams: Sequence[str] = (USAGE,)) -> Command:
        return self._airbyte("source-magnific-analytics", verb, name, streams=streams)

    def low_code(self, verb: str, name: str, lists: Sequence[str] = ()) -> Command:
        """The manifest's command `verb`; a read is of the form of usage that is its `name`, and of `lists`."""
        streams = (*lists, LOW_CODE_USAGE.get(name, USAGE))
        return self._airbyte("source-declarative-manifest", verb, name, *MANIFEST, streams=streams)

    def singer(self, *options: str, name: str = SINGER) -> Command:
        return Command(name, (SINGER_PYTHON, str(HERE / "singer_tap.py"), *self._config(), *options))

    def singer_read(self, streams: Sequence[str]) -> Command:
        """The tap's sync of `streams`: what it discovers, with nothing else selected."""
        catalog: dict[str, Any] = json.loads(b"".join(output(self.singer("--discover"))))
        for stream in catalog["streams"]:
            [about] = [entry["metadata"] for entry in stream["metadata"] if not entry["breadcrumb"]]
            about["selected"] = stream["tap_stream_id"] in streams
        return self.singer("--catalog", written(self.folder / "singer.json", catalog))

    def floor(self) -> Command:
        return Command(
            FLOOR, (sys.executable, str(HERE / "floor.py"), self.base_url, str(self.first), str(self.last))
        )


@contextmanager
def peers(first: date, last: date, rows: int, *, streamed: bool = False) -> Iterator[Peers]:
    """Everybody against a running server with `rows` usage rows from `first` to `last`, both inclusive."""
    with TemporaryDirectory() as folder, api(first, last, rows, streamed=streamed) as base_url:
        yield Peers(Path(folder), base_url, first, last)
