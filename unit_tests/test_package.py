"""Check the package that setup.py describes, and the requirements.lock from which the image is built."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
NAME = "airbyte-source-magnific-analytics (setup.py)"
# Matches a package's name, version and hashes, and the comment that lists what requires it.
ENTRY = re.compile(r"^([\w.-]+)==(\S+) \\\n((?:    --hash=\S+(?: \\)?\n)+)((?:    #.*\n)+)", re.MULTILINE)
# Matches a name and version in locks/dev.txt, which can list several versions for different versions of Python.
ENTRY_OF_MANY = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
LOCK = ENTRY.findall((ROOT / "requirements.lock").read_text())
LOCKED = {name: version for name, version, _, _ in LOCK}


@pytest.fixture()
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the package as setup.py describes it now, not as it was installed earlier."""
    monkeypatch.chdir(ROOT)
    import_module("setuptools")
    return import_module("distutils.core").run_setup("setup.py", stop_after="init")


def test_the_readme_of_the_package_leads_nowhere_relative(package: Any) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", package.metadata.long_description)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert any(target.endswith(".png") for target in targets)


def test_the_package_holds_the_connector_alone_in_the_version_that_airbyte_reads(package: Any) -> None:
    assert (package.packages, package.extras_require) == (["source_magnific_analytics"], {})
    assert package.get_version() == yaml.safe_load((ROOT / "metadata.yaml").read_text())["data"]["dockerImageTag"]


def test_the_lock_holds_a_version_that_setup_py_allows_of_each_requirement(package: Any) -> None:
    required = [Requirement(line) for line in package.install_requires]
    assert [one.name for one in required if not one.specifier.contains(LOCKED.get(one.name, "0"))] == []
    assert {name for name, _, _, why in LOCK if NAME in why} == {one.name for one in required}


def test_the_image_has_the_versions_that_the_tests_run_with() -> None:
    locked = ENTRY_OF_MANY.findall((ROOT / "locks" / "dev.txt").read_text())
    assert set(LOCKED.items()) - set(locked) == set()
