"""Tables that say what each response means, how many times to retry and how long to wait."""

from dataclasses import dataclass
from enum import Enum

import requests
from urllib3.exceptions import NewConnectionError

# Magnific's limit for all analytics endpoints together. Magnific's rate-limit page does not say when the day begins.
REQUESTS_A_DAY = 100


class Meaning(Enum):
    """What a response, or the lack of one, says about the request."""

    ANSWER = "usage or a list, if the body matches the contract"
    UNREACHABLE = "no connection, so no request was sent"
    FAULT = "a temporary fault that does not depend on the requested range: the same request might succeed next time"
    TOO_MUCH = "a range that is too long for the server: a request for fewer days might succeed"
    ANSWER_TOO_LARGE = "a response over our limits: fewer days might fit, but the same request would fail again"
    PERHAPS_TOO_MUCH = "a temporary problem or too long a range: repeat the request at most once, then halve the range"
    LIMIT = "a request limit: wait or end the sync"
    FINAL = "a refusal that a retry would not change"


@dataclass(frozen=True)
class Policy:
    """The limits. `longest_*`, waits and timeouts are in seconds; `largest_*` are in bytes; all others are counts."""

    connect_timeout: float = 10
    # The longest wait for the next byte, and the longest time for a whole body, however slowly it arrives.
    read_timeout: float = 120
    body_timeout: float = 900
    # The longest time between RECORD or STATE messages. The platform ends a sync that sends neither for an hour.
    longest_silence: float = 3000
    # These two apply after decompression. They keep the process below 256 MiB, even with a decoded response in memory.
    largest_body: int = 24 * 2**20
    most_objects: int = 200_000
    # The most rows that a period read in parts may have. Adding rows up means decoding them, which takes much memory.
    most_rows_in_parts: int = 130_000
    # Smaller than `largest_body`, because a list is kept in decoded form, which takes many times the body's memory.
    largest_list: int = 4 * 2**20
    largest_error_body: int = 64 * 2**10
    # The wait after the first fault, after the second in a row, and so on. Three waits mean four tries.
    fault_waits: tuple[float, ...] = (5, 10, 20)
    # The limit for a whole sync. Nine retries are enough to halve a range of 365 days down to one day.
    most_retries: int = 10
    # The waits before the second and third try if a 429 states no wait. A third 429 means that the quota is used up.
    unstated_waits: tuple[float, ...] = (60, 120)
    # A 429 that states a longer wait than this means that the day's quota is used up.
    longest_stated_wait: float = 900
    most_stated_waits: int = 5
    # A period that needs more requests than this is not read, so that the day's quota also lasts for other requests.
    most_parts: int = 80
    # Like `most_parts`, but for one API key. Below `share_of_keys`, as finding a short enough range takes requests too.
    most_parts_of_a_key: int = 40
    # The most requests for all API keys together in a UTC day. The rest of the quota is for other streams and retries.
    share_of_keys: int = 60


POLICY = Policy()

_STATUSES = {
    requests.codes.ok: Meaning.ANSWER,
    requests.codes.request_timeout: Meaning.TOO_MUCH,
    requests.codes.request_entity_too_large: Meaning.TOO_MUCH,
    requests.codes.gateway_timeout: Meaning.TOO_MUCH,
    # 425 Too Early asks for a retry. A retry after any 4xx status that is not listed here would fail again.
    425: Meaning.FAULT,
    requests.codes.too_many_requests: Meaning.LIMIT,
}


class BodyTooLargeError(requests.exceptions.RequestException):
    """A body is larger than the policy allows; the message states the limit."""


# The order matters: the first match counts, and some of these are subclasses of later ones.
_EXCEPTIONS: tuple[tuple[type[Exception], Meaning, str], ...] = (
    (requests.exceptions.ConnectTimeout, Meaning.UNREACHABLE, "no connection in time"),
    (requests.exceptions.ReadTimeout, Meaning.TOO_MUCH, "no complete response in time"),
    (requests.exceptions.SSLError, Meaning.UNREACHABLE, "no secure connection (a TLS certificate or handshake error)"),
    (requests.exceptions.ProxyError, Meaning.UNREACHABLE, "no connection through the proxy"),
    (requests.exceptions.ChunkedEncodingError, Meaning.PERHAPS_TOO_MUCH, "an incomplete response"),
    (requests.exceptions.ContentDecodingError, Meaning.PERHAPS_TOO_MUCH, "a response that cannot be decompressed"),
    (requests.exceptions.ConnectionError, Meaning.PERHAPS_TOO_MUCH, "a dropped connection"),
)


def of_status(status: int) -> Meaning:
    other = Meaning.PERHAPS_TOO_MUCH if status >= 500 else Meaning.FINAL if status >= 300 else Meaning.FAULT
    return _STATUSES.get(status, other)


def of_exception(error: Exception | None) -> tuple[Meaning, str]:
    """Return an exception's meaning and our description of it; its own text could leak addresses or response bytes."""
    cause = error.args[0] if error and error.args else None
    if isinstance(getattr(cause, "reason", None), NewConnectionError):
        return Meaning.UNREACHABLE, "the host does not exist or does not accept connections"
    if isinstance(error, BodyTooLargeError):
        return Meaning.ANSWER_TOO_LARGE, f"a response of more than {error}"
    for kind, meaning, words in _EXCEPTIONS:
        if isinstance(error, kind):
            return meaning, words
    return Meaning.FAULT, f"an HTTP client error ({type(error).__name__})"
