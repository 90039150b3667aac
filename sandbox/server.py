"""A threaded server that serves the sandbox on the loopback interface and can break connections on purpose."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.app import create_app
from sandbox.quirk_functions import BrokenOffError
from sandbox.state import Options

HOST = "127.0.0.1"
_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)


class _QuietHandler(WSGIRequestHandler):
    """A request handler that logs only errors and breaks a connection when a quirk asks for it."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            sys.stderr.write(f"sandbox: {message % args if args else message}\n")

    def send_header(self, keyword: str, value: str) -> None:
        # The application's Date header replaces the server's own.
        if keyword == "Date":
            self._date = value
        else:
            super().send_header(keyword, value)

    def end_headers(self) -> None:
        super().send_header("Date", self._date)
        super().end_headers()

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        self.close_connection = True
        if isinstance(error, BrokenOffError) and error.args == (True,):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
            # Detaching the descriptor prevents the server from closing the connection cleanly.
            os.close(self.connection.detach())


def listen(options: Options, port: int = 0) -> BaseWSGIServer:
    """Return a server that is bound but not yet serving. Port 0 means any free port; the server's `port` says which."""
    return make_server(HOST, port, create_app(options), threaded=True, request_handler=_QuietHandler)


@contextmanager
def running(options: Options | None = None) -> Iterator[str]:
    """Serve a sandbox in a thread while the block runs; yield its base URL."""
    server = listen(options or Options())
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.port}"
    finally:
        server.shutdown()
        thread.join()
