"""Run `python -m demo` as a process, watch it, and list what it leaves behind."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sandbox_process import HUNG, ROOT
from venvs import MODELS

# Every Python process of the demo and the connector loads this code, which records and refuses remote connections.
_WATCHMAN = """
import os, socket
connect = socket.socket.connect
def watched(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        with open(os.environ["CONNECTIONS"], "a") as notes:
            notes.write(f"{address}\\n")
        raise OSError("no network in this test")
    return connect(self, address)
socket.socket.connect = watched
"""


@dataclass(frozen=True)
class Demo:
    """Runs the demo in a new session, with its output, home directory and temporary files in one folder."""

    folder: Path

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def start(self, **environment: str) -> subprocess.Popen[str]:
        for name in ("home", "tmp", "site"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "site" / "sitecustomize.py").write_text(_WATCHMAN)
        usual = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAGNIFIC", "AIRBYTE", "DO_"))
        }
        return subprocess.Popen(
            [sys.executable, "-m", "demo", str(self.output)],
            cwd=ROOT,
            env=usual
            | {
                "HOME": str(self.folder / "home"),
                "TMPDIR": str(self.folder / "tmp"),
                "PYTHONPATH": f"{self.folder / 'site'}:{ROOT}",
                "PYTHONUNBUFFERED": "1",
                "CONNECTIONS": str(self.folder / "connections"),
                "COLUMNS": "80",
            }
            | environment,
            # If the tests run as a shell's background job, they ignore SIGINT. The demo must not inherit this setting.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start_until(self, words: str, **environment: str) -> subprocess.Popen[str]:
        """Start the demo, and return when it prints a line that contains `words`; fail if it ends first."""
        process = self.start(**environment)
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            if words in line:
                return process
            printed += line
        raise AssertionError(f"the demo ended before it printed {words!r}:\n{printed}")

    def run(self, **environment: str) -> tuple[int, str]:
        """Run the demo and return its exit code and output."""
        process = self.start(**environment)
        printed, _ = process.communicate(timeout=HUNG)
        return process.returncode, printed

    def connections(self) -> str:
        """Return every remote address that one of the demo's processes tried to connect to."""
        file = self.folder / "connections"
        return file.read_text() if file.exists() else ""

    def processes(self) -> list[str]:
        """Return the command lines of the demo's running processes, recognised by their home directory."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("HOME") == str(self.folder / "home"):
                    found.append(" ".join(process.cmdline()))
        return found

    def leftovers(self) -> list[str]:
        return [path.name for path in (self.folder / "tmp").iterdir()]


@pytest.fixture()
def demo(tmp_path: Path) -> Demo:
    # Install dbt first; otherwise, several demos could install it at the same time.
    MODELS.program("dbt")
    return Demo(tmp_path)
