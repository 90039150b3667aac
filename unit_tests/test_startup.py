"""What the import of the CDK goes without is there again afterwards."""

import gc
import inspect

import pytest

from source_magnific_analytics import startup


def test_inside_there_is_neither_source_nor_a_garbage_collector() -> None:
    with startup.importing():
        assert not gc.isenabled()
        with pytest.raises(OSError, match="is not looked for"):
            inspect.getsource(startup)


@pytest.mark.parametrize("error", [ImportError, KeyboardInterrupt])
def test_afterwards_both_are_as_they_were(error: type[BaseException]) -> None:
    with pytest.raises(error), startup.importing():
        raise error
    assert gc.isenabled()
    assert "def importing" in inspect.getsource(startup)
