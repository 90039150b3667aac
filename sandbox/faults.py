"""Answers that are late, wrong or never come.

A fault is a JSON object: `kind` with its parameters below; `at`, the number of the request it strikes,
counted from 1 since the fault was posted, or "every"; `path`, a text the request's path must hold to be
counted; and `times`, how many requests in a row it strikes (default: 1, and without end for "every").
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response


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
    "trickle": _Kind(_trickle, {"seconds": _SECONDS}, {}),
    "redirect": _Kind(_redirect, {"location": str}, {"status": int}),
    "body": _Kind(_body, {"body": _ANY}, {}),
}


class Fault:
    """One fault and how many requests it has seen since it was posted."""

    def __init__(self, given: Any) -> None:
        """ValueError says what is wrong with the JSON object."""
        if not isinstance(given, Mapping) or given.get("kind") not in KINDS:
            raise ValueError(f"a fault is an object with a kind, one of {', '.join(KINDS)}")
        self.name: str = given["kind"]
        self._kind = KINDS[self.name]
        self._parameters = {name: value for name, value in given.items() if name not in ("kind", "at", "path", "times")}
        types = {**self._kind.required, **self._kind.optional}
        wrong = [name for name, value in self._parameters.items() if not isinstance(value, types.get(name, ()))]
        wrong += self._kind.required.keys() - self._parameters.keys()
        if wrong:
            raise ValueError(f"{self.name}: missing, unknown or of a wrong type: {sorted(wrong)}")
        at, times, path = given.get("at"), given.get("times"), given.get("path", "")
        if at != "every" and (not isinstance(at, int) or at < 1):
            raise ValueError(f'{self.name}: at must be a number from 1 up or "every"')
        if (times is not None and (not isinstance(times, int) or times < 1)) or not isinstance(path, str):
            raise ValueError(f"{self.name}: times must be a number from 1 up, path a text")
        self._path = path
        self._first = 1 if at == "every" else at
        self._last = self._first + times - 1 if times else None if at == "every" else self._first
        self._seen = 0

    def strikes(self, path: str) -> bool:
        """Count one request; whether it is one of those to spoil."""
        if self._path not in path:
            return False
        self._seen += 1
        return self._seen >= self._first and (self._last is None or self._seen <= self._last)

    def apply(self, answer: Response) -> Response:
        """The spoilt answer in place of the right one."""
        return self._kind.apply(answer, **self._parameters)
