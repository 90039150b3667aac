"""Ctrl-C, and SIGTERM like it: held back where it would do harm, recognized, and nothing left running by it."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = "Interrupted. The files are those of the last run that ended well."


@contextmanager
def held_back() -> Iterator[None]:
    """Raise what comes while the block runs at its end: KeyboardInterrupt. For the main thread alone.

    It is not blocked, since that holds for one thread, and another would take it.
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
    """Whether Ctrl-C is behind an error: DuckDB, for one, makes an error of its own of it."""
    return error is not None and (
        isinstance(error, KeyboardInterrupt) or is_interrupt(error.__cause__ or error.__context__)
    )


def end_children() -> None:
    """End what an interrupt left running: dbt, an install, the connector (PyAirbyte's when its last frame is gone)."""
    gc.collect()
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    for child in psutil.wait_procs(children, timeout=10)[1]:
        child.kill()
