"""Check the connector's configuration once; the result is immutable and always valid."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
import pendulum
from pendulum import Date

from source_magnific_analytics.failures import config_error
from source_magnific_analytics.windows import Granularity, parse_date

# The most days that one request may cover, both ends included, according to Magnific's Analytics overview.
LONGEST_RANGE_DAYS = {"business": 180, "enterprise": 365}
# Earlier dates are refused, because a mistyped year could use up the day's requests.
EARLIEST_START = Date(2000, 1, 1)
# Someone who can edit a source must not be able to send its API key to another host.
HOSTS = ("magnific.com", "freepik.com")


@dataclass(frozen=True)
class Config:
    """A valid configuration. Its dates are UTC days. A sync includes `end_date`, which is never after `today`."""

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


def parse(raw: Mapping[str, Any], today: Date | None = None) -> Config:
    """Check `raw` and return it as a `Config`; raise a config error about the first invalid setting."""
    given, today = normalized(raw), today or pendulum.now("UTC").date()
    start, end = given["start_date"], given.get("end_date")
    if start < EARLIEST_START:
        raise config_error(
            f"start_date {start} is too early: there was no usage before {EARLIEST_START}. Enter a later day, because "
            "every empty half-year costs one of the day's 100 API requests."
        )
    if start > today:
        raise config_error(f"start_date {start} is in the future: enter {today} (today in UTC) or an earlier day.")
    if end is not None and start > end:
        raise config_error(f"start_date {start} is after end_date {end}: enter an earlier start or a later end.")
    return Config(
        today=today,
        api_key=given["api_key"],
        start_date=start,
        end_date=min(end or today, today),
        plan=given.get("plan", "business"),
        granularity=given.get("granularity", Granularity.DAY),
        lookback_days=given.get("lookback_window_days", 7),
        filters={name: given[name] for name in ("group_ids", "project_references", "api_key_ids") if given.get(name)},
        base_url=_base_url(given.get("base_url", "https://api.magnific.com")),
    )


def normalized(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return `raw` with the right types, no nulls and no empty `end_date`; raise a config error if `raw` is invalid."""
    given = {name: value for name, value in raw.items() if value is not None and (name, value) != ("end_date", "")}
    for name in ("api_key", "start_date"):
        if name not in given:
            raise config_error(f"{name} is missing: enter {_KINDS[name][1]}.")
    for name, (kind, words) in _KINDS.items():
        if name in given:
            try:
                # Lax mode accepts 7.0 and "7" as the integer 7.
                given[name] = msgspec.convert(
                    given[name], kind, strict=False, dec_hook=lambda _, text: parse_date(text)
                )
            except msgspec.ValidationError:
                # Do not show the value, because someone might have pasted the key into the wrong field.
                raise config_error(f"{name} is not valid: enter {words}.") from None
    return given


_ApiKey = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]
_Uuid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")]
_Id = Annotated[int, msgspec.Meta(ge=1)]
_Text = Annotated[str, msgspec.Meta(min_length=1)]
# Each setting's type, and what an error tells the user to enter.
_KINDS: Mapping[str, tuple[Any, str]] = {
    "api_key": (_ApiKey, "the team's Magnific API key, exactly as Magnific shows it"),
    "start_date": (Date, "the first day of usage to sync, as YYYY-MM-DD"),
    "end_date": (Date, "the last day of usage to sync, as YYYY-MM-DD, or leave it empty"),
    "plan": (Literal["business", "enterprise"], "business or enterprise"),
    "granularity": (Granularity, "day, week, month or year"),
    "lookback_window_days": (Annotated[int, msgspec.Meta(ge=0, le=180)], "a whole number of days from 0 to 180"),
    "group_ids": (list[_Id], "a list of positive whole numbers (group_id in the stream groups)"),
    "project_references": (list[_Uuid], "a list of UUIDs (project_reference in the stream projects)"),
    "api_key_ids": (list[_Text], "a list of IDs (api_key_id in the stream api_keys)"),
    "base_url": (str, "an address, or leave it out"),
}


def _base_url(url: str) -> str:
    """Return the address without a trailing slash; raise a config error unless the key may be sent there."""
    # Allow only these characters in a host, because HTTP clients disagree about others, such as a space or a backslash.
    host = r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*|\[[0-9a-f:.]+\]"
    parts = re.fullmatch(rf"(https?)://({host})(?::([0-9]{{1,5}}))?/?", url.lower())
    magnific = parts and parts[1] == "https" and any(f".{parts[2]}".endswith(f".{known}") for known in HOSTS)
    if not parts or int(parts[3] or 0) > 65535 or not (magnific or is_loopback(parts[0])):
        raise config_error(
            f"base_url must be an https address under {' or '.join(HOSTS)} or, for tests on this machine, "
            "http://localhost:PORT, without a user name, path or query. The API key is sent to this address, so "
            "no other host is allowed. Correct the address or leave it out."
        )
    return parts[0].removesuffix("/")


def is_loopback(url: str) -> bool:
    """Return whether requests to `url` stay on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
