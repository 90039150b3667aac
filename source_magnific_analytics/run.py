"""The console script `source-magnific-analytics` (`spec`, `check`, `discover`, `read`)."""

import gc
import io
import logging
import os
import signal
import sys
from typing import Any, NoReturn

# Imports create no garbage: looking for it would be a tenth of a short command's time.
gc.disable()

from airbyte_cdk.entrypoint import AirbyteEntrypoint  # noqa: E402
from airbyte_cdk.logger import PRINT_BUFFER  # noqa: E402
from airbyte_cdk.utils import AirbyteTracedException  # noqa: E402

from source_magnific_analytics.source import SourceMagnificAnalytics  # noqa: E402

gc.freeze()
gc.enable()

# Windows has no SIGHUP.
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]


def run() -> None:
    """Run the protocol command named on the command line; stdout carries Airbyte messages alone."""
    for number in _SIGNALS:
        # What the caller ignores stays ignored, as under nohup.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        _run()
    except _EndedError as ended:
        # As without a handler, which is what the caller expects: PyAirbyte takes any other end for a failure.
        [number] = ended.args
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def _run() -> None:
    """The CDK's `launch`, except that a message is one write to its buffer instead of the two of `print`."""
    # Names hold any character, whatever the locale says.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    # If stdout is closed, writing the next message fails and ends the run. A complaint about a log line before that
    # would be a stack trace that quotes what was logged.
    logging.raiseExceptions = False
    entrypoint = AirbyteEntrypoint(SourceMagnificAnalytics())
    arguments = entrypoint.parse_args(sys.argv[1:] or ["--help"])
    with PRINT_BUFFER:
        try:
            for message in entrypoint.run(arguments):
                PRINT_BUFFER.write(f"{message}\n")
        except AirbyteTracedException as error:
            # A configuration that cannot even be read is the answer to a check, not a failure of it.
            status = error.as_connection_status_message()
            if arguments.command != "check" or status is None:
                raise
            PRINT_BUFFER.write(f"{entrypoint.airbyte_message_to_string(status)}\n")


class _EndedError(SystemExit):
    """The signal that is its argument asked the run to end."""


def _end(number: int, frame: Any) -> NoReturn:
    """End as Python does by itself, so that the CDK's temporary files go: they hold the configuration with the key."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    # If nobody reads stdout any more, writing what is buffered would block for ever.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    raise _EndedError(number)
