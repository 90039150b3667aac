"""The documentation: what it says can be run, runs; what it says about errors is what the connector says."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox import DEFAULT_KEY, Options, running

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "dbt" / "README.md",
]
BLOCK = re.compile(r"^```(\w+)(?: (runnable))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = {"python": [sys.executable, "-c"], "sh": ["bash", "-euc"]}
TODAY = date(2026, 3, 31)


def blocks(page: Path) -> list[tuple[str, bool, str]]:
    """The fenced blocks of a page: language, whether it is marked as runnable, text."""
    return [(language, bool(mark), text) for language, mark, text in BLOCK.findall(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_code_block_is_well_formed(page: Path) -> None:
    for language, _, text in blocks(page):
        if language == "python":
            ast.parse(text)
        elif language == "json":
            json.loads(text)
        elif language == "sh" and not re.match(r"[\d*]+ [\d*]+ ", text):  # a line of a crontab is not shell
            subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(mark for _, mark, _ in blocks(page))], ids=lambda page: page.name
)
def test_every_block_marked_as_runnable_runs(page: Path, tmp_path: Path) -> None:
    """In order, in one directory that holds a config.json, with the connector on the PATH."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    offline = {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1"}
    with running(Options(today=TODAY)) as base_url:
        config = {"api_key": DEFAULT_KEY, "start_date": "2026-02-01", "end_date": str(TODAY), "base_url": base_url}
        (tmp_path / "config.json").write_text(json.dumps(config))
        for language, mark, text in blocks(page):
            if mark:
                done = subprocess.run(
                    [*COMMANDS[language], text],
                    cwd=tmp_path,
                    env={**os.environ, **offline, "PATH": path},
                    capture_output=True,
                    text=True,
                )
                assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def test_every_link_inside_the_project_leads_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text()):
            leads_to = page.parent / target if target else page
            assert leads_to.exists(), f"{page.name} links to {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", leads_to.read_text(), re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page.name} links to {target}#{anchor}"


def text_of(node: ast.expr) -> str | None:
    """A string with an ellipsis for each value put in; None for what is not a string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def strings() -> Iterator[str]:
    """Every string with words in it in the connector's modules."""
    for module in (ROOT / "source_magnific_analytics").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            text = text_of(node) if isinstance(node, ast.expr) else None
            if text and " " in text:
                yield text


def errors() -> Iterator[str]:
    """Every text that the connector makes a config error or a transient error of."""
    for module in (ROOT / "source_magnific_analytics").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                text = text_of(node.args[0])
                if node.func.id in {"config_error", "transient_error"} and text:
                    yield text


def test_every_error_has_a_next_step_and_every_next_step_an_error() -> None:
    trouble = (ROOT / "docs" / "magnific-analytics.md").read_text().split("### Errors")[1].split("## Changelog")[0]
    cells = [line.split("|")[1] for line in trouble.splitlines() if line.startswith("| `")]
    documented = [re.split("…", quoted) for cell in cells for quoted in re.findall(r"`([^`]+)`", cell)]
    patterns = [re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL) for parts in documented]
    known = list(strings())
    for pattern in patterns:
        assert any(pattern.search(text) for text in known), f"no text like {pattern.pattern}"
    for error in errors():
        assert any(pattern.search(error) for pattern in patterns), f"not in the documentation: {error}"
