"""Package the connector. pyproject.toml lists the packages that only tests, the demo and benchmarks need."""

import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
REPOSITORY = "https://github.com/source-magnific-analytics/source-magnific-analytics"


def version() -> str:
    """Return the version in metadata.yaml, read with a regular expression because a build has no YAML parser."""
    metadata = (HERE / "metadata.yaml").read_text(encoding="utf-8")
    [found] = re.findall(r"^  dockerImageTag: (.+)$", metadata, re.MULTILINE)
    return str(found)


def readme() -> str:
    """Return README.md with absolute links to files and pictures, which also work on PyPI."""
    return re.sub(
        r"(!?)(\[[^]]*\])\((?!https?:|#)([^)]+)\)",
        lambda link: f"{link[1]}{link[2]}({REPOSITORY}/{'raw' if link[1] else 'blob'}/v{version()}/{link[3]})",
        (HERE / "README.md").read_text(encoding="utf-8"),
    )


setup(
    name="airbyte-source-magnific-analytics",
    version=version(),
    description="Airbyte source for the AI-credit usage of a Magnific team",
    long_description=readme(),
    long_description_content_type="text/markdown",
    license="MIT",
    url=REPOSITORY,
    project_urls={
        "Documentation": f"{REPOSITORY}/blob/main/docs/magnific-analytics.md",
        "Changelog": f"{REPOSITORY}/blob/main/CHANGELOG.md",
        "Issues": f"{REPOSITORY}/issues",
    },
    keywords=["airbyte", "elt", "connector", "magnific", "freepik", "ai credits", "usage analytics"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: Database",
    ],
    python_requires=">=3.11,<3.15",
    packages=["source_magnific_analytics"],
    package_data={"source_magnific_analytics": ["spec.json", "schemas/*.json"]},
    install_requires=[
        "airbyte-cdk>=7.32.0,<8",
        "msgspec>=0.19,<1",
        "pendulum>=3,<4",
        "requests>=2.32,<3",
        # Older urllib3 versions decompress without a limit, and those before 2.2 have no `read1`.
        "urllib3>=2.6,<3",
    ],
    entry_points={"console_scripts": ["source-magnific-analytics=source_magnific_analytics.run:run"]},
)
