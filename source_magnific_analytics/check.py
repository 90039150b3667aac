"""Check a connection's key, plan and filters with as few requests as possible."""

import logging
from collections.abc import Mapping

from source_magnific_analytics.client import Client, TooMuchError
from source_magnific_analytics.credit_usage import CreditUsage
from source_magnific_analytics.failures import config_error, listing
from source_magnific_analytics.streams import ApiKeys, Groups, ListStream, Projects
from source_magnific_analytics.windows import DateRange, Granularity, Request

# For each filter, the stream that lists its valid IDs.
LISTS: Mapping[str, type[ListStream]] = {"group_ids": Groups, "project_references": Projects, "api_key_ids": ApiKeys}


def check(client: Client, logger: logging.Logger) -> None:
    """Use one request to check the key and plan, and one more for each filter in use. Raise if a check fails."""
    # Check filters first, because the API's own error about an unknown ID does not list the valid IDs.
    for name, stream in LISTS.items():
        if name in client.config.filters:
            _check_filter(name, stream(client))
    today, longest = client.config.today, client.config.longest_range_days
    try:
        _ask_for(client, DateRange(today.subtract(days=longest - 1), today))
    except TooMuchError:
        _ask_for(client, DateRange(today, today))
        logger.warning(f"A request for {longest} days failed, so the plan was not verified. Syncs try shorter ranges.")


def _ask_for(client: Client, days: DateRange) -> None:
    """Request a range at yearly granularity, which keeps the response small. The response's dates are not checked."""
    stream = CreditUsage(client)
    body = {**stream.filters, **Request(days, Granularity.YEAR).body}
    call = stream.call_for(body, about_next_sync="Try again later.", divisible=days.length > 1)
    client.ask(call, lambda response: list(stream.parse_response(response)))


def _check_filter(name: str, stream: ListStream) -> None:
    # Project references are UUIDs, so their case does not matter; the case of API key IDs might.
    same = str.lower if name == "project_references" else str
    known = {same(str(row[stream.primary_key])): row for row in stream.rows}
    unknown = [str(item) for item in stream.config.filters[name] if same(str(item)) not in known]
    if unknown:
        has = listing([f"{row[stream.primary_key]} ({row.get(stream.label)})" for row in known.values()])
        known_ids = f"The team has: {has}." if known else "The team has none."
        raise config_error(f"{name} contains {listing(unknown)}, which the team does not have. {known_ids}")
