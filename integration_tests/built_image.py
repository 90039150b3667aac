"""The image, built as everybody builds it, by the engine that .ci/engine finds or starts."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sandbox_process import HUNG, ROOT

# The system's own first: some machines have another program of that name earlier on PATH.
DOCKER = shutil.which("docker", path=f"/usr/bin:{os.environ['PATH']}") or "/usr/bin/docker"
IMAGE = "airbyte/source-magnific-analytics:under-test"


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """The environment that leads to an engine, which is this process's while it lasts; no engine is a failure."""
    started = subprocess.run([ROOT / ".ci" / "engine"], capture_output=True, text=True)
    assert started.returncode == 0, f"no container engine:\n{started.stderr}"
    settings = dict(line.split("=", 1) for line in started.stdout.splitlines()) | {"DOCKER_BUILDKIT": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield settings


def docker(*arguments: str | Path) -> str:
    """Standard output of a docker command; its standard error is in the failure when the exit code is not 0."""
    return _output(DOCKER, *arguments)


def build() -> None:
    """Make IMAGE by the make target: on Airbyte's base as it is pinned, or on what the engine has in its place."""
    _output("make", "image", f"DOCKER={DOCKER}", f"IMAGE={IMAGE}", "OPTIONS=--quiet --network=host")


def _output(program: str, *arguments: str | Path) -> str:
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=HUNG)
    assert done.returncode == 0, f"{program} {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout
