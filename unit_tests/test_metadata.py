"""Check metadata.yaml and the files that must agree with it."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import yaml
from airbyte_connector_models.metadata.v0.connector_metadata_definition_v0 import ConnectorMetadataDefinitionV0

from source_magnific_analytics import SourceMagnificAnalytics
from source_magnific_analytics.policy import POLICY

ROOT = Path(__file__).parent.parent
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "metadata.yaml").read_text())
METADATA: dict[str, Any] = DOCUMENT["data"]
SPEC: dict[str, Any] = json.loads((ROOT / "source_magnific_analytics" / "spec.json").read_text())
NAME = "source-magnific-analytics"


def found(pattern: str, *path: str) -> str:
    """Return what the first group of `pattern` matches in one of the project's files."""
    match = re.search(pattern, ROOT.joinpath(*path).read_text(), re.MULTILINE)
    assert match is not None, f"nothing in {'/'.join(path)} matches {pattern}"
    return match[1]


VERSION = METADATA["dockerImageTag"]
PROPERTIES = SPEC["connectionSpecification"]["properties"]


def test_the_metadata_satisfy_airbytes_schema() -> None:
    metadata = ConnectorMetadataDefinitionV0.model_validate(DOCUMENT)
    assert metadata.data.definition_id == UUID(METADATA["definitionId"])


def test_every_file_with_the_version_or_its_date_equals_the_metadata() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION), "not a semantic version"
    assert found(r"^## \[(\d[^\]]*)\]", "CHANGELOG.md") == VERSION
    assert found(r"^The newest version is (\S+);", "docs", "magnific-analytics.md") == VERSION
    assert found(r"^## \[0\.1\.0\] - (\S+)$", "CHANGELOG.md") == str(METADATA["releaseDate"])


def test_the_image_stands_on_the_base_that_the_metadata_name() -> None:
    base = METADATA["connectorBuildOptions"]["baseImage"]
    assert found(r"^FROM (.+) AS airbyte$", "Dockerfile") == base
    assert re.fullmatch(r"docker\.io/airbyte/python-connector-base:\d+\.\d+\.\d+@sha256:[0-9a-f]{64}", base)


def test_names_and_licence_agree() -> None:
    assert (METADATA["dockerRepository"], METADATA["githubIssueLabel"]) == (f"airbyte/{NAME}", NAME)
    assert METADATA["remoteRegistries"]["pypi"]["packageName"] == found(r'name="([^"]+)"', "setup.py")
    assert METADATA["license"] == found(r'license="([^"]+)"', "setup.py")
    assert found(r"^(.+) License$", "LICENSE") == METADATA["license"]
    assert SPEC["connectionSpecification"]["title"] == METADATA["name"]


def test_documentation_links_agree_and_are_https() -> None:
    repository = found(r'REPOSITORY = "([^"]+)"', "setup.py")
    assert found(r'image.source="([^"]+)"', "Dockerfile") == repository
    page = f"{repository}/blob/main/docs/magnific-analytics.md"
    assert {SPEC["documentationUrl"], METADATA["documentationUrl"]} == {page}
    assert found(r'image.documentation="([^"]+)"', "Dockerfile") == page
    assert found(r'documentation_url = "([^"]+)"', "docs", "deploy.md") == page


def test_the_one_allowed_host_is_the_one_that_is_asked() -> None:
    assert METADATA["allowedHosts"]["hosts"] == [urlsplit(PROPERTIES["base_url"]["default"]).hostname]


def test_suggested_streams_exist() -> None:
    streams = {one.name for one in SourceMagnificAnalytics().streams({"api_key": "x", "start_date": "2026-01-01"})}
    assert set(METADATA["suggestedStreams"]["streams"]) < streams


def test_the_longest_silence_is_shorter_than_the_platform_allows() -> None:
    assert POLICY.longest_silence < METADATA["maxSecondsBetweenMessages"]


def test_the_connectors_page_explains_every_setting_and_its_default() -> None:
    for setting in PROPERTIES.values():
        if not setting.get("airbyte_hidden"):
            default = found(rf"^\| {re.escape(setting['title'])} \| (.*?) ?\|", "docs", "magnific-analytics.md")
            assert "default" not in setting or default == f"`{setting['default']}`"
