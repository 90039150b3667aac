"""Build the image and run it as the platform does: hardened, with the configuration and catalog mounted read-only.

test_destinations.py tests how PyAirbyte uses the image to discover streams, read them and resume.
"""

import json
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from built_image import DOCKER, IMAGE, ROOT, build, docker, engine
from connector_process import Json, Run
from sandbox_process import Sandbox
from warehouse import USAGE_ALONE

pytestmark = pytest.mark.image

# As of November 2026, the connector and its bytecode add 245 MB to the base image, mostly pandas, numpy and gRPC.
MOST_BYTES = 280_000_000
# The CDK creates a temporary directory in every run, so a read-only container needs a writable /tmp.
HARDENED = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=256m")
PROGRAM = "/opt/connector"


def inspect(image: str) -> Json:
    found: list[Json] = json.loads(docker("image", "inspect", image))
    return found[0]


def inside(image: str, *command: str) -> str:
    """Run a command in the image instead of the connector, and return its standard output."""
    return docker("run", "--rm", "--network=none", *HARDENED, f"--entrypoint={command[0]}", image, *command[1:])


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    with engine():
        build()
        yield IMAGE


def test_labels_name_the_connector_and_its_version(image: str) -> None:
    installed = "from importlib.metadata import version; print(version('airbyte-source-magnific-analytics'))"
    version = inside(image, "python", "-c", installed).strip()
    labels = inspect(image)["Config"]["Labels"]
    assert labels["io.airbyte.name"] == "airbyte/source-magnific-analytics"
    assert labels["io.airbyte.version"] == labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    texts = {f"org.opencontainers.image.{name}" for name in ("title", "description", "documentation")}
    assert all(labels[text] for text in texts)


def test_the_user_airbyte_owns_its_directory_and_cannot_change_the_program(image: str) -> None:
    assert inspect(image)["Config"]["User"] == "1000:1000"
    assert inside(image, "id", "--user", "--name").strip() == "airbyte"
    assert inside(image, "stat", "--format=%U %a", "/airbyte").split() == ["airbyte", "755"]
    # Check owners and modes. Attempts to write would prove nothing, because the disk is read-only.
    changeable = ("(", "!", "-user", "root", "-o", "-perm", "/022", ")", "!", "-type", "l")
    assert inside(image, "find", PROGRAM, *changeable).split() == []


def test_the_connector_adds_little_to_the_base(image: str) -> None:
    layers = docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", image)
    sizes = [int(line.split()[0]) for line in layers.splitlines() if " COPY /" in line]
    print(f"\nimage: {inspect(image)['Size'] / 1e6:.0f} MB, of which the connector is {sum(sizes) / 1e6:.0f} MB")
    assert len(sizes) == 2
    assert sum(sizes) < MOST_BYTES


def test_only_the_program_is_inside(image: str) -> None:
    assert inside(image, "find", PROGRAM, "-maxdepth", "1", "-type", "f").split() == [f"{PROGRAM}/main.py"]
    unwanted = ("*_tests", "sandbox", "benchmarks", "docs", "secrets", ".env", ".git", "pip", "pytest")
    names = [word for name in unwanted for word in ("-o", "-name", name)][1:]
    # Five levels reach the installed packages, but not the modules inside them.
    assert inside(image, "find", PROGRAM, "-maxdepth", "5", "(", *names, ")").split() == []


def test_what_is_installed_is_what_is_locked(image: str) -> None:
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {line.split(" ")[0] for line in lock if "==" in line}
    found = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
    installed = inside(image, "python", "-c", found).lower().replace("_", "-").split()
    assert {one for one in installed if not one.startswith("airbyte-source-")} == locked


def test_every_module_is_compiled_once(image: str) -> None:
    files = [Path(line) for line in inside(image, "find", PROGRAM, "-name", "*.py", "-o", "-name", "*.pyc").split()]
    compiled = Counter(path.parent.parent / f"{path.name.split('.')[0]}.py" for path in files if path.suffix == ".pyc")
    sources = {path for path in files if path.suffix == ".py"}
    assert len(sources) > 1000
    assert compiled == Counter(sources)


def test_two_builds_are_equal_whatever_lies_beside_the_sources(image: str, tmp_path: Path) -> None:
    """Build again without make. `--build-arg=BASE` passes on the environment variable BASE if it is set."""
    context = tmp_path / "elsewhere"
    left_out = shutil.ignore_patterns(".git", ".venv*", "venv", "node_modules", "build", "dist", ".*_cache")
    shutil.copytree(ROOT, context, ignore=left_out)
    for stray in ("secrets/config.json", ".env", "source_magnific_analytics/__pycache__/stray.cpython-311.pyc"):
        (context / stray).parent.mkdir(exist_ok=True)
        (context / stray).write_text("a secret")
    again = docker("build", "--quiet", "--no-cache", "--network=host", "--build-arg=BASE", context).strip()
    try:
        assert inspect(again)["RootFS"] == inspect(image)["RootFS"]
    finally:
        docker("image", "rm", again)


def test_spec_through_the_command_that_the_platform_runs(image: str) -> None:
    [spec] = Run(0, inside(image, "sh", "-c", 'eval "$AIRBYTE_ENTRYPOINT spec"').encode()).of("SPEC")
    assert {"api_key", "start_date"} <= set(spec["connectionSpecification"]["properties"])
    assert Run(0, docker("run", "--rm", *HARDENED, image, "spec").encode()).of("SPEC") == [spec]


def test_a_million_rows_fit_into_256_mib(image: str, tmp_path: Path, make_sandbox: Callable[..., Sandbox]) -> None:
    """Read one large response after another. If the process used more than 256 MiB, the kernel would kill it."""
    sandbox = make_sandbox("--people=2000", "--today=2026-06-30")
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    (tmp_path / "catalog.json").write_text(json.dumps(USAGE_ALONE))
    days = {"start_date": "2025-07-01", "end_date": "2026-06-30"}
    config = {"api_key": sandbox.api_key, "base_url": sandbox.base_url, **days}
    (tmp_path / "config.json").write_text(json.dumps(config))
    run = ("run", "--rm", "--network=host", *HARDENED, f"--volume={tmp_path}:/data:ro", image)
    config_file = ("--config", "/data/config.json")
    assert Run(0, docker(*run, "check", *config_file).encode()).connection[0] == "SUCCEEDED"
    read = (DOCKER, *run, "read", *config_file, "--catalog", "/data/catalog.json")
    with subprocess.Popen(read, stdout=subprocess.PIPE) as process:
        assert process.stdout
        found = sum(b'"stream":"credit_usage","data"' in line for line in process.stdout)
    assert process.returncode == 0
    assert found >= 1_000_000
    with subprocess.Popen(read, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        # Docker forwards the signal to the connector, the container's first process.
        process.terminate()
        process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
