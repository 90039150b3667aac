"""Airbyte's standard tests by the command `airbyte-cdk`, with catalog warnings as errors."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
WARNING = "error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning"
# What the standard tests read. The command goes by the name of the directory, and leaves files in it: hence a copy.
NEEDED = (
    "acceptance-test-config.yml",
    "conftest.py",
    "metadata.yaml",
    "pyproject.toml",
    "sandbox",
    "source_magnific_analytics",
)


def test_the_command_airbyte_cdk_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    project = tmp_path / "source-magnific-analytics"
    project.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, project / name)
    command = Path(sys.executable).parent / "airbyte-cdk"
    done = subprocess.run(
        [command, "connector", "test", f"--pytest-arg=-W{WARNING}"], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " failed" not in done.stdout
    assert " passed" in done.stdout
