"""Package of the connector. What only a checkout needs (tests, demo, benchmarks) is a group in pyproject.toml."""

from pathlib import Path

from setuptools import setup

setup(
    name="airbyte-source-magnific-analytics",
    version="0.1.0",
    description="Airbyte source for the AI-credit usage of a Magnific team",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.14",
    packages=["source_magnific_analytics"],
    package_data={"source_magnific_analytics": ["spec.json", "schemas/*.json"]},
    install_requires=[
        "airbyte-cdk>=7.39.1,<8",
        "msgspec>=0.19,<1",
        "pendulum>=3,<4",
        "requests>=2.32,<3",
        "urllib3>=2.2,<3",
    ],
    entry_points={"console_scripts": ["source-magnific-analytics=source_magnific_analytics.run:run"]},
)
