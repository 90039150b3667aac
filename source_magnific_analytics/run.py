"""The console script `source-magnific-analytics` (`spec`, `check`, `discover`, `read`)."""

import io
import logging
import sys

from source_magnific_analytics.startup import importing

with importing():
    from airbyte_cdk.entrypoint import AirbyteEntrypoint
    from airbyte_cdk.logger import PRINT_BUFFER
    from airbyte_cdk.models import FailureType
    from airbyte_cdk.utils import AirbyteTracedException

    from source_magnific_analytics.source import SourceMagnificAnalytics


def run() -> None:
    """Run the protocol command named on the command line; stdout carries Airbyte messages alone.

    The same as the CDK's `launch`, except that a message is one write to its buffer instead of the two of `print`.
    """
    # Names hold any character, whatever the locale says.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    # Who cannot take a log line cannot take the messages either, and their failure ends the run: a complaint about the
    # line would be a stack trace that quotes what was logged.
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
            if arguments.command != "check" or error.failure_type != FailureType.config_error or status is None:
                raise
            PRINT_BUFFER.write(f"{entrypoint.airbyte_message_to_string(status)}\n")
