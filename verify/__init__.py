"""Two commands that check the connector against the real API.

`make facts` runs `facts`, which sends the requests in `probes`. `check_shapes` and `check_agreement` check the answers.
`make compare` runs `compare`, which compares an export of the dashboard with the table and explains differences.
"""

import os
import sys


def show(page: str) -> None:
    """Print the page. If the reader closes the pipe early, as `head` does, that is not an error."""
    try:
        print(page, flush=True)
    except BrokenPipeError:
        # Python flushes stdout again when it exits, which would fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
