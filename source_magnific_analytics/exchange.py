"""One request to Magnific with all its tries: each answer is judged by the policy, and the CDK sends and sleeps.

The errors that end a stream are raised here: the CDK's own messages would hold request and response bodies, and with
them user emails.
"""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

import pendulum
import requests
import urllib3
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http import HttpClient
from airbyte_cdk.sources.streams.http.error_handlers import (
    BackoffStrategy,
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
)
from airbyte_cdk.utils import AirbyteTracedException
from pendulum import Date

from source_magnific_analytics import failures
from source_magnific_analytics.decoding import ContractError
from source_magnific_analytics.policy import POLICY, BodyTooLargeError, Meaning, of_exception, of_status
from source_magnific_analytics.waiting import server_time, stated_wait


class AllowanceSpentError(Exception):
    """A stream has sent as many requests as it may; nothing is wrong."""


@dataclass
class Sync:
    """What the streams of one sync share: requests are scarce, and the day's limit ends all of them.

    `failures` counts the tries since the last answer. No request is sent once `requests` has reached `allowance`.
    """

    session: requests.Session
    plan: str
    requests: int = 0
    retries: int = 0
    # The retries that asked for fewer days, since the last answer.
    halvings: int = 0
    failures: int = 0
    allowance: int | None = None
    saved_through: Date | None = None
    # The team's credits in each period of `credit_usage` that was read, by its first day.
    totals: dict[Date, int] = field(default_factory=dict)
    closed: AirbyteTracedException | None = None

    @property
    def progress(self) -> str:
        if self.saved_through is None:
            return "The next sync goes on where the last one stopped."
        return f"Credit usage is saved through {self.saved_through}, and the next sync goes on from there."

    @property
    def tries_left(self) -> int:
        return POLICY.most_retries - self.retries

    def admit(self) -> None:
        """Raise what forbids another request, if anything does."""
        if self.closed is not None:
            raise self.closed
        if self.allowance is not None and self.requests >= self.allowance:
            raise AllowanceSpentError


@dataclass(frozen=True)
class _Fault:
    """An answer that says nothing about usage; `wait` is what it asked for, in seconds."""

    what: str
    meaning: Meaning
    wait: float | None = None
    not_the_contract: bool = False


@dataclass
class Exchange(ErrorHandler, BackoffStrategy):
    """One request. `understand` makes its result of a 200's response, or raises `ContractError`.

    A range that is too much ends in the CDK's `RequestWindowSplitRequiredException` where it is `divisible`; with
    `divide_at_once` also one that is only perhaps too much. `server_day` is the UTC day on which the server answered,
    None where it did not tell; `wait` the seconds before the next try.
    """

    sync: Sync
    logger: logging.Logger
    understand: Callable[[requests.Response], Any]
    divisible: bool = False
    divide_at_once: bool = False
    result: Any = None
    server_day: Date | None = None
    faults: int = 0
    refusals: int = 0
    wait: float = 0.0
    fault: str = ""
    # The bounds that count are the policy's; the CDK's must never be the first to end a request.
    max_retries: int = field(default=1_000, init=False)
    max_time: int = field(default=7 * 24 * 3600, init=False)

    def send(self, method: str, url: str, kwargs: Any, json: Any = None) -> Any:
        """The result, once the request was answered; raises what ends the stream."""
        self.sync.admit()
        # What was read so far must not wait for an answer that may take minutes.
        sys.stdout.flush()
        client = HttpClient(
            self.logger.name, self.logger, error_handler=self, backoff_strategy=self, session=self.sync.session
        )
        try:
            client.send_request(method, url, kwargs, json=json)
        except requests.exceptions.RequestException:
            raise
        except OSError:
            raise failures.no_authorities() from None
        # The CDK keeps its client, and with it this object, until the garbage is collected.
        result, self.result = self.result, None
        return result

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        """Success, another try, fewer days, or the raised `AirbyteTracedException` that ends the stream."""
        self.sync.requests += 1
        try:
            fault = self._judge(response) if isinstance(response, requests.Response) else _fault_of(response)
        except requests.exceptions.RequestException as error:
            fault = _fault_of(error)
        if fault is None:
            self.sync.failures = 0
            return ErrorResolution(ResponseAction.SUCCESS)
        if isinstance(response, requests.Response):
            response.close()
            if fault.meaning is Meaning.LIMIT:
                return self._wait_for_limit(response, fault)
        return self._try_again(fault)

    def backoff_time(self, response_or_exception: requests.Response | Exception | None, attempt_count: int) -> float:
        """Seconds to wait; the CDK adds one second and takes 0 for "unknown"."""
        self.sync.admit()
        return max(self.wait - 1, 0.01)

    def _judge(self, response: requests.Response) -> _Fault | None:
        status, meaning = response.status_code, of_status(response.status_code)
        now = pendulum.now("UTC")
        moment = server_time(response.headers, now)
        self.server_day = None if moment is None else pendulum.instance(moment).in_timezone("UTC").date()
        if meaning is Meaning.ANSWER:
            try:
                self.result = self.understand(response)
            except ContractError as error:
                meaning = Meaning.PERHAPS_TOO_MUCH if error.cut else Meaning.FAULT
                what = f"an answer that is not what the API promises: {error}"
                return _Fault(what, meaning, not_the_contract=not error.cut)
            return None
        if meaning is Meaning.FINAL:
            words = failures.api_words(read_body(response, POLICY.largest_error_body, cut_off=True))
            final = failures.final_error(status, words, self.sync.plan, self.server_day)
            if status == requests.codes.unauthorized:
                self.sync.closed = final
            raise final
        return _Fault(f"HTTP {status}", meaning, stated_wait(response.headers, moment or now))

    def _try_again(self, fault: _Fault) -> ErrorResolution:
        too_much = fault.meaning in (Meaning.TOO_MUCH, Meaning.TOO_LARGE)
        perhaps = fault.meaning is Meaning.PERHAPS_TOO_MUCH and (self.faults > 0 or self.divide_at_once)
        divide = self.divisible and (too_much or perhaps)
        waits = POLICY.fault_waits
        self.sync.failures += 1
        if fault.meaning is Meaning.TOO_LARGE and not divide:
            raise failures.too_large(fault.what)
        if self.sync.tries_left <= 0 or (not divide and self.faults == len(waits)):
            raise failures.unreadable(
                fault.what, self.sync.failures, self.sync.progress, not_the_contract=fault.not_the_contract
            )
        self.wait = 0 if divide and too_much else waits[min(self.sync.failures, len(waits)) - 1]
        if fault.wait is not None and fault.wait <= POLICY.longest_stated_wait:
            self.wait = max(self.wait, fault.wait)
        self.faults += 1
        self.sync.retries += 1
        if divide:
            self.fault = fault.what
            self.sync.halvings += 1
            return ErrorResolution(ResponseAction.SPLIT_REQUEST_WINDOW, FailureType.transient_error, fault.what)
        self.logger.warning(
            f"Magnific could not be read ({fault.what}); trying again in {self.wait:.0f} seconds "
            f"(try {self.faults + 1} of {len(waits) + 1})."
        )
        return ErrorResolution(ResponseAction.RETRY, FailureType.transient_error, fault.what)

    def _wait_for_limit(self, response: requests.Response, fault: _Fault) -> ErrorResolution:
        waits = POLICY.unstated_waits if fault.wait is None else (fault.wait,) * POLICY.most_stated_waits
        if self.refusals >= len(waits) or waits[self.refusals] > POLICY.longest_stated_wait:
            now = pendulum.now("UTC")
            moment = server_time(response.headers, now) or now
            again_at = None if fault.wait is None else moment + timedelta(seconds=fault.wait)
            self.sync.closed = failures.day_used_up(self.sync.progress, again_at)
            raise self.sync.closed
        self.wait = waits[self.refusals]
        self.refusals += 1
        self.logger.info(f"Magnific's limit of requests is reached; waiting {self.wait:.0f} seconds.")
        return ErrorResolution(ResponseAction.RATE_LIMITED, FailureType.transient_error, fault.what)


def _fault_of(error: Exception | None) -> _Fault:
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL):
        raise failures.unusable_proxy(type(error).__name__)
    meaning, what = of_exception(error)
    return _Fault(what, meaning)


def read_body(response: requests.Response, largest: int = POLICY.largest_body, *, cut_off: bool = False) -> bytearray:
    """The decompressed body, of at most `largest` bytes and the policy's number of objects and arrays.

    A larger one raises `BodyTooLargeError` or is `cut_off` there; one that breaks off raises `RequestException` too.
    """
    body = bytearray()
    deadline = monotonic() + POLICY.longest_body
    try:
        # read1 returns what has arrived; read would hold a dripping body back and with it the deadline.
        while chunk := response.raw.read1(256 * 1024, decode_content=True):
            body += chunk
            if len(body) > largest:
                if cut_off:
                    break
                raise BodyTooLargeError(f"{largest // 2**20} MiB")
            if monotonic() > deadline:
                raise requests.exceptions.ReadTimeout
    except urllib3.exceptions.ReadTimeoutError:
        raise requests.exceptions.ReadTimeout from None
    except urllib3.exceptions.DecodeError:
        raise requests.exceptions.ContentDecodingError from None
    except urllib3.exceptions.HTTPError:
        raise requests.exceptions.ChunkedEncodingError from None
    if body.count(b"{") + body.count(b"[") > POLICY.most_objects:
        raise BodyTooLargeError(f"{POLICY.most_objects:,} entries")
    return body
