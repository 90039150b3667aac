"""Package of the connector. Everything that only tests, demo and benchmarks need is an extra."""

from pathlib import Path

from setuptools import setup

SANDBOX = ["flask>=3.1,<4"]
DEMO = [
    *SANDBOX,
    "airbyte>=0.71.3,<0.72",
    "altair>=6,<7",
    "duckdb>=1.4,<2",
    "jinja2>=3.1,<4",
    "rich>=13.9,<15",
    "vl-convert-python>=1.9,<2",
]
TESTS = [
    *DEMO,
    "airbyte-connector-models>=0.1,<1",
    "hypothesis>=6.100,<7",
    "openapi-core>=0.19,<1",
    "pytest>=8,<10",
    "requests-mock>=1.12,<2",
    "selenium>=4.40,<5",
    "sqlglot>=27,<31",
]
TOOLS = [
    "build>=1.2,<2",
    "mutmut>=3.8,<4",
    "mypy>=1.13,<3",
    "pip-audit>=2.7,<3",
    "pip-licenses>=5,<6",
    "ruff>=0.8,<1",
    "twine>=6,<7",
    "types-PyYAML",
    "types-requests>=2.32",
]

setup(
    name="airbyte-source-magnific-analytics",
    version="0.1.0",
    description="Airbyte source for the AI-credit usage of a Magnific team",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.13",
    packages=["source_magnific_analytics"],
    package_data={"source_magnific_analytics": ["spec.json", "schemas/*.json"]},
    install_requires=[
        "airbyte-cdk>=7.39.1,<8",
        "msgspec>=0.19,<1",
        "pendulum>=3,<4",
        "requests>=2.32,<3",
    ],
    extras_require={"demo": DEMO, "dev": [*TESTS, *TOOLS]},
    entry_points={"console_scripts": ["source-magnific-analytics=source_magnific_analytics.run:run"]},
)
