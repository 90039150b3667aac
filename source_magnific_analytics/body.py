"""The body of an answer, read within bounds of time and size."""

import time

import requests
import urllib3

from source_magnific_analytics.policy import BodyTooLargeError


def read_body(response: requests.Response, largest: int, seconds: float, *, most_objects: int) -> bytearray:
    """The decompressed body: at most `largest` bytes and `most_objects` objects and arrays, within so many seconds.

    Raises a `RequestException`: `BodyTooLargeError`, `ReadTimeout`, or others for a body that breaks off.
    """
    body = bytearray()
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
    if body.count(b"{") + body.count(b"[") > most_objects:
        raise BodyTooLargeError(f"{most_objects:,} entries")
    return body
