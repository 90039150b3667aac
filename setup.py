"""Package of the connector. Everything that only tests, demo and benchmarks need is an extra."""

from setuptools import setup

TESTS = [
    "flask>=3.1,<4",
    "hypothesis>=6.100,<7",
    "pytest>=8,<10",
    "requests-mock>=1.12,<2",
]

setup(
    name="airbyte-source-magnific-analytics",
    version="0.1.0",
    description="Airbyte source for the AI-credit usage of a Magnific team",
    license="MIT",
    python_requires=">=3.11,<3.14",
    packages=["source_magnific_analytics"],
    package_data={"source_magnific_analytics": ["spec.json", "schemas/*.json"]},
    install_requires=[
        "airbyte-cdk>=7.39.1,<8",
        "msgspec>=0.19,<1",
        "pendulum>=3,<4",
        "requests>=2.32,<3",
    ],
    extras_require={"tests": TESTS},
    entry_points={"console_scripts": ["source-magnific-analytics=source_magnific_analytics.run:run"]},
)
