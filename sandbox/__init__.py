"""A stand-in for Magnific's five analytics endpoints that runs only on this machine.

It serves an invented team whose usage is generated from a seed, enforces the documented limits, can change past days
(events), deviates from the documentation on demand (quirks), and knows the totals that a correct client gets. In a
shell, run `python -m sandbox`. In a test, write `with running(Options(today=date(2026, 3, 31))) as base_url:`.
"""

from sandbox.app import create_app
from sandbox.server import running
from sandbox.state import DEFAULT_KEY, Options

__all__ = ["DEFAULT_KEY", "Options", "create_app", "running"]
