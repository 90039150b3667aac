"""The HTTP session of a sync: the key in each request's header, no redirects, and a count of what is sent."""

import os
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase

from source_magnific_analytics import failures
from source_magnific_analytics.config import Config
from source_magnific_analytics.policy import Policy
from source_magnific_analytics.quota import Quota


class Session(requests.Session):
    """Sends with the policy's time-outs, and counts each request on the day on which it is sent."""

    def __init__(self, config: Config, policy: Policy, quota: Quota) -> None:
        super().__init__()
        self.auth = _ApiKey(config.api_key)
        # A proxy would see the key, and could not find this machine's loopback anyway.
        self.trust_env = not config.is_loopback
        # Never to another host with the key. Streaming leaves the body to `read_body`, which bounds it.
        timeout = (policy.connect_timeout, policy.read_timeout)
        self._options = {"timeout": timeout, "allow_redirects": False, "stream": True}
        self._quota = quota

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        path = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        # requests would raise a bare OSError, which could be anything.
        if self.trust_env and path and not Path(path).exists():
            raise failures.no_authorities()
        self._quota.count()
        return super().send(request, **{**options, **self._options})


class _ApiKey(AuthBase):
    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-magnific-api-key"] = self._key
        request.register_hook("response", _forget_redirect)  # type: ignore[no-untyped-call]
        return request


def _forget_redirect(response: requests.Response, **_: Any) -> None:
    """Leave a redirect without target: requests would read its body and parse the address, followed or not."""
    response.headers.pop("Location", None)
