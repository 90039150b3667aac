"""Error messages for the user, which say what happened, why, and what to do next."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import msgspec
import pendulum
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils import AirbyteTracedException
from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets
from pendulum import Date, DateTime

from source_magnific_analytics.decoding import UNREADABLE
from source_magnific_analytics.policy import REQUESTS_A_DAY, Policy

_RANGE_ADVICE = {
    "business": "If Magnific no longer has usage this old, set a later start_date.",
    "enterprise": "If the team is on the Business plan, set plan to business, whose longest range is 180 days.",
}
# What an error says about the next sync if nothing more specific is known.
NEXT_SYNC = "The next sync continues where this one stopped."
NO_CONNECTION = "Check this machine's network, proxy and firewall."
OUTAGE = "If this continues, check for an outage at Magnific or a proxy that interferes."
CHANGED_API = "If this continues, Magnific's API has probably changed: look for a newer version of this connector."
# Matches messages about a future date, but not about a future release.
_FUTURE_DATE = re.compile(r"(\b|_)(date|day)s?\b.*\bin the future\b|\bfuture (date|day)", re.IGNORECASE)


def error(kind: FailureType, message: str) -> AirbyteTracedException:
    """Return an error that ends a stream or a command. The user sees only `message`."""
    return AirbyteTracedException(message=message, internal_message=message, failure_type=kind)


# The user can fix a config error, usually in the source's settings. A transient error goes away by itself, so the
# platform tries again later. All other errors are system errors.
config_error = partial(error, FailureType.config_error)
transient_error = partial(error, FailureType.transient_error)
system_error = partial(error, FailureType.system_error)


class AheadOfServerError(AirbyteTracedException):
    """The request includes days after `server_day`, which is still the current day at Magnific."""

    def __init__(self, said: str, server_day: Date | None) -> None:
        where = f", which still shows {server_day}" if server_day else ""
        text = f"This machine's clock is ahead of Magnific's{where} ({said}). Set the clock. {NEXT_SYNC}"
        super().__init__(message=text, internal_message=text, failure_type=FailureType.config_error)
        self.server_day = server_day


def gave_up(what: str, tries: int, about_next_sync: str, advice: str) -> AirbyteTracedException:
    count = "one try" if tries == 1 else f"{tries} tries in a row"
    return transient_error(f"Could not read from Magnific ({what}) after {count}. {about_next_sync} {advice}")


def too_large(what: str, *, of_usage: bool) -> AirbyteTracedException:
    """Return the error for `what`, a response that is too large. Lists and single days cannot be requested in parts."""
    advice = "This connector does not support lists that long. Please report this to the maintainers."
    if of_usage:
        advice = "If one day of usage is that large, create a source for each of the team's groups (group_ids)."
    return system_error(
        f"Magnific sent {what}, which is too large for this connector, and the request cannot be made smaller. Check "
        f"any proxy between this machine and Magnific. {advice}"
    )


def too_large_period(granularity: str, policy: Policy) -> AirbyteTracedException:
    return config_error(
        f"One {granularity} of this team's usage is more than this connector can add up at once "
        f"({policy.largest_body // 2**20} MiB or {policy.most_rows_in_parts:,} rows). Choose a smaller granularity in "
        "the source's settings."
    )


def too_many_parts(granularity: str, days: int, most: int) -> AirbyteTracedException:
    return config_error(
        f"Magnific now returns at most {days} days per request, so one {granularity} of usage takes more than {most} "
        f"of the day's {REQUESTS_A_DAY} API requests. Choose a smaller granularity in the source's settings."
    )


def day_used_up(about_next_sync: str, again_at: datetime | None) -> AirbyteTracedException:
    """Return the error for a used-up daily quota. `again_at`, if known, is when Magnific accepts requests again."""
    reset = "Magnific does not say when it will accept requests again; midnight UTC is likely."
    if again_at is not None:
        reset = f"Magnific will accept requests again at {again_at:%Y-%m-%d %H:%M} UTC."
    return transient_error(
        f"This Magnific team has used up its {REQUESTS_A_DAY} API requests for the day (HTTP 429). {about_next_sync} "
        f"{reset}"
    )


def still_refused(tries: int, about_next_sync: str) -> AirbyteTracedException:
    return transient_error(
        f"Magnific refused a request {tries} times in a row (HTTP 429), although the connector waited as "
        f"asked. {about_next_sync} Check whether another program uses the team's API keys at the same time."
    )


def too_slow(what: str, about_next_sync: str) -> AirbyteTracedException:
    return transient_error(
        f"Magnific made this sync wait too long ({what}). The platform ends a sync that sends nothing for an hour. "
        f"{about_next_sync}"
    )


def final_error(status: int, words: str, plan: str, server_time: DateTime | None) -> AirbyteTracedException:
    """Return the error for a status from 300 to 499 that a retry would not change; `words` is the API's message."""
    said = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    server_day = server_time and server_time.date()
    is_clock = _FUTURE_DATE.search(words) and (server_day is None or server_day < pendulum.now("UTC").date())
    match status:
        case 400 if is_clock:
            return AheadOfServerError(said, server_day)
        case 400:
            advice = "Correct the setting that the error names."
            if re.search(r"(\b|_)(dates?|ranges?|days?)\b", words, re.IGNORECASE):
                advice = _RANGE_ADVICE[plan]
            return config_error(f"Magnific does not accept the request ({said}). {advice}")
        case 401:
            return config_error(
                f"Magnific refuses the API key ({said}). Create a new key (see https://docs.magnific.com/quickstart) "
                "and enter it in the source's settings."
            )
        case 403:
            return config_error(
                f"Magnific recognizes the API key but does not allow it to read analytics ({said}). Check that the "
                "team has a Business or Enterprise plan, or ask an owner or admin for a key that may read analytics."
            )
    what = "a redirect, which was not followed because that could leak the API key" if status < 400 else "an error"
    return system_error(
        f"The server at Magnific's address responded with {what} ({said}). Check any proxy and base_url "
        "(if set); if both are correct, look for a newer version of this connector."
    )


def api_words(body: bytes | bytearray) -> str:
    """Return the API's message from an error's body, on one line without email addresses, or "" if there is none."""
    try:
        document = msgspec.json.decode(body)
    except UNREADABLE:
        return ""
    problem = document.get("problem", document) if isinstance(document, dict) else None
    if not isinstance(problem, dict):
        return ""
    params = problem.get("invalid_params")
    named = [param for param in params if isinstance(param, dict)] if isinstance(params, list) else []
    texts = [problem.get("message"), *(f"{param.get('name')}: {param.get('reason')}" for param in named)]
    return one_line(" ".join(text for text in texts if isinstance(text, str)), 500)


def one_line(text: str, longest: int) -> str:
    """Return `text` on one line of at most `longest` characters, without email addresses or secrets."""
    # Mask before cutting, because half a secret would not be recognized.
    return re.sub(r"\S+@\S+", "[email]", filter_secrets(" ".join(text.split())))[:longest]


def listing(names: Sequence[str]) -> str:
    """Return the first 20 names on one line, and how many more there are."""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return one_line(", ".join(names[:20]), 2000) + more
