"""Airbyte source for the AI-credit usage of a Magnific team (magnific.com, formerly the Freepik API)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_magnific_analytics.source import SourceMagnificAnalytics

__all__ = ["SourceMagnificAnalytics"]


def __getattr__(name: str) -> Any:
    """Export the source without importing it, and with it the CDK, before `run` has prepared for that."""
    if name != "SourceMagnificAnalytics":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from source_magnific_analytics.source import SourceMagnificAnalytics

    return SourceMagnificAnalytics
