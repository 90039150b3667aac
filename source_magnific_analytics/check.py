"""The check of a connection: key, plan and filters, proved with as few requests as can be."""

import logging
from collections.abc import Mapping
from typing import Any

from source_magnific_analytics.client import Client, TooMuchError
from source_magnific_analytics.config import Config, config_error
from source_magnific_analytics.credit_usage import CreditUsage
from source_magnific_analytics.failures import one_line
from source_magnific_analytics.policy import Policy
from source_magnific_analytics.streams import ApiKeys, Groups, ListStream, Projects
from source_magnific_analytics.windows import DateRange, Granularity, Request

# Where the IDs of each filter are listed, and the field that names them to a person.
FILTER_LISTS: Mapping[str, tuple[type[ListStream], str]] = {
    "group_ids": (Groups, "name"),
    "project_references": (Projects, "name"),
    "api_key_ids": (ApiKeys, "display_name"),
}


def check(config: Config, policy: Policy, logger: logging.Logger) -> None:
    """Send one request for key and plan, and one for each kind of filter that is set; raises what stands in the way."""
    client = Client(config, policy)
    try:
        _ask(config, client, DateRange(config.today.subtract(days=config.longest_range_days - 1), config.today))
    except TooMuchError:
        _ask(config, client, DateRange(config.today, config.today))
        logger.warning(
            f"Magnific could not answer {config.longest_range_days} days at once, so the plan's longest range "
            "could not be tried. The key works; a sync asks for fewer days at once."
        )
    for name, (stream, label) in FILTER_LISTS.items():
        if name in config.filters:
            _check_filter(name, config.filters[name], stream(config, client), label)


def _ask(config: Config, client: Client, days: DateRange) -> None:
    """Ask for a range by year, whose answer is small, whatever dates are in it."""
    stream = CreditUsage(config, client)
    call = stream.call(Request(days, Granularity.YEAR).body, resume="Try again later.", divisible=days.days > 1)
    client.ask(call, lambda response: list(stream.parse_response(response)))


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
