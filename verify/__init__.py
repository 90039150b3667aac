"""Two commands that check the connector against the real API.

`make facts` runs `facts`, which sends the requests in `probes`. `check_shapes` and `check_agreement` check the answers.
`make compare` runs `compare`, which compares a dashboard export with the synced table and explains the differences.
"""

import os
import sys


def show(page: str) -> None:
    """Print the page. It is not an error if the reader closes the pipe early, as `head` does."""
    try:
        print(page, flush=True)
    except BrokenPipeError:
        # Python flushes stdout again at exit. With a closed pipe, that would fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
