"""A local stand-in for Magnific's five analytics endpoints.

It serves an invented team with usage generated from a seed, and enforces the documented limits. Events change past
days, and quirks make it deviate from the documentation. It also computes the totals that a correct client arrives at.
In a shell, run `python -m sandbox`. In a test, write `with running(Options(today=date(2026, 3, 31))) as base_url:`.
"""

from sandbox.app import create_app
from sandbox.server import running
from sandbox.state import DEFAULT_KEY, Options

__all__ = ["DEFAULT_KEY", "Options", "create_app", "running"]
