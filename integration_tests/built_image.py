"""The image, built as everybody builds it, by the engine that .ci/engine finds or starts."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sandbox_process import HUNG, ROOT
from venvs import run

# The system's own first: some machines have another program of that name earlier on PATH.
DOCKER = shutil.which("docker", path=f"/usr/bin:{os.environ['PATH']}") or "/usr/bin/docker"
IMAGE = "airbyte/source-magnific-analytics:under-test"


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """The environment that leads to an engine, which is this process's while it lasts; no engine is a failure."""
    settings = dict(line.split("=", 1) for line in run([ROOT / ".ci" / "engine"]).splitlines())
    settings["DOCKER_BUILDKIT"] = "1"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield settings


def docker(*arguments: str | Path) -> str:
    """Standard output of a docker command."""
    return run([DOCKER, *arguments], timeout=HUNG)


def build() -> None:
    """Make IMAGE by the make target: on Airbyte's base as it is pinned, or on what the engine has in its place."""
    run(["make", "image", f"DOCKER={DOCKER}", f"IMAGE={IMAGE}", "OPTIONS=--quiet --network=host"], timeout=HUNG)
