"""`python -m demo [FOLDER]`: see `demo.command`. Ctrl-C prints one line, not a traceback, even during imports."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def _stop(number: int, frame: FrameType | None) -> None:
    sys.stderr.write("Interrupted. Nothing has been read yet.\n")
    sys.stderr.flush()
    os._exit(130)


if __name__ == "__main__":
    interrupts = (signal.SIGINT, signal.SIGTERM)
    for one in interrupts:
        signal.signal(one, _stop)

    from demo.command import main
    from demo.interrupts import end_children

    for one in interrupts:
        # SIGTERM triggers the same cleanup as Ctrl-C.
        signal.signal(one, signal.default_int_handler)
    try:
        code = main()
    except KeyboardInterrupt:
        # A second Ctrl-C arrived while the demo was reporting the first.
        code = 130
    finally:
        for one in interrupts:
            signal.signal(one, signal.SIG_IGN)
        end_children()
    sys.exit(code)
