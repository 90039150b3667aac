"""Send one request to Magnific, including any retries. `ask` returns the parsed response or raises an error.

The CDK sends requests and waits between tries. Because the CDK's errors quote whole bodies, this module raises its own.
"""

import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import pendulum
import requests
from airbyte_cdk.sources.streams.http import HttpClient
from airbyte_cdk.sources.streams.http.error_handlers import BackoffStrategy, ErrorHandler, ErrorResolution
from airbyte_cdk.sources.streams.http.error_handlers import ResponseAction as Action
from airbyte_cdk.utils import AirbyteTracedException
from pendulum import Date, DateTime

from source_magnific_analytics import failures
from source_magnific_analytics.config import Config
from source_magnific_analytics.decoding import ContractError
from source_magnific_analytics.policy import Meaning, Policy, of_exception, of_status
from source_magnific_analytics.quota import Quota
from source_magnific_analytics.session import Session
from source_magnific_analytics.waiting import server_time, stated_wait

T = TypeVar("T")


class TooMuchError(Exception):
    """The range is too long, so request fewer days. The request failed `tries` times; the message says how."""

    def __init__(self, what: str, tries: int) -> None:
        super().__init__(what)
        self.tries = tries


@dataclass(frozen=True)
class Call:
    """A stream's request. Its error messages include `about_next_sync`, a sentence about the next sync.

    A `divisible` call raises `TooMuchError` if its range is too long or, with `divide_at_once`, might be too long.
    """

    logger: logging.Logger
    method: str
    url: str
    body: Mapping[str, Any] | None
    about_next_sync: str
    divisible: bool = False
    divide_at_once: bool = False

    def should_divide(self, meaning: Meaning, failed_tries: int) -> bool:
        """Return whether to request fewer days after this failed try and `failed_tries` earlier ones."""
        is_too_much = meaning in (Meaning.TOO_MUCH, Meaning.ANSWER_TOO_LARGE)
        may_be = meaning is Meaning.PERHAPS_TOO_MUCH and (failed_tries > 0 or self.divide_at_once)
        return self.divisible and (is_too_much or may_be)


class Client:
    """The client that a sync's streams share. If it is not `patient`, it does not retry a failed connection."""

    def __init__(self, config: Config, policy: Policy, *, patient: bool = True) -> None:
        self.config = config
        self.patient = patient
        self.policy = policy
        self.quota = Quota(policy.most_retries)
        self.session = Session(config, policy, self.quota)

    def ask(self, call: Call, understand: Callable[[requests.Response], T]) -> tuple[T, Date | None]:
        """Return the successful response, parsed by `understand`, and the server's UTC day if the response has a date.

        Raises `TooMuchError`, `ShareUsedError` or the error that ends the stream. `understand` can raise ContractError.
        """
        self.quota.admit()
        if not self.has_time(0):
            raise failures.too_slow(f"no response for {self.quota.silence / 60:.0f} minutes", call.about_next_sync)
        # Flush buffered messages first, because a response can take minutes.
        sys.stdout.flush()
        # `ask` empties this list before it returns, because the CDK keeps `tries`, and thus the list, for a while.
        accepted: list[tuple[T, DateTime | None]] = []
        tries = _Tries(self, call, lambda response, moment: accepted.append((understand(response), moment)))
        # The CDK uses this name when it tells the platform that the stream is waiting.
        stream = call.logger.name.rpartition(".")[2]
        http = HttpClient(stream, call.logger, tries, backoff_strategy=tries, session=self.session)
        try:
            http.send_request(call.method, call.url, {}, json=call.body)
        except AirbyteTracedException:
            self.quota.settle(answered=False)
            raise
        self.quota.settle(answered=True)
        value, moment = accepted.pop()
        return value, moment and moment.date()

    def has_time(self, seconds: float) -> bool:
        """Return whether a slow request sent after `seconds` seconds would end within the longest allowed silence."""
        latest = self.quota.silence + seconds + self.policy.connect_timeout + 2 * self.policy.read_timeout
        return latest <= self.policy.longest_silence


@dataclass(frozen=True)
class _FailedTry:
    """A failed try. If the response states a wait, `stated_wait` is its length in seconds and `again_at` its end."""

    meaning: Meaning
    what: str
    advice: str = failures.OUTAGE
    stated_wait: float | None = None
    again_at: DateTime | None = None


@dataclass
class _Tries(ErrorHandler, BackoffStrategy):
    """Decide after each try whether to retry, count failed tries and refusals (HTTP 429), and set the next wait."""

    client: Client
    call: Call
    accept: Callable[[requests.Response, DateTime | None], None]
    failed_tries: int = 0
    refusals: int = 0
    next_wait: float = 0.0

    # The policy limits how often a request is retried, so set the CDK's own limits too high to matter.
    max_retries = 1_000
    max_time = 7 * 24 * 3600

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        """Return whether to accept the response or try again; raise `TooMuchError` or the stream's final error."""
        if not isinstance(response, requests.Response):
            return self._repeat_or_divide(_failed_try(response))
        try:
            failed = self._judge(response)
        except ContractError as error:
            meaning = Meaning.PERHAPS_TOO_MUCH if error.cut else Meaning.FAULT
            what = f"an invalid response: {error}"
            failed = _FailedTry(meaning, what, failures.OUTAGE if error.cut else failures.CHANGED_API)
        except requests.exceptions.RequestException as error:
            failed = _failed_try(error)
        if failed is None:
            return ErrorResolution(Action.SUCCESS)
        response.close()
        return self._wait_for_limit(failed) if failed.meaning is Meaning.LIMIT else self._repeat_or_divide(failed)

    def backoff_time(self, response_or_exception: requests.Response | Exception | None, attempt_count: int) -> float:
        """Return the wait minus a second, because the CDK adds one. Never return 0: the CDK would use its own wait."""
        self.client.quota.admit()
        return max(self.next_wait - 1, 0.01)

    def _judge(self, response: requests.Response) -> _FailedTry | None:
        status, meaning, now = response.status_code, of_status(response.status_code), pendulum.now("UTC")
        moment = server_time(response.headers, now)
        if meaning is Meaning.ANSWER:
            self.accept(response, moment)
            return None
        if meaning is Meaning.FINAL:
            body = bytearray()
            # If the body is too large or incomplete, leave the API's message out of the error.
            with suppress(requests.exceptions.RequestException):
                body = self.client.session.read(response, self.client.policy.largest_error_body)
            error = failures.final_error(status, failures.api_words(body), self.client.config.plan, moment)
            raise self.client.quota.end_sync_with(error) if status == requests.codes.unauthorized else error
        wait = stated_wait(response.headers, moment or now)
        again_at = None if wait is None else (moment or now).add(seconds=wait)
        return _FailedTry(meaning, f"HTTP {status}", stated_wait=wait, again_at=again_at)

    def _repeat_or_divide(self, failed: _FailedTry) -> ErrorResolution:
        quota, policy, call = self.client.quota, self.client.policy, self.call
        divide = call.should_divide(failed.meaning, self.failed_tries)
        if failed.meaning is Meaning.ANSWER_TOO_LARGE and not divide:
            raise failures.too_large(failed.what, of_usage=call.body is not None)
        most, in_a_row = len(policy.fault_waits), quota.returnable_tries + self.failed_tries
        is_hopeless = failed.meaning is Meaning.UNREACHABLE and not self.client.patient
        if is_hopeless or quota.retries_left <= 0 or (not divide and self.failed_tries == most):
            raise failures.gave_up(failed.what, in_a_row + 1, call.about_next_sync, failed.advice)
        # Before a request for fewer days, wait only if the server might have had a temporary problem.
        is_bad_moment = not divide or failed.meaning is Meaning.PERHAPS_TOO_MUCH
        seconds = policy.fault_waits[min(in_a_row, most - 1)] if is_bad_moment else 0
        if failed.stated_wait is not None and failed.stated_wait <= policy.longest_stated_wait:
            seconds = max(seconds, failed.stated_wait)
        if not self.client.has_time(seconds):
            raise failures.too_slow(failed.what, call.about_next_sync)
        self.next_wait = seconds
        self.failed_tries += 1
        quota.count_retry(self.failed_tries if divide else 0)
        if divide:
            time.sleep(seconds)
            # Do not call `quota.settle` yet: only the next response shows whether this is an outage.
            raise TooMuchError(failed.what, self.failed_tries)
        call.logger.warning(
            f"Could not read from Magnific ({failed.what}); trying again in {seconds:.0f} seconds "
            f"(try {self.failed_tries + 1} of {most + 1})."
        )
        return ErrorResolution(Action.RETRY, error_message=failed.what)

    def _wait_for_limit(self, failed: _FailedTry) -> ErrorResolution:
        quota, policy, about_next_sync = self.client.quota, self.client.policy, self.call.about_next_sync
        seconds = failed.stated_wait
        if seconds is None and self.refusals < len(policy.unstated_waits):
            seconds = policy.unstated_waits[self.refusals]
        if seconds is None or seconds > policy.longest_stated_wait:
            raise quota.end_sync_with(failures.day_used_up(about_next_sync, failed.again_at))
        if self.refusals >= policy.most_stated_waits:
            raise quota.end_sync_with(failures.still_refused(self.refusals + 1, about_next_sync))
        if not self.client.has_time(seconds):
            raise quota.end_sync_with(failures.too_slow(failed.what, about_next_sync))
        self.next_wait = seconds
        self.refusals += 1
        self.call.logger.info(f"Magnific's request limit has been reached; waiting {seconds:.0f} seconds.")
        return ErrorResolution(Action.RATE_LIMITED, error_message=failed.what)


def _failed_try(error: Exception | None) -> _FailedTry:
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL):
        raise failures.config_error(
            f"No request can be sent with this machine's proxy setting ({type(error).__name__}). Set HTTPS_PROXY or "
            "ALL_PROXY to an address such as http://proxy.example:3128, or unset it."  # ignore-https-check
        )
    meaning, what = of_exception(error)
    return _FailedTry(meaning, what, failures.NO_CONNECTION if meaning is Meaning.UNREACHABLE else failures.OUTAGE)
