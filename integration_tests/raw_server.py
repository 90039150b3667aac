"""A loopback server that sends exactly the bytes it is given, for responses that no web library would send."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, TCPServer
from typing import Any


class RawServer(TCPServer):
    """Responds to every request with the same bytes and closes the connection."""

    def __init__(self, answer: bytes, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answer = answer
        self.tls = tls
        self.port: int = self.server_address[1]
        self.connections = 0
        self.requests: list[bytes] = []
        """The bytes of each request, after any TLS decryption. Requests whose TLS handshake failed are not included."""

    def handle_error(self, *_: Any) -> None:
        """Ignore errors, because a client may close the connection at any time."""


class _Answer(BaseRequestHandler):
    server: RawServer

    def handle(self) -> None:
        self.server.connections += 1
        tls, connection = self.server.tls, self.request
        with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
            self.server.requests.append(_request(stream))
            stream.sendall(self.server.answer)


def _request(connection: socket.socket) -> bytes:
    """Read the whole request. If bytes were left unread, closing the connection would discard the response."""
    received = b""
    while chunk := connection.recv(64 * 1024):
        received += chunk
        head, ends, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if ends and len(body) >= int(length[1] if length else 0):
            break
    return received


@contextmanager
def raw_server(answer: bytes, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Run a server in a thread until the block ends."""
    with RawServer(answer, tls) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
