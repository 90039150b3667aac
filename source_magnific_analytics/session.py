"""The HTTP session of a sync: the key in each request's header, no redirects, and a count of what is sent."""

import os
from pathlib import Path
from typing import Any

import requests

from source_magnific_analytics.config import Config, config_error
from source_magnific_analytics.policy import Policy
from source_magnific_analytics.quota import Quota


class Session(requests.Session):
    """Sends with the policy's time-outs, and counts each request on the day on which it is sent."""

    def __init__(self, config: Config, policy: Policy, quota: Quota) -> None:
        super().__init__()
        self._key = config.api_key
        self._quota = quota
        # Not a header of the session alone: without it requests would look for a password in ~/.netrc.
        self.auth = self._with_key
        # A proxy would see the key, and could not find this machine's loopback anyway.
        self.trust_env = not config.is_loopback
        # Never to another host with the key. Streaming leaves the body to `read_body`, which bounds it.
        timeout = (policy.connect_timeout, policy.read_timeout)
        self._options = {"timeout": timeout, "allow_redirects": False, "stream": True}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        path = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        # requests would raise a bare OSError, which could be anything.
        if self.trust_env and path and not Path(path).exists():
            raise config_error(
                "The certificate authorities that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names on this machine cannot be "
                "read: correct the path, mount the file into the container, or unset the variable."
            )
        self._quota.count()
        return super().send(request, **{**options, **self._options})

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Leave a redirect without target: requests would read its body and parse the address, followed or not."""

    def _with_key(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-magnific-api-key"] = self._key
        return request
