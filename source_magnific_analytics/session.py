"""A sync's HTTP session, which sends the key, follows no redirects and limits the size of bodies."""

import os
import time
from pathlib import Path
from typing import Any

import requests
import urllib3

from source_magnific_analytics.config import Config, is_loopback
from source_magnific_analytics.failures import config_error
from source_magnific_analytics.policy import BodyTooLargeError, Policy
from source_magnific_analytics.quota import Quota


class Session(requests.Session):
    """Send requests with the policy's timeouts, count each one as it is sent, and read response bodies."""

    def __init__(self, config: Config, policy: Policy, quota: Quota) -> None:
        super().__init__()
        self._policy = policy
        self._quota = quota
        self.headers["x-magnific-api-key"] = config.api_key
        # If `auth` were not set, the requests library would look for a password in ~/.netrc.
        self.auth = lambda request: request
        # Bypass proxies for loopback addresses. A proxy would see the key and could not reach this machine's loopback.
        self.trust_env = not is_loopback(config.base_url)
        # With `stream`, `send` leaves the body for `read` to download.
        self._options = {"timeout": (policy.connect_timeout, policy.read_timeout), "stream": True}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        path = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        # Check the path here: the requests library would raise a plain OSError, which can have many other causes.
        if self.trust_env and path and not Path(path).exists():
            raise config_error(
                "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a path that does not exist on this machine. Correct the "
                "path, mount the file into the container, or unset the variable."
            )
        self._quota.count_request()
        return super().send(request, **{**options, **self._options})

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no address, so that no redirect is followed. A redirect could send the key to another host."""

    def read(self, response: requests.Response, largest: int | None = None) -> bytearray:
        """Return the decompressed body, which may have at most `largest` bytes (default: the policy's limit).

        Raises `BodyTooLargeError`, `ReadTimeout` after the deadline, or another `RequestException` for a broken body.
        """
        policy, body, largest = self._policy, bytearray(), largest or self._policy.largest_body
        # Leave time for the last chunk, which can take a whole read timeout.
        seconds = min(policy.body_timeout, policy.longest_silence - self._quota.silence - policy.read_timeout)
        deadline = time.monotonic() + seconds
        try:
            # Call `read1`, which returns what has arrived. `read` would wait for a slow body, even beyond the deadline.
            while chunk := response.raw.read1(256 * 1024, decode_content=True):
                body += chunk
                if len(body) > largest:
                    raise BodyTooLargeError(f"{largest // 2**20} MiB")
                if time.monotonic() > deadline:
                    raise requests.exceptions.ReadTimeout
        except urllib3.exceptions.ReadTimeoutError:
            raise requests.exceptions.ReadTimeout from None
        except urllib3.exceptions.DecodeError:
            raise requests.exceptions.ContentDecodingError from None
        except urllib3.exceptions.HTTPError:
            raise requests.exceptions.ChunkedEncodingError from None
        if body.count(b"{") + body.count(b"[") > policy.most_objects:
            raise BodyTooLargeError(f"{policy.most_objects:,} entries")
        return body
