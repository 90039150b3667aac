"""Settings for all tests, and configurations for Airbyte's standard tests (pytest and `airbyte-cdk connector test`)."""

import gc
import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pendulum
import pytest
from hypothesis import HealthCheck, settings

from sandbox import DEFAULT_KEY, Options, running

# Shared machines are sometimes slow, so a slow hypothesis example is not an error.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

pytest_plugins = ["airbyte_cdk.test.standard_tests.pytest_hooks"]

# Slow resources that several test files share: a synced database (with PyAirbyte's libraries), dbt, and a browser.
_SHARED = {
    "duckdb": r".*[\[-]duckdb[]-]",
    "postgres": r".*[\[-]postgres[]-]",
    "dbt": r"test_models\w*\.py",
    "chromium": r"test_report\w*\.py",
}

# acceptance-test-config.yml names this folder.
CONFIGS = Path(__file__).parent / ".tmp" / "sandbox"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each file's integration tests on one worker. Files that share a slow resource go to the same worker.

    The parameter in a test's name says which database the test uses. (Xdist's own mark, `xdist_group`, has no effect
    under pytest 9.2.) Unit tests share no slow resource, so any worker can run any of them.
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
    """Leave out the CDK's image tests, which cannot reach the sandbox from a container; test_image.py replaces them.

    With several workers, long tests start first: integration tests, then unit tests with hypothesis.
    """
    of_image = [item for item in items if item.get_closest_marker("image_tests")]
    config.hook.pytest_deselected(items=of_image)
    items[:] = [item for item in items if item not in of_image]
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not getattr(getattr(item, "obj", None), "is_hypothesis_test", False))
        items.sort(key=lambda item: item.path.parent.name != "integration_tests")


def pytest_collection_finish() -> None:
    """Save time: exclude the imported modules from garbage collection, and collect garbage less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Print why tests were skipped. With CI=true, a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    for reason, count in Counter(report.longrepr[2] for report in skipped).items():
        reporter.write_line(f"\n{reason} ({count} tests)", yellow=True)
    if skipped and os.environ.get("CI") == "true":
        reporter.write_line("With CI=true, a skipped test fails the run.", red=True)
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Instead of sleeping, record the seconds and move the clock forward. Ignore the CDK's zero-second sleeps."""
    slept: list[float] = []
    begun = time.monotonic()
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds) if seconds else None)
    monkeypatch.setattr(time, "monotonic", lambda: begun + sum(slept))
    return slept


@pytest.fixture(scope="session")
def standard_configs() -> Iterator[None]:
    """Run a sandbox for the session, and write configurations that make the standard tests use it."""
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
    """Set up the standard tests' configurations and temporary folder. Several users cannot share the default folder."""
    with pytest.MonkeyPatch.context() as patch:
        if hasattr(request.cls, "get_scenarios"):
            request.getfixturevalue("standard_configs")
            patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("standard")))
        yield
