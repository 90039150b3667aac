"""Answers that are late, wrong or never come.

A fault is a JSON object: `kind` with its parameters below; `at`, the number of the request it strikes,
counted from 1 since the fault was posted, or "every"; `times`, how many requests in a row it strikes (default:
1, and without end for "every"). Two more say which requests it counts and strikes at all: `path`, a text that
the request's path holds; and `longer_than`, a number of days that an answer of credit usage exceeds, both ends
counted. What is refused by its key, its body or a limit has no such answer: a refusal takes no time.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Response, request


class BrokenOffError(ConnectionError):
    """Raised in the middle of an answer: the server ends the connection here, `reset` or cleanly."""

    def __init__(self, reset: bool) -> None:
        super().__init__("the sandbox breaks this answer off")
        self.reset = reset


def _broken_off(sent: bytes, reset: bool) -> Iterator[bytes]:
    if sent:
        yield sent
    raise BrokenOffError(reset)


def _half(answer: Response) -> bytes:
    body = answer.get_data()
    return body[: len(body) // 2]


def _stream(answer: Response, body: Iterator[bytes], length: int | None) -> Response:
    """The headers of `answer` with another body; chunked where no length is stated."""
    streamed = Response(body, answer.status_code, dict(answer.headers))
    streamed.headers.pop("Content-Length", None)
    if length is not None:
        streamed.headers["Content-Length"] = str(length)
    return streamed


def _status(answer: Response, status: int, headers: Any = None, body: Any = "", content_type: str = "") -> Response:
    text = body if isinstance(body, str) else json.dumps(body)
    stated = content_type or ("text/plain" if isinstance(body, str) else "application/json")
    return Response(text, status, dict(headers or {}), content_type=stated)


def _reset_before(answer: Response) -> Response:
    return _stream(answer, _broken_off(b"", reset=True), None)


def _reset_inside(answer: Response) -> Response:
    return _stream(answer, _broken_off(_half(answer), reset=True), len(answer.get_data()))


def _cut(answer: Response) -> Response:
    return _stream(answer, _broken_off(_half(answer), reset=False), len(answer.get_data()))


def _cut_chunked(answer: Response) -> Response:
    return _stream(answer, _broken_off(_half(answer), reset=False), None)


def _empty(answer: Response) -> Response:
    return Response("", 200, content_type="application/json")


def _html(answer: Response) -> Response:
    page = "<!doctype html><title>One moment</title><p>We are doing some maintenance.</p>"
    return Response(page, 200, content_type="text/html; charset=utf-8")


def _bad_gzip(answer: Response) -> Response:
    answer.headers["Content-Encoding"] = "gzip"
    return answer


def _bad_utf8(answer: Response) -> Response:
    """The last text value starts with a byte that is not UTF-8; a lenient reader takes it for a new name."""
    head, opening, tail = answer.get_data().rpartition(b'":"')
    answer.set_data(head + opening + b"\xff" + tail)
    return answer


def _late(answer: Response, seconds: float) -> Response:
    time.sleep(seconds)
    return answer


def _silence(answer: Response) -> Response:
    """Nothing at all until the client hangs up, which is when there is something to receive: the end.

    Beside the stream of the connection, as TCP's urgent data, it says that nothing will come. No ordinary client
    sees that; a test may look for it instead of waiting.
    """
    connection: socket.socket = request.environ["werkzeug.socket"]
    with suppress(OSError):
        connection.send(b"!", socket.MSG_OOB)
        connection.recv(1)
    return _reset_before(answer)


def _trickle(answer: Response, seconds: float) -> Response:
    def bytewise() -> Iterator[bytes]:
        for byte in body:
            yield bytes([byte])
            time.sleep(seconds)

    body = answer.get_data()
    return _stream(answer, bytewise(), len(body))


def _redirect(answer: Response, location: str, status: int = 307) -> Response:
    return Response("", status, {"Location": location})


def _body(answer: Response, body: Any) -> Response:
    if answer.status_code == 200:
        answer.set_data(json.dumps(body))
    return answer


@dataclass(frozen=True)
class _Kind:
    apply: Callable[..., Response]
    required: Mapping[str, type | tuple[type, ...]]
    optional: Mapping[str, type | tuple[type, ...]]


_ANY = (dict, list, str, int, float, bool, type(None))
_SECONDS = (int, float)

KINDS = {
    "status": _Kind(_status, {"status": int}, {"headers": dict, "body": _ANY, "content_type": str}),
    "reset_before": _Kind(_reset_before, {}, {}),
    "reset_inside": _Kind(_reset_inside, {}, {}),
    "cut": _Kind(_cut, {}, {}),
    "cut_chunked": _Kind(_cut_chunked, {}, {}),
    "empty": _Kind(_empty, {}, {}),
    "html": _Kind(_html, {}, {}),
    "bad_gzip": _Kind(_bad_gzip, {}, {}),
    "bad_utf8": _Kind(_bad_utf8, {}, {}),
    "late": _Kind(_late, {"seconds": _SECONDS}, {}),
    "silence": _Kind(_silence, {}, {}),
    "trickle": _Kind(_trickle, {"seconds": _SECONDS}, {}),
    "redirect": _Kind(_redirect, {"location": str}, {"status": int}),
    "body": _Kind(_body, {"body": _ANY}, {}),
}


def _gateway(status: int, title: str) -> dict[str, Any]:
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>"
    return {"kind": "status", "status": status, "body": page, "content_type": "text/html"}


TOO_LONG: dict[str, dict[str, Any]] = {
    "504": _gateway(504, "Gateway Time-out"),
    "503": {"kind": "status", "status": 503, "body": {"message": "Service unavailable"}},
    "500": {"kind": "status", "status": 500, "body": {"message": "Internal server error"}},
    "413": _gateway(413, "Content Too Large"),
    "408": _gateway(408, "Request Time-out"),
    "drop": {"kind": "reset_before"},
    "cut": {"kind": "cut"},
    "silence": {"kind": "silence"},
}
"""What becomes of a range that is too much for the server: statuses of the API's own or of something before it,
a connection that breaks before the answer or inside its body, and no answer for as long as anybody waits."""


def too_long(days: int, kind: str) -> Fault:
    """The fault that strikes every answer of more than `days` days; `kind` is one of TOO_LONG."""
    return Fault({**TOO_LONG[kind], "at": "every", "longer_than": days})


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1


_WHEN = ("kind", "at", "times", "path", "longer_than")


class Fault:
    """One fault and how many requests it has seen since it was posted."""

    def __init__(self, given: Any) -> None:
        """ValueError says what is wrong with the JSON object."""
        if not isinstance(given, Mapping) or given.get("kind") not in KINDS:
            raise ValueError(f"a fault is an object with a kind, one of {', '.join(KINDS)}")
        self.name: str = given["kind"]
        self._kind = KINDS[self.name]
        self._parameters = {name: value for name, value in given.items() if name not in _WHEN}
        types = {**self._kind.required, **self._kind.optional}
        wrong = [name for name, value in self._parameters.items() if not isinstance(value, types.get(name, ()))]
        wrong += self._kind.required.keys() - self._parameters.keys()
        if wrong:
            raise ValueError(f"{self.name}: missing, unknown or of a wrong type: {sorted(wrong)}")
        when: list[Any] = [given.get(name) for name in _WHEN]
        _, at, times, path, longer_than = when
        if at != "every" and not _is_count(at):
            raise ValueError(f'{self.name}: at must be a number from 1 up or "every"')
        if not all(value is None or _is_count(value) for value in (times, longer_than)):
            raise ValueError(f"{self.name}: times and longer_than must be numbers from 1 up")
        if not isinstance(path, str | None):
            raise ValueError(f"{self.name}: path must be a text")
        self._path = path or ""
        self._longer_than = longer_than
        self._first = 1 if at == "every" else at
        self._last = self._first + times - 1 if times else None if at == "every" else self._first
        self._seen = 0

    def strikes(self, path: str, days: int | None) -> bool:
        """Count one request; whether it is one of those to spoil.

        `days` is what its answer of credit usage covers, both ends counted, or None where it has no such answer.
        """
        if self._path not in path or (self._longer_than is not None and (days or 0) <= self._longer_than):
            return False
        self._seen += 1
        return self._seen >= self._first and (self._last is None or self._seen <= self._last)

    def apply(self, answer: Response) -> Response:
        """The spoilt answer in place of the right one."""
        return self._kind.apply(answer, **self._parameters)
