"""Run Airbyte's standard tests with the `airbyte-cdk` command. Warnings about the catalog count as errors."""

import shutil
import sys
from pathlib import Path

from sandbox_process import ROOT
from venvs import run

WARNING = "error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning"
# The standard tests write files and need a folder named after the connector, so they run on a copy of these paths.
FILES = ("acceptance-test-config.yml", "conftest.py", "metadata.yaml", "pyproject.toml")
FOLDERS = ("sandbox", "source_magnific_analytics")


def test_the_command_airbyte_cdk_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    project = tmp_path / "source-magnific-analytics"
    project.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, project)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = Path(sys.executable).parent / "airbyte-cdk"
    printed = run([command, "connector", "test", f"--pytest-arg=-W{WARNING}"], cwd=project)
    assert " failed" not in printed
    assert " passed" in printed
