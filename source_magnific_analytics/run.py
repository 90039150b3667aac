"""The console script `source-magnific-analytics` (`spec`, `check`, `discover`, `read`)."""

import sys

from airbyte_cdk.entrypoint import launch

from source_magnific_analytics.source import SourceMagnificAnalytics


def run() -> None:
    """Run the protocol command named on the command line; stdout carries Airbyte messages alone."""
    launch(SourceMagnificAnalytics(), sys.argv[1:])
