"""A server on loopback that says exactly the bytes it is given, for what no web library would say."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from patience import HUNG


class RawServer:
    """Answers every request with the same bytes and closes the connection."""

    def __init__(self, answer: bytes, pause: float, tls: ssl.SSLContext | None) -> None:
        self._answer = answer
        self._pause = pause
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.requests: list[bytes] = []
        """What was received of each request; over TLS only what came after the handshake."""

    def serve(self) -> None:
        """Answer until the listener is closed."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                try:
                    self._converse(connection)
                except OSError:
                    continue

    def _converse(self, connection: socket.socket) -> None:
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True)
        self.requests.append(_request(connection))
        if not self._pause:
            connection.sendall(self._answer)
            return
        for byte in self._answer:
            connection.sendall(bytes([byte]))
            time.sleep(self._pause)

    def stop(self) -> None:
        # Closing alone would leave accept() waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _request(connection: socket.socket) -> bytes:
    """All that is sent before an answer: where some of it is left unread, closing takes the answer away again."""
    received = b""
    while chunk := connection.recv(64 * 1024):
        received += chunk
        head, ends, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if ends and len(body) >= int(length[1] if length else 0):
            break
    return received


@contextmanager
def raw_server(answer: bytes, pause: float = 0.0, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A server in a thread while the block runs. With `pause` (seconds) the answer comes byte by byte."""
    server = RawServer(answer, pause, tls)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(timeout=HUNG)
