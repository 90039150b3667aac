"""Run the connector's commands in the test process, on any simulated date, and read their output."""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import orjson
import pendulum
from airbyte_cdk.models import AirbyteMessageSerializer, ConfiguredAirbyteCatalog, SyncMode
from airbyte_cdk.test.catalog_builder import CatalogBuilder
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput, read
from airbyte_cdk.test.models.scenario import ExpectedOutcome
from airbyte_cdk.test.state_builder import StateBuilder
from builders import TODAY
from pendulum import Date

from source_magnific_analytics import SourceMagnificAnalytics

API = "https://api.magnific.com/v1/analytics/"
USAGE = API + "team-credit-usage"
LISTS = {
    "members": API + "team-members",
    "api_keys": API + "team-api-keys",
    "groups": API + "team-groups",
    "projects": API + "team-projects",
}
ALL_STREAMS = (*LISTS, "credit_usage", "credit_usage_by_api_key")
WHOLE_SENTENCES = re.compile(r'(?!.*[A-Z]{2,} [A-Z]{2,} [A-Z]{2,}).*(?:UTC|[a-z0-9)"])\.')


@contextmanager
def clock(today: Date, at: str = "12:00") -> Iterator[None]:
    """Set the clock to the UTC time `at` on `today`. Each sleep moves the clock forward."""
    start, begun = pendulum.parse(f"{today}T{at}:00Z"), time.monotonic()
    now = lambda tz=None: start.add(seconds=time.monotonic() - begun).in_timezone(tz or pendulum.local_timezone())  # noqa: E731
    with patch("pendulum.now", now):
        yield


def catalog(*streams: str, usage_mode: SyncMode = SyncMode.incremental) -> ConfiguredAirbyteCatalog:
    builder = CatalogBuilder()
    for name in streams:
        builder = builder.with_stream(name, usage_mode if name.startswith("credit_usage") else SyncMode.full_refresh)
    return builder.build()


def sync(
    config: Mapping[str, Any],
    *streams: str,
    state: Mapping[str, Any] | None = None,
    today: Date = TODAY,
    usage_mode: SyncMode = SyncMode.incremental,
    debug: bool = False,
    at: str = "12:00",
) -> EntrypointOutput:
    """Sync the `streams` (by default, only credit usage). `state` is the saved state of the last stream in the list."""
    names = streams or ("credit_usage",)
    saved = None if state is None else list(StateBuilder().with_stream_state(names[-1], dict(state)).build())
    with clock(today, at):
        return read(
            SourceMagnificAnalytics(),
            config,
            catalog(*names, usage_mode=usage_mode),
            saved,
            expected_outcome=ExpectedOutcome.ALLOW_ANY,
            debug=debug,
        )


def check(config: Mapping[str, Any], today: Date = TODAY) -> bool:
    """Return True if the check succeeds; otherwise raise the error that the user sees."""
    with clock(today):
        return SourceMagnificAnalytics().check_connection(logging.getLogger("airbyte"), config) == (True, None)


def rows(output: EntrypointOutput, stream: str = "credit_usage") -> list[dict[str, Any]]:
    """Return the records of `stream`, in order."""
    return [dict(m.record.data) for m in output.records if m.record and m.record.stream == stream]


def states(output: EntrypointOutput, stream: str = "credit_usage") -> list[dict[str, Any]]:
    """Return the saved states of `stream`, in order."""
    return [
        dict(m.state.stream.stream_state.__dict__)
        for m in output.state_messages
        if m.state and m.state.stream and m.state.stream.stream_descriptor.name == stream
    ]


def log(output: EntrypointOutput) -> str:
    return "\n".join(m.log.message for m in output.logs if m.log)


def error(output: EntrypointOutput) -> tuple[str, str]:
    """Return the first error's type and message, and check that the message consists of whole sentences."""
    trace = output.errors[0].trace
    assert trace and trace.error and trace.error.failure_type
    assert WHOLE_SENTENCES.fullmatch(trace.error.message)
    # Users also see the internal message, because the CDK repeats it in its error about the whole sync.
    assert trace.error.failure_type.value == "system_error" or trace.error.internal_message == trace.error.message
    return trace.error.failure_type.value, trace.error.message


def everything_printed(output: EntrypointOutput) -> str:
    """Return all messages except records, as the connector prints them."""
    messages = (message for message in output.get_message_iterator() if message.record is None)
    return "\n".join(orjson.dumps(AirbyteMessageSerializer.dump(message)).decode() for message in messages)
