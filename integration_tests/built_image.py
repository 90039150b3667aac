"""Build the image with `make image`, on the Docker engine that .ci/engine finds or starts."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sandbox_process import HUNG, ROOT
from venvs import run

# Prefer the system's Docker, because some machines have another program named docker earlier on PATH.
DOCKER = shutil.which("docker", path=f"/usr/bin:{os.environ['PATH']}") or "/usr/bin/docker"
IMAGE = "airbyte/source-magnific-analytics:under-test"


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """Set the Docker engine's environment variables during the block, and yield them. Fail if there is no engine."""
    settings = dict(line.split("=", 1) for line in run([ROOT / ".ci" / "engine"]).splitlines())
    settings["DOCKER_BUILDKIT"] = "1"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield settings


def docker(*arguments: str | Path) -> str:
    """Run a docker command and return its standard output."""
    return run([DOCKER, *arguments], timeout=HUNG)


def build() -> None:
    """Build IMAGE with `make image`, on Airbyte's pinned base image or on the stand-in that .ci/engine builds."""
    run(["make", "image", f"DOCKER={DOCKER}", f"IMAGE={IMAGE}", "OPTIONS=--quiet --network=host"], timeout=HUNG)
