"""The connector's configuration: checked once, frozen, trusted from then on."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils import AirbyteTracedException
from pendulum import Date

from source_magnific_analytics.windows import Granularity

# The longest date range of one request, in days, both ends counted (Magnific's Analytics overview).
LONGEST_RANGE_DAYS = {"business": 180, "enterprise": 365}
# A mistyped year must not cost the day's requests.
EARLIEST_START = Date(2000, 1, 1)
# Whoever may edit a source must not be able to send its key elsewhere.
HOSTS = ("magnific.com", "freepik.com")
FILTERS = ("group_ids", "project_references", "api_key_ids")


@dataclass(frozen=True)
class Config:
    """A valid configuration. Dates are days in UTC, both included; `end_date` is never after `today`."""

    today: Date
    api_key: str = field(repr=False)
    start_date: Date
    end_date: Date
    plan: str
    granularity: Granularity
    lookback_days: int
    filters: Mapping[str, list[Any]]
    base_url: str

    @property
    def longest_range_days(self) -> int:
        return LONGEST_RANGE_DAYS[self.plan]

    @property
    def is_loopback(self) -> bool:
        """Whether requests stay on this machine."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")


def config_error(message: str) -> AirbyteTracedException:
    """An error that the user mends in the source's settings; `message` is what they read."""
    return AirbyteTracedException(message=message, internal_message=message, failure_type=FailureType.config_error)


def parse(raw: Mapping[str, Any], today: Date) -> Config:
    """Check `raw`, which already satisfies spec.json, for what a JSON schema cannot say.

    Raises `AirbyteTracedException` (config error) with one plain sentence for the first mistake.
    """
    start = _date(raw, "start_date")
    if start is None:
        raise config_error("start_date is empty: enter the first day of usage to sync, as YYYY-MM-DD.")
    end = _date(raw, "end_date")
    if start < EARLIEST_START:
        raise config_error(
            f"start_date {start} is before {EARLIEST_START}, when there was no usage: enter a later day, since every "
            "empty half-year costs one of the 100 API requests a day."
        )
    if start > today:
        raise config_error(
            f"start_date {start} is in the future: today is {today} in UTC, so enter that day or an earlier one."
        )
    if end is not None and start > end:
        raise config_error(
            f"start_date {start} is after end_date {end}: enter an earlier start_date or a later end_date."
        )
    raw = {name: value for name, value in raw.items() if value is not None}
    filters = {name: list(raw[name]) for name in FILTERS if raw.get(name)}
    return Config(
        today=today,
        api_key=_api_key(raw["api_key"]),
        start_date=start,
        end_date=min(end or today, today),
        plan=raw.get("plan", "business"),
        granularity=Granularity(raw.get("granularity", "day")),
        lookback_days=raw.get("lookback_window_days", 7),
        filters=filters,
        base_url=_base_url(raw.get("base_url", "https://api.magnific.com")),
    )


def parse_date(text: str) -> Date:
    """The day that `text` names as YYYY-MM-DD; raises ValueError for any other text."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError(text)
    return Date.fromisoformat(text)


def _date(raw: Mapping[str, Any], name: str) -> Date | None:
    text = raw.get(name)
    if not text:
        return None
    try:
        return parse_date(text)
    except ValueError:
        raise config_error(f"{name} {text!r} is not a date: enter a real day as YYYY-MM-DD.") from None


def _api_key(key: str) -> str:
    if not key:
        raise config_error("api_key is empty: enter the team's Magnific API key.")
    if not re.fullmatch(r"[!-~]+", key):
        raise config_error(
            "api_key contains a space, a line break or a character outside ASCII: paste the key again, alone."
        )
    return key


def _base_url(url: str) -> str:
    """The address without a slash at its end; raises where it is none that the key may be sent to."""
    refusal = config_error(
        f"base_url must be https on a host of {' or '.join(HOSTS)} or, on this machine alone, http://localhost:PORT, "
        "without user name, path or query, since the API key is sent there: correct it or leave it out."
    )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refusal from None
    extras = parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/")
    # A host of other characters (a space, a backslash, a percent sign) is read differently by different clients.
    if extras or "@" in url or not re.fullmatch(r"[A-Za-z0-9.:-]+", host):
        raise refusal
    magnific = parts.scheme == "https" and any(host == known or host.endswith(f".{known}") for known in HOSTS)
    if not magnific and not (parts.scheme in ("http", "https") and _is_loopback(host)):
        raise refusal
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + (f":{port}" if port is not None else "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
