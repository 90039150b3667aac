"""Defer Ctrl-C and SIGTERM in critical code, recognize errors caused by Ctrl-C, and end child processes."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = "Interrupted. The files of the last complete run are unchanged."


@contextmanager
def held_back() -> Iterator[None]:
    """Defer interrupts until the block ends, then raise KeyboardInterrupt if there were any. Main thread only.

    Signals are not blocked, because blocking works per thread and another thread would receive them.
    """
    came = False

    def note(*_: object) -> None:
        nonlocal came
        came = True

    usual = {one: signal.getsignal(one) for one in INTERRUPTS}
    for one, handler in usual.items():
        if handler is not signal.SIG_IGN:
            signal.signal(one, note)
    try:
        yield
    finally:
        for one, handler in usual.items():
            signal.signal(one, handler)
    if came:
        raise KeyboardInterrupt


def is_interrupt(error: BaseException | None) -> bool:
    """Return whether Ctrl-C caused the error. DuckDB, for example, replaces KeyboardInterrupt with its own error."""
    return error is not None and (
        isinstance(error, KeyboardInterrupt) or is_interrupt(error.__cause__ or error.__context__)
    )


def end_children() -> None:
    """End the processes that an interrupt left running: dbt, an install or the connector."""
    gc.collect()  # Free PyAirbyte's leftover stack frames first, because they still use the connector.
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    for child in psutil.wait_procs(children, timeout=10)[1]:
        child.kill()
