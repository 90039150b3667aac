"""Airbyte source for the AI-credit usage of a team on Magnific (magnific.com, formerly Freepik)."""

from source_magnific_analytics.source import SourceMagnificAnalytics

__all__ = ["SourceMagnificAnalytics"]
