"""The source: wires configuration, streams and the summary of a sync."""

import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

import pendulum
from airbyte_cdk.models import AirbyteMessage, AirbyteStateMessage, ConfiguredAirbyteCatalog
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import Stream
from airbyte_cdk.utils import AirbyteTracedException

from source_magnific_analytics.by_key import CreditUsageByApiKey
from source_magnific_analytics.config import Config, checked, config_error, parse
from source_magnific_analytics.credit_usage import CreditUsage
from source_magnific_analytics.failures import one_line
from source_magnific_analytics.policy import REQUESTS_A_DAY
from source_magnific_analytics.streams import ApiKeys, Groups, ListStream, Members, Projects, new_sync
from source_magnific_analytics.usage_stream import UsageStream

T = TypeVar("T")

# Where the IDs of each filter are listed, and the field that names them to a person.
FILTER_LISTS: Mapping[str, tuple[type[ListStream], str]] = {
    "group_ids": (Groups, "name"),
    "project_references": (Projects, "name"),
    "api_key_ids": (ApiKeys, "display_name"),
}


class SourceMagnificAnalytics(AbstractSource):
    """The streams of a Magnific team: members, API keys, groups, projects, credit usage, and that by API key."""

    def __init__(self) -> None:
        self._usage: list[UsageStream] = []
        # With --debug the CDK logs whole bodies, and with them user emails.
        logging.getLogger("airbyte.streams").setLevel(logging.INFO)
        for logger in (logging.getLogger("airbyte"), logging.getLogger(f"airbyte.{self.name}")):
            logger.addFilter(_worth_reading)

    def check_connection(self, logger: logging.Logger, config: Mapping[str, Any]) -> tuple[bool, Any]:
        """Prove key, plan and filters with one request and one more for each kind of filter that is set.

        Raises what stands in the way; never returns a failure, which the CDK would print as a Python object.
        """
        parsed = _parse(config)
        sync = new_sync(parsed)
        if not CreditUsage(parsed, sync).probe():
            logger.warning(
                f"Magnific could not answer {parsed.longest_range_days} days at once, so the plan's longest range "
                "could not be tried. The key works; a sync asks for fewer days at once."
            )
        for name, (stream, label) in FILTER_LISTS.items():
            if name in parsed.filters:
                _check_filter(name, parsed.filters[name], stream(parsed, sync), label)
        return True, None

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        """The six streams, the small ones first: where the day's requests run out, credit usage can resume."""
        parsed = _parse(config)
        sync = new_sync(parsed)
        api_keys = ApiKeys(parsed, sync)
        lists = [Members(parsed, sync), api_keys, Groups(parsed, sync), Projects(parsed, sync)]
        self._usage = [CreditUsage(parsed, sync), CreditUsageByApiKey(parsed, sync, api_keys)]
        return [*lists, *self._usage]

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """Read the configured streams, the small ones first whatever order the catalog has.

        The log ends with the requests used and how far credit usage is complete.
        """
        order = {stream.name: n for n, stream in enumerate(self.streams(config))}
        streams = sorted(catalog.streams, key=lambda configured: order.get(configured.stream.name, len(order)))
        try:
            yield from super().read(logger, config, ConfiguredAirbyteCatalog(streams=streams), state)
        finally:
            for usage in self._usage:
                for line in usage.summary.lines():
                    logger.info(f"{usage.name}: {line}")
            if self._usage:
                sync = self._usage[0].sync
                through = sync.saved_through
                done = f"credit usage is complete through {through}" if through else "no credit usage read"
                logger.info(f"This sync used {sync.requests} of the day's {REQUESTS_A_DAY} API requests; {done}.")

    @staticmethod
    def read_config(config_path: str) -> MutableMapping[str, Any]:
        # Before the CDK holds it against the specification, whose words are those of a JSON schema.
        return checked(_read_file("configuration", config_path, AbstractSource.read_config))

    @classmethod
    def read_catalog(cls, catalog_path: str) -> ConfiguredAirbyteCatalog:
        return _read_file("catalog", catalog_path, super().read_catalog)

    @classmethod
    def read_state(cls, state_path: str) -> list[AirbyteStateMessage]:
        """The state in the file; none, with a warning, where it cannot be read: more is read then, never less."""
        try:
            states = _read_file("state", state_path, super().read_state)
        except AirbyteTracedException as error:
            logging.getLogger("airbyte").warning(f"{error} Credit usage is read again from start_date.")
            return []
        for message in states:
            # An empty namespace is another way to say none.
            if message.stream and not message.stream.stream_descriptor.namespace:
                message.stream.stream_descriptor.namespace = None
        return states


def _read_file(what: str, path: str, read: Callable[[str], T]) -> T:
    """What `read` makes of the file; whatever it cannot make sense of becomes one config error that names the file."""
    try:
        return read(path)
    except OSError as error:
        raise config_error(f"The {what} file {path} cannot be opened: {error.strerror}.") from None
    except Exception:
        advice = "check what wrote it"
        if what == "catalog":
            advice = "make one as docs/deploy.md shows; what discover prints is not yet one"
        raise config_error(f"The {what} file {path} does not hold a {what} as JSON: {advice}.") from None


def _parse(config: Mapping[str, Any]) -> Config:
    return parse(config, pendulum.now("UTC").date())


def _check_filter(name: str, wanted: list[Any], stream: ListStream, label: str) -> None:
    # A UUID is the same in either case; the ID of a key may not be.
    same = str.lower if name == "project_references" else str
    known = {same(str(row[stream.primary_key])): row for row in stream.rows}
    unknown = [str(item) for item in wanted if same(str(item)) not in known]
    if unknown:
        shown = [f"{row[stream.primary_key]} ({row.get(label)})" for row in list(known.values())[:20]]
        more = f" and {len(known) - 20} more" if len(known) > 20 else ""
        names = one_line(", ".join(shown), 2000) or "none"
        raise config_error(
            f"The team has no {one_line(', '.join(unknown), 500)} as {name} says. It has: {names}{more}."
        )


def _worth_reading(record: logging.LogRecord) -> bool:
    """Keep the CDK's log to what helps: no stack trace under an error that explains itself, and without two lines.

    One of them calls every retry a rate limit, the other prints the whole state.
    """
    if record.exc_info and isinstance(record.exc_info[1], AirbyteTracedException):
        record.exc_info = None
    return not str(record.msg).startswith(("UserDefinedBackoffException:", "Setting state of "))
