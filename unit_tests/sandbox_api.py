"""Run the sandbox in the test process, at the API's address, and record the requests."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import pendulum
from flask.testing import FlaskClient
from requests_mock import ANY, Mocker

from sandbox import DEFAULT_KEY, Options, create_app


class SandboxApi:
    """The sandbox in place of the API. `asked` holds the bodies of usage requests, and `days` counts them by UTC day.

    `lists` counts requests to the list endpoints. Each usage request takes `seconds` seconds. It fails with the status
    `refusal` if that is set, and with a server error if it asks for one of the `broken_keys`.
    """

    headers = MappingProxyType({"x-magnific-api-key": DEFAULT_KEY})

    def __init__(self, **options: Any) -> None:
        self.client: FlaskClient = create_app(Options(**{"per_minute": 0, "per_day": 0, **options})).test_client()
        self.asked: list[dict[str, Any]] = []
        self.lists: Counter[str] = Counter()
        self.broken_keys: set[str] = set()
        self.refusal = 0
        self.seconds = 0
        self.days: Counter[str] = Counter()

    @contextmanager
    def serving(self) -> Iterator[None]:
        with Mocker() as mocker:
            mocker.register_uri(ANY, ANY, content=self._answer)
            yield

    def control(self, path: str, body: Any = None) -> Any:
        call = self.client.post if body is not None else self.client.get
        answer = call(f"/_sandbox/{path}", json=body) if body is not None else call(f"/_sandbox/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json

    def _answer(self, request: Any, context: Any) -> bytes:
        path, body = request.path, request.json() if request.body else None
        if body is None:
            self.lists[path.rpartition("/")[2]] += 1
        else:
            self.asked.append(body)
            self.days[str(pendulum.now("UTC").date())] += 1
            time.sleep(self.seconds)
            if self.refusal:
                context.status_code = self.refusal
                return json.dumps({"message": f"No. {len(self.asked)}"}).encode()
            if self.broken_keys & set(body.get("api_key_ids", ())):
                context.status_code = 500
                return b""
        answer = self.client.open(path, method=request.method, json=body, headers=self.headers)
        context.status_code = answer.status_code
        context.headers.update(answer.headers)
        return answer.data
