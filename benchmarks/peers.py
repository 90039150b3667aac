"""The command lines of the connector and of its peers."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.measure import Command, output

HERE = Path(__file__).parent
# The Singer tap has an environment of its own: what the two SDKs need is not mixed up.
SINGER_PYTHON = HERE.parent / ".venv-singer" / "bin" / "python"

# Installed beside the Python that runs this; resolving the link would leave the virtual environment.
SCRIPTS = Path(sys.executable).parent

CONNECTOR = "connector"
FLOOR = "raw floor"
SINGER = "Singer tap"
NESTED = "low-code nested"
FLAT = "low-code flat"
COMPONENT = "low-code flat, in Python"

USAGE = "credit_usage"
BY_KEY = "credit_usage_by_api_key"
LISTS = ("members", "api_keys", "groups", "projects")
# The stream of the manifest that gives each form of usage.
LOW_CODE_USAGE = {NESTED: USAGE, FLAT: "credit_usage_flat", COMPONENT: "credit_usage_component"}
LOW_CODE_OPTIONS = (
    "--manifest-path", str(HERE / "low_code.yaml"), "--components-path", str(HERE / "low_code_components.py"),
)  # fmt: skip


def singer_release() -> str:
    """The version of singer-sdk that the tap is built on."""
    said = "from importlib.metadata import version; print(version('singer-sdk'))"
    (line,) = output(Command("its version", (str(SINGER_PYTHON), "-c", said)))
    return line.decode().strip()


def _written(path: Path, content: Any) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def configured_catalog(discovered: Sequence[bytes], streams: Sequence[str]) -> dict[str, Any]:
    """A catalog of `streams` out of what `discover` wrote; incremental where a stream can be."""
    messages = [json.loads(line) for line in discovered if line.startswith(b"{")]
    (catalog,) = [message["catalog"] for message in messages if message["type"] == "CATALOG"]
    return {
        "streams": [
            {
                "stream": stream,
                "sync_mode": "incremental" if "incremental" in stream["supported_sync_modes"] else "full_refresh",
                "destination_sync_mode": "append_dedup",
            }
            for stream in catalog["streams"]
            if stream["name"] in streams
        ]
    }


def selected_catalog(discovered: Sequence[bytes], streams: Sequence[str]) -> dict[str, Any]:
    """A Singer catalog out of what discovery wrote, with nothing but `streams` selected."""
    catalog: dict[str, Any] = json.loads(b"".join(discovered))
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] in streams
    return catalog


class Peers:
    """Everybody's command lines against one server, for the days `first` to `last`, both inclusive.

    Configurations and catalogs are written into `folder`.
    """

    def __init__(self, folder: Path, base_url: str, first: date, last: date) -> None:
        self._folder = folder
        self._floor = (base_url, first.isoformat(), last.isoformat())
        self.config: Mapping[str, str] = {
            "api_key": "benchmark",
            "base_url": base_url,
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
        }
        self._config_path = _written(folder / "config.json", self.config)

    def connector(self, verb: str, *options: str, name: str = CONNECTOR) -> Command:
        """The connector's command `verb`."""
        configured = () if verb == "spec" else ("--config", self._config_path)
        return Command(name, (str(SCRIPTS / "source-magnific-analytics"), verb, *configured, *options))

    def low_code(self, verb: str, *options: str, name: str = NESTED) -> Command:
        """The manifest's command `verb`."""
        configured = () if verb == "spec" else ("--config", self._config_path, *LOW_CODE_OPTIONS)
        arguments = (str(SCRIPTS / "source-declarative-manifest"), verb, *configured, *options)
        return Command(name, arguments, {"AIRBYTE_ENABLE_UNSAFE_CODE": "true"})

    def singer(self, *options: str, name: str = SINGER) -> Command:
        """The tap with `options`."""
        tap = (str(SINGER_PYTHON), str(HERE / "singer_tap.py"))
        return Command(name, (*tap, "--config", self._config_path, *options))

    def bare_import(self) -> Command:
        """What every connector on the CDK pays before its first line runs."""
        return Command("import airbyte_cdk", (sys.executable, "-c", "import airbyte_cdk"))

    def floor(self) -> Command:
        """The raw floor's read of usage."""
        return Command(FLOOR, (sys.executable, str(HERE / "floor.py"), *self._floor))

    def connector_read(self, streams: Sequence[str], name: str = CONNECTOR) -> Command:
        """The connector's sync of `streams`."""
        catalog = configured_catalog(output(self.connector("discover")), streams)
        path = _written(self._folder / "connector.json", catalog)
        return self.connector("read", "--catalog", path, name=name)

    def low_code_read(self, form: str, lists: Sequence[str] = ()) -> Command:
        """The manifest's sync of one `form` of usage and of `lists`."""
        usage = LOW_CODE_USAGE[form]
        catalog = configured_catalog(output(self.low_code("discover")), (*lists, usage))
        path = _written(self._folder / f"{usage}.json", catalog)
        return self.low_code("read", "--catalog", path, name=form)

    def singer_read(self, streams: Sequence[str]) -> Command:
        """The tap's sync of `streams`."""
        catalog = selected_catalog(output(self.singer("--discover")), streams)
        return self.singer("--catalog", _written(self._folder / "singer.json", catalog))
