"""BigQuery, Redshift and Snowflake: their adapters compile the dbt package without reaching a warehouse, and a parser
of their dialects reads the result."""

import subprocess
from pathlib import Path

import pytest
from dbt_project import OFFLINE, Project
from environments import DBT
from sandbox_process import ROOT

PARSE = """
import pathlib, sqlglot, sys
warehouse, *files = sys.argv[1:]
for file in files:
    [statement] = sqlglot.parse(pathlib.Path(file).read_text(), dialect=warehouse)
    assert isinstance(statement, sqlglot.exp.Query), file
"""


@pytest.mark.parametrize("warehouse", OFFLINE)
def test_every_model_and_test_compiles_and_parses(warehouse: str, models_project: Project) -> None:
    options = {"using_credit_usage_by_api_key": True, "focus_people": True}
    results = models_project.run(warehouse, "compile", "--no-introspect", "--no-populate-cache", **options)
    assert set(results.values()) == {"success"}
    files = models_project.compiled(warehouse)
    written = {file.stem for folder in ("models", "tests") for file in (ROOT / "dbt" / folder).rglob("*.sql")}
    assert {file.stem for file in files} == written
    parsed = _python("-c", PARSE, warehouse, *map(str, files))
    assert parsed.returncode == 0, parsed.stderr
    broken = Path(files[0].parent, "broken.sql")
    broken.write_text("select date from groups where")
    assert _python("-c", PARSE, warehouse, str(broken)).returncode != 0


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DBT.program("python"), *arguments], capture_output=True, text=True)
