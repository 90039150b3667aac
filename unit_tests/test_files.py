"""If a file cannot be read, the command ends before any request with an error that names the file."""

from pathlib import Path

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.test import entrypoint_wrapper
from airbyte_cdk.utils import AirbyteTracedException
from builders import TODAY, Json, answer, raw_config, saved_state
from in_process import USAGE, catalog, clock
from requests_mock import Mocker

from source_magnific_analytics import SourceMagnificAnalytics
from source_magnific_analytics.config import parse

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
    assert raised.value.message and raised.value.message.startswith(f"The state file {file} does not contain ")
    assert "pass the last STATE message of each stream" in raised.value.message


@pytest.mark.parametrize(("what", "name"), [("config", "configuration"), ("catalog", "catalog"), ("state", "state")])
def test_a_file_that_is_not_there_is_named(what: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(AirbyteTracedException, match=rf"^The {name} file /.*absent cannot be opened: No such file"):
        getattr(SourceMagnificAnalytics, f"read_{what}")(str(tmp_path / "absent"))


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


def test_a_null_setting_counts_as_missing() -> None:
    names = ("end_date", "plan", "granularity", "lookback_window_days", "group_ids", "api_key_ids")
    nothing: Json = dict.fromkeys(names)
    assert parse({**raw_config(), **nothing}, TODAY) == parse(raw_config(), TODAY)
