"""The console script `source-magnific-analytics` with the commands `spec`, `check`, `discover` and `read`."""

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
    """Run the Airbyte command given on the command line; write only Airbyte messages to stdout."""
    # Drop an inherited cache path, so that `_end` cannot delete the caller's folder. The CDK sets its own path later.
    os.environ.pop(ENV_REQUEST_CACHE_PATH, None)
    # Windows has no SIGHUP. Signals that the caller ignores, as nohup does, stay ignored.
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]
    handled = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
    for number in handled:
        signal.signal(number, _end)
    try:
        _run()
    finally:
        # Restore the defaults, because modules that `_end` needs are removed when Python shuts down.
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def _run() -> None:
    """Do what the CDK's `launch` does, but send each message to the buffer in one write; `print` would make two."""
    # Use UTF-8 in every locale, because names can contain any character.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    # If stdout is closed, the next message ends the run. Until then, do not print a stack trace for each log line.
    logging.raiseExceptions = False
    entrypoint = AirbyteEntrypoint(SourceMagnificAnalytics())
    arguments = entrypoint.parse_args(sys.argv[1:] or ["--help"])
    # By default, the buffer holds a tenth of a second's worth of rows, which can take 40 MiB of memory.
    PRINT_BUFFER.flush_interval = 0.02
    with PRINT_BUFFER:
        try:
            for message in entrypoint.run(arguments):
                PRINT_BUFFER.write(f"{message}\n")
        except AirbyteTracedException as error:
            # For `check`, an unreadable configuration is a failed check and not a crash.
            status = error.as_connection_status_message()
            if arguments.command != "check" or status is None:
                raise
            PRINT_BUFFER.write(f"{entrypoint.airbyte_message_to_string(status)}\n")


def _end(number: int, frame: Any) -> None:
    """Delete the CDK's temporary files, which contain the key; then let the signal end the process as usual.

    Do not raise, because the exception could be caught or lost in a destructor. Do not print, because that could block.
    """
    shutil.rmtree(os.environ.get(ENV_REQUEST_CACHE_PATH, ""), ignore_errors=True)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    # As PID 1 of a container, the process would survive a signal that it sends to itself.
    os._exit(128 + number)
