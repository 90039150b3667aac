"""Test that if a file is unreadable, a command sends no request and fails with an error that names the file."""

import re
from pathlib import Path

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.test import entrypoint_wrapper
from airbyte_cdk.utils import AirbyteTracedException
from builders import TODAY, answer, raw_config, saved_state
from in_process import USAGE, catalog, clock
from requests_mock import Mocker

from source_magnific_analytics import SourceMagnificAnalytics

ADVICE = "pass the last STATE message of each stream as docs/deploy.md shows, or clear the tables and pass none"
OF_USAGE = '[{"type": "STREAM", "stream": {"stream_descriptor": {"name": "credit_usage"%s}, "stream_state": %s}}]'


@pytest.mark.parametrize(
    "content",
    [
        *("", "{date: today}", '"state"', "[1, 2]", '{"credit_usage": {"date": "2026-11-20"}}', '[{"type": "STREAM"}]'),
        *('[{"type": "LEGACY", "data": {}}]', '[{"type": "GLOBAL", "global": {"stream_states": []}}]'),
        *('[{"type": "OTHER", "data": {}}]', OF_USAGE[:60], OF_USAGE % ("", '"x"')),
    ],
)
def test_a_state_that_cannot_be_read_is_never_no_state(content: str, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(content)
    with pytest.raises(AirbyteTracedException) as raised:
        SourceMagnificAnalytics.read_state(str(file))
    assert raised.value.failure_type == FailureType.config_error
    assert re.fullmatch(rf"The state file {file} does not contain .*: {ADVICE}\.", raised.value.message or "")


@pytest.mark.parametrize(
    ("what", "name", "advice"),
    [
        ("config", "configuration", "correct the file"),
        ("catalog", "catalog", "create one as docs/deploy.md shows (the output of discover is not a catalog)"),
        ("state", "state", ADVICE),
    ],
)
def test_a_file_that_is_missing_or_broken_is_named(what: str, name: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("{")
    problems = {
        "missing": "cannot be opened: No such file or directory.",
        "broken": f"does not contain a valid JSON {name}: {advice}.",
    }
    for file, problem in problems.items():
        with pytest.raises(AirbyteTracedException) as raised:
            getattr(SourceMagnificAnalytics, f"read_{what}")(str(tmp_path / file))
        assert raised.value.message == f"The {name} file {tmp_path / file} {problem}"


@pytest.mark.parametrize(
    ("content", "first"),
    [
        *[(text, "2026-11-01") for text in ("[]", "{}", "null", OF_USAGE % ("", "null"), OF_USAGE % ("", "[]"))],
        # An empty namespace counts as no namespace.
        (OF_USAGE % (', "namespace": ""', str(saved_state("2026-11-20")).replace("'", '"')), "2026-11-13"),
    ],
)
def test_a_state_that_says_nothing_is_a_first_sync(content: str, first: str, tmp_path: Path, api: Mocker) -> None:
    file = tmp_path / "state.json"
    file.write_text(content)
    api.post(USAGE, json=answer())
    with clock(TODAY):
        state = SourceMagnificAnalytics.read_state(str(file))
        output = entrypoint_wrapper.read(SourceMagnificAnalytics(), raw_config(), catalog("credit_usage"), state)
    assert not output.errors
    assert api.request_history[0].json()["start_date"] == first
