"""What an answer's status means, how long to wait, and when to give up: the only place that decides it.

The CDK sends the requests and sleeps; `Judge` judges every answer. It raises the error that ends a stream itself,
because the CDK's own messages would hold request and response bodies, and with them user emails.
"""

import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

import msgspec
import pendulum
import requests
import urllib3
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers import (
    BackoffStrategy,
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
)
from airbyte_cdk.utils import AirbyteTracedException
from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets
from pendulum import Date

from source_magnific_analytics.config import config_error
from source_magnific_analytics.usage import UNREADABLE, ContractError
from source_magnific_analytics.waiting import http_date, server_time, stated_wait

# Magnific's rate-limit page; all analytics endpoints together. When the day begins is not documented.
REQUESTS_A_DAY = 100
# All times are seconds. To connect, and of silence while an answer is awaited or read:
CONNECT_TIMEOUT, READ_TIMEOUT = 10, 120
# For one whole body, however slowly it drips.
LONGEST_BODY = 900
# Before the second, third and fourth try of a request that met a fault.
FAULT_WAITS = (5, 10, 20)
MOST_RETRIES_A_SYNC = 10
# Before the second and third try after a 429 that states no wait. One more such 429 is the day's limit.
UNSTATED_WAITS = (60, 120)
# A longer stated wait is the day's limit: platforms end a sync that is silent for an hour or more.
LONGEST_STATED_WAIT = 900
MOST_STATED_WAITS = 5

_UNTOLD = Date(9999, 12, 31)
_LONGEST_ERROR_BODY = 64 * 1024
# 408 Request Timeout and 425 Too Early ask for another try; other 4xx would be answered the same way again.
_WORTH_ANOTHER_TRY = {408, 425}
_FAULT_WORDS: Mapping[type[Exception], str] = {
    requests.exceptions.ConnectTimeout: f"no connection within {CONNECT_TIMEOUT} seconds",
    requests.exceptions.ReadTimeout: f"no complete answer in time, or silence for {READ_TIMEOUT} seconds",
    requests.exceptions.SSLError: "no secure connection (a TLS certificate or handshake failed)",
    requests.exceptions.ProxyError: "no connection through the proxy",
    requests.exceptions.ChunkedEncodingError: "an answer that broke off",
    requests.exceptions.ContentDecodingError: "an answer that cannot be decompressed",
    requests.exceptions.ConnectionError: "no connection, or one that broke",
}


@dataclass
class Sync:
    """What the streams of one sync share: requests are scarce, and the day's limit ends all of them."""

    requests: int = 0
    retries: int = 0
    saved_through: Date | None = None
    closed: AirbyteTracedException | None = None

    @property
    def progress(self) -> str:
        if self.saved_through is None:
            return "The next sync goes on where the last one stopped."
        return f"Credit usage is saved through {self.saved_through}, and the next sync goes on from there."


@dataclass(frozen=True)
class Fault:
    """An answer that says nothing about usage and may be better next time; `wait` is what it asked for."""

    what: str
    wait: float | None = None


class Judge(ErrorHandler, BackoffStrategy):
    """Judges the answers to one stream's requests.

    `begin` starts a request and says how its body is understood; `understood` is the result, and `day` the UTC day on
    which the server gave it. The CDK calls `interpret_response` after each try and, where that one asks for another,
    `backoff_time` for the seconds before it.
    """

    # The bounds that count are the ones above; the CDK's must never be the first to end a request.
    max_retries = 1_000
    max_time = 7 * 24 * 3600

    def __init__(self, sync: Sync, plan: str, logger: logging.Logger) -> None:
        self._sync = sync
        self._plan = plan
        self._logger = logger

    def begin(self, decode: Callable[[bytearray], Any]) -> None:
        """Start a request. `decode` raises `ContractError` for a body that is not the contract's.

        Raises the error that closed the sync, if one did: then no request may be sent.
        """
        if self._sync.closed is not None:
            raise self._sync.closed
        self._decode = decode
        self._faults = 0
        self._refusals = 0
        self._wait = 0.0
        self.understood: Any = None
        self.day = _UNTOLD

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        """Success, another try, or the raised `AirbyteTracedException` that ends the stream."""
        self._sync.requests += 1
        try:
            fault = self._judge(response)
        except requests.exceptions.RequestException as error:
            fault = Fault(fault_words(error))
        if fault is None:
            return ErrorResolution(ResponseAction.SUCCESS)
        if isinstance(response, requests.Response):
            response.close()
            if response.status_code == requests.codes.too_many_requests:
                return self._wait_for_limit(response, fault)
        return self._try_again(fault)

    def backoff_time(self, response_or_exception: requests.Response | Exception | None, attempt_count: int) -> float:
        """Seconds to wait; the CDK adds one second and takes 0 for "unknown"."""
        return max(self._wait - 1, 0.01)

    def _judge(self, response: requests.Response | Exception | None) -> Fault | None:
        if not isinstance(response, requests.Response):
            return Fault(fault_words(response))
        status = response.status_code
        if status == requests.codes.ok:
            try:
                self.understood = self._decode(read_body(response))
            except ContractError as error:
                return Fault(f"an answer that is not what the API promises: {error}")
            moment = http_date(response.headers.get("Date", ""))
            self.day = _UNTOLD if moment is None else pendulum.instance(moment).in_timezone("UTC").date()
            return None
        wait = stated_wait(response.headers, server_time(response.headers))
        if status == requests.codes.too_many_requests or status in _WORTH_ANOTHER_TRY:
            return Fault(f"HTTP {status}", wait)
        if 300 <= status < 500:
            final = final_error(status, api_words(read_body(response, _LONGEST_ERROR_BODY)), self._plan)
            if status == requests.codes.unauthorized:
                self._sync.closed = final
            raise final
        return Fault(f"HTTP {status}", wait)

    def _try_again(self, fault: Fault) -> ErrorResolution:
        if self._faults == len(FAULT_WAITS) or self._sync.retries == MOST_RETRIES_A_SYNC:
            tries = "once" if self._faults == 0 else f"{self._faults + 1} times in a row"
            raise transient_error(
                f"Magnific could not be read ({fault.what}), tried {tries}. {self._sync.progress} "
                "If this goes on, see whether Magnific has an outage or a proxy stands in between."
            )
        self._wait = FAULT_WAITS[self._faults]
        if fault.wait is not None and fault.wait <= LONGEST_STATED_WAIT:
            self._wait = max(self._wait, fault.wait)
        self._faults += 1
        self._sync.retries += 1
        self._logger.warning(
            f"Magnific could not be read ({fault.what}); trying again in {self._wait:.0f} seconds "
            f"(try {self._faults + 1} of {len(FAULT_WAITS) + 1})."
        )
        return ErrorResolution(ResponseAction.RETRY, FailureType.transient_error, fault.what)

    def _wait_for_limit(self, response: requests.Response, fault: Fault) -> ErrorResolution:
        waits = UNSTATED_WAITS if fault.wait is None else (fault.wait,) * MOST_STATED_WAITS
        if self._refusals >= len(waits) or waits[self._refusals] > LONGEST_STATED_WAIT:
            self._sync.closed = self._limit_error(response, fault.wait)
            raise self._sync.closed
        self._wait = waits[self._refusals]
        self._refusals += 1
        self._logger.info(f"Magnific's limit of requests is reached; waiting {self._wait:.0f} seconds.")
        return ErrorResolution(ResponseAction.RATE_LIMITED, FailureType.transient_error, fault.what)

    def _limit_error(self, response: requests.Response, wait: float | None) -> AirbyteTracedException:
        reset = "Magnific does not say when it accepts requests again; midnight UTC is likely."
        if wait is not None:
            moment = server_time(response.headers) + timedelta(seconds=wait)
            reset = f"Magnific accepts requests again at {moment:%Y-%m-%d %H:%M} UTC."
        return transient_error(
            f"The day's {REQUESTS_A_DAY} API requests of this Magnific team are used up (HTTP 429). "
            f"{self._sync.progress} {reset}"
        )


def transient_error(message: str) -> AirbyteTracedException:
    """An error that goes away by itself; the platform tries the sync again later."""
    return AirbyteTracedException(message=message, internal_message=message, failure_type=FailureType.transient_error)


def final_error(status: int, words: str, plan: str) -> AirbyteTracedException:
    """The error for a status from 300 to 499 that another try would not change; `words` are the API's own."""
    said = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    match status:
        case 400:
            return config_error(f"Magnific does not accept the request ({said}). {_range_hint(words, plan)}")
        case 401:
            return config_error(
                f"Magnific refuses the API key ({said}). Create a new key as https://docs.magnific.com/quickstart "
                "describes and enter it in the source's settings."
            )
        case 403:
            return config_error(
                f"Magnific knows the API key but does not let it read analytics ({said}). Analytics need a Business or "
                "Enterprise plan; ask an owner or admin of the team for a key that may read them."
            )
    what = "a redirect, which is refused because the API key would travel along" if status < 400 else "an error"
    message = (
        f"Magnific's address answered with {what} ({said}). Check base_url and any proxy in between; "
        "if both are right, look for a newer version of this connector."
    )
    return AirbyteTracedException(message=message, internal_message=message, failure_type=FailureType.system_error)


def _range_hint(words: str, plan: str) -> str:
    if not re.search(r"date|range|days", words, re.IGNORECASE):
        return "Correct the setting it names."
    if plan == "enterprise":
        return "If the team is on the Business plan, set plan to business: its longest range is 180 days."
    return "If Magnific no longer offers days this old, set a later start_date."


def fault_words(error: Exception | None) -> str:
    """What happened, without the error's own text: that can hold addresses and bytes of the answer."""
    for kind, words in _FAULT_WORDS.items():
        if isinstance(error, kind):
            return words
    return f"an error of the HTTP client ({type(error).__name__})"


def read_body(response: requests.Response, longest: float = math.inf) -> bytearray:
    """The decompressed body, cut off at about `longest` bytes; raises `RequestException` if it breaks off by itself."""
    body = bytearray()
    deadline = monotonic() + LONGEST_BODY
    try:
        # read1 returns what has arrived; read would hold a dripping body back and with it the deadline.
        while len(body) < longest and (chunk := response.raw.read1(256 * 1024, decode_content=True)):
            body += chunk
            if monotonic() > deadline:
                raise requests.exceptions.ReadTimeout
    except urllib3.exceptions.ReadTimeoutError:
        raise requests.exceptions.ReadTimeout from None
    except urllib3.exceptions.DecodeError:
        raise requests.exceptions.ContentDecodingError from None
    except urllib3.exceptions.HTTPError:
        raise requests.exceptions.ChunkedEncodingError from None
    return body


def api_words(body: bytes | bytearray) -> str:
    """The API's own words from an error's body, or nothing; on one line, without email addresses.

    >>> api_words(b'{"problem": {"message": "Not valid.", "invalid_params": [{"name": "page", "reason": "is 0"}]}}')
    'Not valid. page: is 0'
    """
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
    line = " ".join(" ".join(text.split()) for text in texts if isinstance(text, str))
    # Masked before it is cut: half a key would no longer be recognised.
    return re.sub(r"\S+@\S+", "[email]", filter_secrets(line))[:500]
