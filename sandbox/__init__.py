"""A stand-in for Magnific's five analytics endpoints, on this machine alone.

It serves an invented team whose usage is drawn from a seed, keeps the documented limits, lets what it says about past
days change (events), deviates from the documentation on demand (quirks), and knows what a right client adds up to.
From a shell: `python -m sandbox`. From a test: `with running(Options(today=date(2026, 3, 31))) as base_url:`.
"""

from sandbox.app import create_app
from sandbox.server import running
from sandbox.state import DEFAULT_KEY, Options

__all__ = ["DEFAULT_KEY", "Options", "create_app", "running"]
