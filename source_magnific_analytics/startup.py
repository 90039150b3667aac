"""The import of the CDK, which is most of a short command."""

import gc
import inspect
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Import libraries inside the block, once and for good, without what nobody needs of it.

    That is two fifths of its time, before Python 3.13. The garbage collector waits, and leaves alone what is imported.
    The protocol's serializers look for descriptions of their fields in source code, and finding a class there parses
    its whole module: they find none.
    """
    getsource = inspect.getsource
    vars(inspect)["getsource"] = _no_source
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        vars(inspect)["getsource"] = getsource


def _no_source(of: object) -> str:
    raise OSError(f"the source of {of} is not looked for")
