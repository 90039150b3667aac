"""The console script `source-magnific-analytics` (`spec`, `check`, `discover`, `read`)."""

import gc
import io
import logging
import os
import shutil
import signal
import sys
from typing import Any

# Imports create no garbage, and looking for it would take a tenth of a short command's time.
gc.disable()

from airbyte_cdk import ENV_REQUEST_CACHE_PATH  # noqa: E402
from airbyte_cdk.entrypoint import AirbyteEntrypoint  # noqa: E402
from airbyte_cdk.logger import PRINT_BUFFER  # noqa: E402
from airbyte_cdk.utils import AirbyteTracedException  # noqa: E402

from source_magnific_analytics.source import SourceMagnificAnalytics  # noqa: E402

gc.freeze()
gc.enable()


def run() -> None:
    """Run the protocol command named on the command line; stdout carries only Airbyte messages."""
    # The CDK sets it later. `_end` must not delete a folder that an inherited value names.
    os.environ.pop(ENV_REQUEST_CACHE_PATH, None)
    # Windows has no SIGHUP. A signal that the caller ignores stays ignored, as under nohup.
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]
    handled = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
    for number in handled:
        signal.signal(number, _end)
    try:
        _run()
    finally:
        # `_end` must not run while Python shuts down and removes the modules that it needs.
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def _run() -> None:
    """The CDK's `launch`, but with one write to the buffer for each message instead of the two of `print`."""
    # Names can contain any character, whatever the locale says.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    # If stdout is closed, the next message ends the run. A log line would only print a stack trace that quotes it.
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


def _end(number: int, frame: Any) -> None:
    """End by the signal, as without a handler, without leaving the CDK's temporary files, which contain the key.

    At once: an exception could be caught, or lost in a destructor, and output would block if nobody reads it.
    """
    shutil.rmtree(os.environ.get(ENV_REQUEST_CACHE_PATH, ""), ignore_errors=True)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    # As the first process of a container, this one is not ended by its own signal.
    os._exit(128 + number)
