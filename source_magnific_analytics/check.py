"""The check of a connection: key, plan and filters, proved with as few requests as can be."""

import logging
from collections.abc import Mapping

from source_magnific_analytics.client import Client, TooMuchError
from source_magnific_analytics.config import config_error
from source_magnific_analytics.credit_usage import CreditUsage
from source_magnific_analytics.failures import one_line
from source_magnific_analytics.streams import ApiKeys, Groups, ListStream, Projects
from source_magnific_analytics.windows import DateRange, Granularity, Request

# Where the IDs of each filter are listed.
FILTER_LISTS: Mapping[str, type[ListStream]] = {
    "group_ids": Groups,
    "project_references": Projects,
    "api_key_ids": ApiKeys,
}


def check(client: Client, logger: logging.Logger) -> None:
    """Send one request for key and plan, and one for each kind of filter that is set; raises what stands in the way."""
    today, longest = client.config.today, client.config.longest_range_days
    try:
        _ask(client, DateRange(today.subtract(days=longest - 1), today))
    except TooMuchError:
        _ask(client, DateRange(today, today))
        logger.warning(
            f"Magnific could not answer {longest} days at once, so the plan's longest range could not be tried. The "
            "key works; a sync asks for fewer days at once."
        )
    for name, stream in FILTER_LISTS.items():
        if name in client.config.filters:
            _check_filter(name, stream(client))


def _ask(client: Client, days: DateRange) -> None:
    """Ask for a range by year, whose answer is small, whatever dates are in it."""
    stream = CreditUsage(client)
    call = stream.call(Request(days, Granularity.YEAR).body, resume="Try again later.", divisible=days.days > 1)
    client.ask(call, lambda response: list(stream.parse_response(response)))


def _check_filter(name: str, stream: ListStream) -> None:
    # A UUID is the same in either case; the ID of a key may not be.
    same = str.lower if name == "project_references" else str
    known = {same(str(row[stream.primary_key])): row for row in stream.rows}
    unknown = [str(item) for item in stream.config.filters[name] if same(str(item)) not in known]
    if unknown:
        shown = [f"{row[stream.primary_key]} ({row.get(stream.label)})" for row in list(known.values())[:20]]
        more = f" and {len(known) - 20} more" if len(known) > 20 else ""
        names = one_line(", ".join(shown), 2000) or "none"
        raise config_error(
            f"The team has no {one_line(', '.join(unknown), 500)} as {name} says. It has: {names}{more}."
        )
