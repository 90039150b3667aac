"""Airbyte source for the AI-credit usage of a Magnific team (magnific.com, formerly the Freepik API)."""

from source_magnific_analytics.source import SourceMagnificAnalytics

__all__ = ["SourceMagnificAnalytics"]
