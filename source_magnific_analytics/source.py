"""The source, which checks the settings, reads the streams in order and ends the log with a summary."""

import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import date
from typing import Any, TypeVar

from airbyte_cdk.models import AirbyteMessage, AirbyteStateMessage, ConfiguredAirbyteCatalog
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import Stream
from airbyte_cdk.utils import AirbyteTracedException

from source_magnific_analytics.by_key import CreditUsageByApiKey
from source_magnific_analytics.check import check
from source_magnific_analytics.client import Client
from source_magnific_analytics.config import normalized, parse
from source_magnific_analytics.credit_usage import CreditUsage
from source_magnific_analytics.failures import config_error, one_line
from source_magnific_analytics.policy import POLICY, REQUESTS_A_DAY, Policy
from source_magnific_analytics.streams import ApiKeys, Groups, Members, Projects

T = TypeVar("T")


class SourceMagnificAnalytics(AbstractSource):
    """The source of a Magnific team's members, API keys, groups, projects and credit usage (total and by API key)."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self._policy = policy
        # This sync's usage streams, which `read` summarizes in the log. `streams` sets them whenever it is called.
        self._usage: tuple[CreditUsage, CreditUsageByApiKey]
        # With --debug, the CDK would log whole bodies, including user emails.
        logging.getLogger("airbyte.streams").setLevel(logging.INFO)
        for logger in (logging.getLogger("airbyte"), logging.getLogger(f"airbyte.{self.name}")):
            logger.addFilter(_worth_reading)

    def check_connection(self, logger: logging.Logger, config: Mapping[str, Any]) -> tuple[bool, Any]:
        """Return true or raise an error. Errors are not returned, because the CDK would show their repr."""
        check(Client(parse(config), self._policy, patient=False), logger)
        return True, None

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        """Return all streams, the small ones first, because they cannot resume if the day's requests run out."""
        client = Client(parse(config), self._policy)
        api_keys = ApiKeys(client)
        self._usage = (CreditUsage(client), CreditUsageByApiKey(client, api_keys))
        return [Members(client), api_keys, Groups(client), Projects(client), *self._usage]

    def read(
        self, logger: logging.Logger, config: Mapping[str, Any], catalog: ConfiguredAirbyteCatalog, state: Any = None
    ) -> Iterator[AirbyteMessage]:
        """Read the small streams before the usage streams. At the end, log the requests used and the days read."""
        order = {stream.name: n for n, stream in enumerate(self.streams(config))}
        saved = [message.stream.stream_descriptor for message in state or [] if message.stream]
        names = [("catalog", configured.stream.name) for configured in catalog.streams]
        names += [("state", ".".join(filter(None, (stream.namespace, stream.name)))) for stream in saved]
        for what, name in names:
            if name not in order:
                raise config_error(
                    f"The {what} names the stream {one_line(name, 80)}, which does not exist. The streams are "
                    f"{', '.join(order)}. Correct the {what}, or refresh the source's schema in Airbyte."
                )
        streams = sorted(catalog.streams, key=lambda configured: order[configured.stream.name])
        try:
            yield from super().read(logger, config, ConfiguredAirbyteCatalog(streams=streams), state)
        finally:
            for stream in self._usage:
                for line in stream.summary.lines():
                    logger.info(f"{stream.name}: {line}")
            through, spent = self._usage[0].saved_through, self._usage[0].client.quota.spent
            done = f"is saved through {through}" if through else "was not read"
            logger.info(f"This sync used {spent} of the day's {REQUESTS_A_DAY} API requests; credit_usage {done}.")

    @staticmethod
    def read_config(config_path: str) -> MutableMapping[str, Any]:
        # Check the settings before the CDK does, because its messages do not say what to enter.
        given = normalized(_read_file("configuration", config_path, AbstractSource.read_config, "correct the file"))
        return {name: str(value) if isinstance(value, date) else value for name, value in given.items()}

    @classmethod
    def read_catalog(cls, catalog_path: str) -> ConfiguredAirbyteCatalog:
        advice = "create one as docs/deploy.md shows (the output of discover is not a catalog)"
        return _read_file("catalog", catalog_path, super().read_catalog, advice)

    @classmethod
    def read_state(cls, state_path: str) -> list[AirbyteStateMessage]:
        """Return the file's state. Raise if it is unreadable, because a sync must know which rows the warehouse has."""
        advice = "pass the last STATE message of each stream as docs/deploy.md shows, or clear the tables and pass none"
        states = _read_file("state", state_path, super().read_state, advice)
        for message in states:
            if not message.stream:
                raise config_error(f"The state file {state_path} does not contain stream states: {advice}.")
            # Treat an empty namespace as none.
            message.stream.stream_descriptor.namespace = message.stream.stream_descriptor.namespace or None
        return states


def _read_file(what: str, path: str, read: Callable[[str], T], advice: str) -> T:
    """Return what `read` returns for the file; turn any failure into a config error that names the file."""
    try:
        return read(path)
    except OSError as error:
        raise config_error(f"The {what} file {path} cannot be opened: {error.strerror}.") from None
    except Exception:
        raise config_error(f"The {what} file {path} does not contain a valid JSON {what}: {advice}.") from None


def _worth_reading(record: logging.LogRecord) -> bool:
    """Return whether a log record helps the user. Our own errors need no stack trace, so remove it."""
    if record.exc_info and isinstance(record.exc_info[1], AirbyteTracedException):
        record.exc_info = None
    # Hide two messages: one calls every retry a rate limit, and the other prints the whole state.
    return not str(record.msg).startswith(("UserDefinedBackoffException:", "Setting state of "))
