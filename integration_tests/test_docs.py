"""Check that the documentation's runnable commands run, and that its error messages match the connector's."""

import ast
import json
import os
import re
import sys
from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest
from compared_team import Team
from npm_packages import ENVIRONMENT, modules
from sandbox_process import ROOT
from venvs import run

from sandbox import DEFAULT_KEY, Options, running
from source_magnific_analytics.source import SourceMagnificAnalytics

PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/*.md"), *(ROOT / "docs").rglob("*.md")})
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
# The URL of the repository's files on GitHub.
HOSTED = "https://github.com/source-magnific-analytics/source-magnific-analytics/blob/main/"
BLOCK = re.compile(r"^ *```(\w+)(?: (\S+))?\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# The first words of each block that is neither runnable nor an example, and why the block is not run.
NOT_RUN_HERE = {
    **dict.fromkeys(("git clone", "make models WAREHOUSE"), "test_demo.py runs the same programs"),
    "make test ": "runs this test",
    "flowchart": "a picture",
    **dict.fromkeys(
        ("packages:", "valid_from", "vars:", "models:", "team,scope", ",team"),
        "belongs to the reader's dbt project; dbt_project.py runs a similar one",
    ),
    **dict.fromkeys(("select scope", "dbt --quiet run-operation", "The group"), "test_models_budget.py covers more"),
    "30 6 * * * cd /srv/finops": "runs the reader's dbt project from cron",
    "BashOperator": "part of the reader's DAG",
    "make image": "test_image.py builds the image; pushing needs the reader's registry",
    "make release": "CI runs make release in its own job",
    "cd /srv/magnific\nAIRBYTE_OFFLINE_MODE=1 PATH": "test_examples.py runs the same command from the crontab",
    **dict.fromkeys(("abctl", "kubectl", "# values.yaml"), "needs a cluster"),
    "ghcr.io": "an image's name",
    "terraform {": "the page says that this has not been run",
    "from datetime import UTC, datetime, timedelta\n\nfrom airflow.providers.airbyte": "needs an Airbyte server",
    "from dagster import Definitions, EnvVar": "needs an Airbyte server",
    "{": "a configuration, checked as JSON",
}
COMMANDS = {"python": [sys.executable, "-c"], "sh": ["bash", "-euc"]}
TODAY = date(2026, 3, 31)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Return each fenced block's language, mark (`runnable`, the name of the file shown, or nothing) and text."""
    return [(language, mark, dedent(text)) for language, mark, text in BLOCK.findall(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_code_block_is_well_formed(page: Path) -> None:
    for language, _, text in blocks(page):
        if language == "python":
            ast.parse(text)
        elif language == "json":
            json.loads(text)
        elif language == "sh":
            run(["bash", "-n"], input=text)


def test_markdownlint_reports_nothing() -> None:
    program = modules("markdownlint", "markdownlint-cli2@0.24.1") / ".bin" / "markdownlint-cli2"
    names = [page.relative_to(ROOT) for page in PAGES]
    assert f"Linting: {len(names)} files" in run([program, *names], env=ENVIRONMENT)


def _put(folder: Path, warehouse: str, schema: str = "main") -> None:
    """Write a synced database and a dashboard export to `folder`, as the demo does."""
    folder.mkdir(exist_ok=True)
    team = Team(folder)
    team.sync(schema=schema)
    team.export()
    team.table_file.rename(folder / warehouse)
    team.export_file.rename(folder / "sandbox-export.csv")


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(mark == "runnable" for _, mark, _ in blocks(page))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_block_marked_as_runnable_runs(page: Path, tmp_path: Path) -> None:
    """Run the blocks in order, in a directory that serves both as /srv/magnific and as a checkout.

    The connector is on PATH, and the files that the examples write already exist. test_examples.py runs the examples.
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1", "PATH": path}
    (tmp_path / ".venv").symlink_to(sys.prefix)
    for folder in ("docs", "demo", "sandbox", "verify"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "next_state.py").symlink_to(ROOT / "examples" / "next_state.py")
    if "demo-output" in page.read_text():
        _put(tmp_path / "demo-output", "magnific.duckdb")
    if "examples/sync.py" in page.read_text():
        _put(tmp_path, "warehouse.duckdb", schema="magnific")
    with running(Options(today=TODAY)) as base_url:
        config = {"api_key": DEFAULT_KEY, "start_date": "2026-02-01", "end_date": str(TODAY), "base_url": base_url}
        (tmp_path / "config.json").write_text(json.dumps(config))
        for language, mark, text in blocks(page):
            if mark == "runnable":
                here = text.replace("/srv/magnific", str(tmp_path))
                run([*COMMANDS[language], here], cwd=tmp_path, env=environment)


def test_every_block_is_run_or_it_is_known_why_not() -> None:
    unknown = [
        text
        for page in PAGES
        for _, mark, text in blocks(page)
        if mark != "runnable" and not mark.startswith("examples/") and not text.startswith(tuple(NOT_RUN_HERE))
    ]
    assert unknown == []


def test_the_examples_are_shown_as_they_are() -> None:
    shown = {mark: text for page in PAGES for _, mark, text in blocks(page) if mark.startswith("examples/")}
    assert shown == {name: (ROOT / name).read_text() for name in shown}
    names = ("sync.py", "crontab", "airflow_dag.py", "dagster_definitions.py", "dagster.yaml")
    assert {f"examples/{name}" for name in names} <= set(shown)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in (*PAGES, *FORMS):
        prose = BLOCK.sub("", page.read_text())
        commands = [line for _, _, text in blocks(page) for line in text.splitlines()]
        commands += [" ".join(quoted.split()) for quoted in re.findall(r"`([^`]+)`", prose)]
        for command in commands:
            if named := re.match(r"(?:\w+=\S+ )*make ((?:[a-z-]+(?: |$))+)", command):
                assert set(named[1].split()) <= targets, f"{page.name} names {command}"


def test_every_test_that_proves_a_promise_exists() -> None:
    proofs = re.findall(r"`((?:unit_tests/)?test_\w+\.py)`", (ROOT / "docs" / "reliability.md").read_text())
    files = [(ROOT if "/" in proof else ROOT / "integration_tests") / proof for proof in proofs]
    assert [str(proof) for proof in files if not proof.exists()] == []
    assert len(proofs) > 20


def test_the_streams_and_their_sync_modes_are_the_connectors_everywhere() -> None:
    connector_page, deploy = ((ROOT / "docs" / f"{name}.md").read_text() for name in ("magnific-analytics", "deploy"))
    listed = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| \*\*(.+?)\*\* \|", connector_page, re.MULTILINE)
    modes = {stream: mode for streams, mode in listed for stream in re.findall(r"`(\w+)`", streams)}
    settings = {"api_key": DEFAULT_KEY, "start_date": "2026-01-01"}
    assert modes.keys() == {stream.name for stream in SourceMagnificAnalytics().streams(settings)}
    named = re.findall(r'{ name = "(\w+)", sync_mode = "(\w+)" }', deploy)
    full, deduped = "Full Refresh - Overwrite", "Incremental - Append + Deduped"
    in_terraform = {"full_refresh_overwrite": full, "incremental_deduped_history": deduped}
    assert {stream: in_terraform[mode] for stream, mode in named} == modes


def test_every_link_inside_the_project_leads_somewhere() -> None:
    for page in PAGES:
        text = page.read_text()
        for target in re.findall(rf"{HOSTED}([^\s)\"#]+)", text):
            assert (ROOT / target).exists(), f"{page.name} links to {HOSTED}{target}"
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
            leads_to = page.parent / target if target else page
            assert leads_to.exists(), f"{page.name} links to {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", leads_to.read_text(), re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page.name} links to {target}#{anchor}"


def text_of(node: ast.AST) -> str | None:
    """Return a string's text, with an ellipsis in place of each inserted value, or None if `node` is not a string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def test_every_error_has_a_next_step_and_every_next_step_an_error() -> None:
    page = (ROOT / "docs" / "magnific-analytics.md").read_text()
    tables = re.findall(r"^\|[^|\n]*\| What to do \|\n\|.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    cells = [line.split("|")[1] for table in tables for line in table.splitlines()]
    documented = [re.split("…", quoted) for cell in cells for quoted in re.findall(r"`([^`]+)`", cell)]
    patterns = [re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL) for parts in documented]
    modules = (ROOT / "source_magnific_analytics").glob("*.py")
    nodes = [node for module in modules for node in ast.walk(ast.parse(module.read_text()))]
    texts = [text for node in nodes if (text := text_of(node)) and " " in text]
    for pattern in patterns:
        assert any(pattern.search(text) for text in texts), f"the code has no string like {pattern.pattern}"
    makers = ("config_error", "transient_error", "system_error")
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") in makers]
    for error in filter(None, (text_of(call.args[0]) for call in calls)):
        assert any(pattern.search(error) for pattern in patterns), f"not in the documentation: {error}"
