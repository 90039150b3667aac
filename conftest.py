"""For all tests, and for `airbyte-cdk connector test`: Airbyte's standard tests read their configurations from here."""

import gc
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pendulum
import pytest
from hypothesis import HealthCheck, settings

from sandbox import DEFAULT_KEY, Options, running

# Shared machines are slow now and then, which says nothing about the connector.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

pytest_plugins = ["airbyte_cdk.test.standard_tests.pytest_hooks"]

# What several files share: a synced database, dbt, PyAirbyte's libraries, a browser.
_SHARED = {
    "duckdb": r".*[\[-]duckdb[]-]",
    "postgres": r".*[\[-]postgres[]-]",
    "dbt": r"test_models\w*\.py",
    "chromium": r"test_report\w*\.py",
}

# The paths that acceptance-test-config.yml names.
CONFIGS = Path(__file__).parent / ".tmp" / "sandbox"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Side by side, one worker runs all of a file, or all of several files that share what takes seconds to start.

    Of a test on a database, its name in brackets says so. (Xdist's own mark, `xdist_group`, does nothing under pytest
    9.2.) Unit tests share nothing that takes time.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByWhatIsShared(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith("unit_tests/"):
                return nodeid
            for shared, tests in _SHARED.items():
                if re.search(rf"integration_tests/{tests}", nodeid):
                    return shared
            return nodeid.partition("::")[0]

    return ByWhatIsShared(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the CDK's tests of an image: they cannot reach the sandbox from inside one. test_image.py has ours.

    Side by side, the long ones begin first: integration tests, and of the others those of many examples.
    """
    of_image = [item for item in items if item.get_closest_marker("image_tests")]
    config.hook.pytest_deselected(items=of_image)
    items[:] = [item for item in items if item not in of_image]
    if hasattr(config, "workerinput"):
        items.sort(
            key=lambda item: (
                item.path.parent.name != "integration_tests",
                not getattr(getattr(item, "obj", None), "is_hypothesis_test", False),
            )
        )


def pytest_collection_finish() -> None:
    """What is imported is never garbage: no test spends its time on a search among it, nor on many of the others."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Say why tests were skipped; with CI=true that fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    for reason, count in Counter(report.longrepr[2] for report in skipped).items():
        reporter.write_line(f"\n{reason} ({count} tests)", yellow=True)
    if skipped and os.environ.get("CI") == "true":
        reporter.write_line("With CI=true a skipped test fails the run.", red=True)
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def standard_configs() -> Iterator[None]:
    """A sandbox, and the configurations of the standard tests that lead to it, while the session runs."""
    with running(Options(per_minute=0, per_day=0)) as base_url:
        start = str(pendulum.now("UTC").date().subtract(days=29))
        config = {"api_key": DEFAULT_KEY, "start_date": start, "base_url": base_url}
        CONFIGS.mkdir(parents=True, exist_ok=True)
        (CONFIGS / "config.json").write_text(json.dumps(config))
        (CONFIGS / "filtered.json").write_text(json.dumps(config | {"granularity": "week", "group_ids": [11]}))
        yield


@pytest.fixture(scope="class", autouse=True)
def surroundings_of_standard_tests(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Their configurations, and a temporary folder: the one they share by name belongs to the user who came first."""
    with pytest.MonkeyPatch.context() as patch:
        if hasattr(request.cls, "get_scenarios"):
            request.getfixturevalue("standard_configs")
            patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("standard")))
        yield
