"""The console script `source-magnific-analytics` (`spec`, `check`, `discover`, `read`)."""

import gc
import io
import logging
import os
import signal
import sys
from typing import Any, NoReturn

# Imports create no garbage, and looking for it would take a tenth of a short command's time.
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
    """Run the protocol command named on the command line; stdout carries only Airbyte messages."""
    for number in _SIGNALS:
        # A signal that the caller ignores stays ignored, as under nohup.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        _run()
    except _EndedError as ended:
        # End by the signal, as without a handler: PyAirbyte treats any other exit as a failure.
        [number] = ended.args
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    finally:
        # Python would print a stack trace for an exception that a signal raises while it shuts down.
        for number in _SIGNALS:
            if signal.getsignal(number) is _end:
                signal.signal(number, signal.SIG_DFL)


def _run() -> None:
    """The CDK's `launch`, but with one write to the buffer for each message instead of the two of `print`."""
    # Names can contain any character, whatever the locale says.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    # If stdout is closed, writing a message ends the run. A log line would print a stack trace that quotes it.
    logging.raiseExceptions = False
    entrypoint = AirbyteEntrypoint(SourceMagnificAnalytics())
    arguments = entrypoint.parse_args(sys.argv[1:] or ["--help"])
    # A tenth of a second of rows, the default, can take 40 MiB of memory.
    PRINT_BUFFER.flush_interval = 0.02
    with PRINT_BUFFER:
        try:
            for message in entrypoint.run(arguments):
                PRINT_BUFFER.write(f"{message}\n")
        except AirbyteTracedException as error:
            # For `check`, a configuration that cannot be read is a result, not a crash.
            status = error.as_connection_status_message()
            if arguments.command != "check" or status is None:
                raise
            PRINT_BUFFER.write(f"{entrypoint.airbyte_message_to_string(status)}\n")


class _EndedError(SystemExit):
    """A signal (the argument) ended the run."""


def _end(number: int, frame: Any) -> NoReturn:
    """Exit as Python normally does, so that the CDK's temporary files, which contain the key, are deleted."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    # If nobody reads stdout any more, flushing the buffer would block forever.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    raise _EndedError(number)
