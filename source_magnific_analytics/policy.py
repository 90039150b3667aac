"""What each answer means, how often to try again and how long to wait, as tables."""

from dataclasses import dataclass
from enum import Enum

import requests
from urllib3.exceptions import NewConnectionError

# Magnific's rate-limit page; all analytics endpoints together. When the day begins is not documented.
REQUESTS_A_DAY = 100


class Meaning(Enum):
    """What an answer, or its absence, says about the request."""

    ANSWER = "usage or a list, if the body is what the contract promises"
    UNREACHABLE = "no connection: nothing was asked"
    FAULT = "nothing about usage: the same request may be answered next time"
    TOO_MUCH = "a range that is too long for the server: fewer days may be answered"
    ANSWER_TOO_LARGE = "an answer beyond our limits: fewer days may not be, but the same request would fail again"
    PERHAPS_TOO_MUCH = "a bad moment, or a range that is too long: the same request once more, then fewer days"
    LIMIT = "a limit of requests: wait, or end the sync"
    FINAL = "a refusal that another try would not change"


@dataclass(frozen=True)
class Policy:
    """Bounds: `longest_*`, waits and time-outs are in seconds, `largest_*` in bytes; all others are counts."""

    connect_timeout: float = 10
    # The longest time without a byte, and for one whole body, however slowly it arrives.
    read_timeout: float = 120
    body_timeout: float = 900
    # From one RECORD or STATE to the next: the platform ends a sync that sends neither for an hour.
    longest_silence: float = 3000
    # Decompressed. Both keep a decoded answer and the interpreter together below 256 MiB of memory.
    largest_body: int = 24 * 2**20
    most_objects: int = 200_000
    # Rows of a period that is read in parts: adding them up needs them decoded.
    most_rows_in_parts: int = 130_000
    # A list is kept decoded, which takes many times its bytes.
    largest_list: int = 4 * 2**20
    largest_error_body: int = 64 * 2**10
    # Seconds to wait after each fault in a row. Three waits mean four tries.
    fault_waits: tuple[float, ...] = (5, 10, 20)
    # For all requests of a sync together. Nine halvings get from 365 days to one.
    most_retries: int = 10
    # Before the second and third try after a 429 without a stated wait. A third 429 means that the day is used up.
    unstated_waits: tuple[float, ...] = (60, 120)
    # If Magnific states a longer wait, the day's requests are used up.
    longest_stated_wait: float = 900
    most_stated_waits: int = 5
    # A period that needs more requests than this is not read, to leave enough of the day's quota for everything else.
    most_parts: int = 80
    # `most_parts` for one API key: the rest of the share pays for finding a length that Magnific answers.
    most_parts_of_a_key: int = 40
    # For all API keys in a UTC day; the rest of the day's requests is for the other streams and for retries.
    share_of_keys: int = 60


POLICY = Policy()

_STATUSES = {
    requests.codes.ok: Meaning.ANSWER,
    requests.codes.request_timeout: Meaning.TOO_MUCH,
    requests.codes.request_entity_too_large: Meaning.TOO_MUCH,
    requests.codes.gateway_timeout: Meaning.TOO_MUCH,
    # 425 Too Early asks for another try; other 4xx would come again.
    425: Meaning.FAULT,
    requests.codes.too_many_requests: Meaning.LIMIT,
}


class BodyTooLargeError(requests.exceptions.RequestException):
    """A body larger than the policy allows; the text names the limit."""


# The first match counts: some are subclasses of a later one.
_EXCEPTIONS: tuple[tuple[type[Exception], Meaning, str], ...] = (
    (requests.exceptions.ConnectTimeout, Meaning.UNREACHABLE, "no connection in time"),
    (requests.exceptions.ReadTimeout, Meaning.TOO_MUCH, "no complete answer in time"),
    (requests.exceptions.SSLError, Meaning.UNREACHABLE, "no secure connection (a TLS certificate or handshake failed)"),
    (requests.exceptions.ProxyError, Meaning.UNREACHABLE, "no connection through the proxy"),
    (requests.exceptions.ChunkedEncodingError, Meaning.PERHAPS_TOO_MUCH, "an answer that broke off"),
    (requests.exceptions.ContentDecodingError, Meaning.PERHAPS_TOO_MUCH, "an answer that cannot be decompressed"),
    (requests.exceptions.ConnectionError, Meaning.PERHAPS_TOO_MUCH, "a connection that broke"),
)


def of_status(status: int) -> Meaning:
    classes = {3: Meaning.FINAL, 4: Meaning.FINAL, 5: Meaning.PERHAPS_TOO_MUCH}
    return _STATUSES.get(status) or classes.get(status // 100, Meaning.FAULT)


def of_exception(error: Exception | None) -> tuple[Meaning, str]:
    """What an exception means, and our words for it: its own can contain addresses and bytes of the answer."""
    cause = error.args[0] if error and error.args else None
    if isinstance(getattr(cause, "reason", None), NewConnectionError):
        return Meaning.UNREACHABLE, "no host of that name, or none that accepts connections"
    if isinstance(error, BodyTooLargeError):
        return Meaning.ANSWER_TOO_LARGE, f"an answer of more than {error}"
    for kind, meaning, words in _EXCEPTIONS:
        if isinstance(error, kind):
            return meaning, words
    return Meaning.FAULT, f"an error of the HTTP client ({type(error).__name__})"
