"""The HTTP session of a sync: requests with the key and without redirects, and bodies within bounds."""

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
    """Sends requests with the policy's time-outs, counts each as it is sent, and reads the response bodies."""

    def __init__(self, config: Config, policy: Policy, quota: Quota) -> None:
        super().__init__()
        self._policy = policy
        self._quota = quota
        self.headers["x-magnific-api-key"] = config.api_key
        # Without an `auth`, requests would look for a password in ~/.netrc.
        self.auth = lambda request: request
        # A proxy would see the key, and could not reach a loopback address of this machine anyway.
        self.trust_env = not is_loopback(config.base_url)
        # With streaming, `read` reads the body.
        self._options = {"timeout": (policy.connect_timeout, policy.read_timeout), "stream": True}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        path = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        # requests would raise a plain OSError, which can have many other causes.
        if self.trust_env and path and not Path(path).exists():
            raise config_error(
                "The certificate authorities that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names on this machine cannot be "
                "read: correct the path, mount the file into the container, or unset the variable."
            )
        self._quota.count_request()
        return super().send(request, **{**options, **self._options})

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect, because the key would go to another host: requests asks only here for the address."""

    def read(self, response: requests.Response, largest: int | None = None) -> bytearray:
        """Return the decompressed body, of at most `largest` bytes (default: the policy's), within its deadline.

        Raises a `RequestException`: `BodyTooLargeError`, `ReadTimeout`, or another for an incomplete body.
        """
        policy, body, largest = self._policy, bytearray(), largest or self._policy.largest_body
        # The last piece may take a whole read time-out.
        seconds = min(policy.body_timeout, policy.longest_silence - self._quota.silence - policy.read_timeout)
        deadline = time.monotonic() + seconds
        try:
            # read1 returns what has arrived; read would wait for more of a slow body, beyond the deadline.
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
