"""Two commands that check the connector against the real API.

`make facts`: `facts` asks Magnific the `questions`; `shapes` and `agreement` judge the `answers`.
`make compare`: `compare` reads an `export` of the dashboard, compares in SQL, and says the `reasons` for differences.
"""

import os
import sys


def show(page: str) -> None:
    """Print. It is no error if the reader closes the pipe early, as `head` does."""
    try:
        print(page, flush=True)
    except BrokenPipeError:
        # Python would flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
