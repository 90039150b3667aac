"""`python -m facts` as a person runs it, and `make facts`, which runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox_process import LISTS, ROOT, USAGE, Sandbox


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    usual = {name: value for name, value in os.environ.items() if not name.startswith("MAGNIFIC")}
    return subprocess.run(
        [sys.executable, "-m", "facts", str(folder)], cwd=ROOT, env=usual | environment, capture_output=True, text=True
    )


def test_a_team_is_asked_over_http_and_the_page_is_printed_and_kept(
    make_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = make_sandbox()
    done = run(tmp_path, MAGNIFIC_API_KEY=sandbox.api_key, MAGNIFIC_BASE_URL=sandbox.base_url)
    assert (done.returncode, done.stderr) == (0, "")
    asked = [request["path"].rpartition("/")[2] for request in sandbox.requests()]
    assert len(asked) == 12
    assert set(asked) == {USAGE, *LISTS}
    [file] = tmp_path.iterdir()
    kept = json.loads(file.read_text())
    printed = " ".join(done.stdout.split())
    assert all(one["seen"].split(";")[0] in printed for one in kept["assumptions"])
    # A server tells its time.
    assert {one["name"]: one["verdict"] for one in kept["assumptions"]}["clock"] == "holds"
    assert sandbox.api_key not in done.stdout


def test_without_a_key_a_sandbox_is_asked(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0
    assert "Asking a sandbox on this machine, since MAGNIFIC_API_KEY is not set" in done.stdout
    assert "asked of a sandbox on" in done.stdout


def test_make_runs_it_with_what_it_needs() -> None:
    command = ["make", "--dry-run", "facts"]
    assert "python -m facts" in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
