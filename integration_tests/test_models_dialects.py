"""Parse the SQL of the dbt package and of docs/queries in the dialects of warehouses that no test connects to."""

import re
from pathlib import Path

import pytest
import sqlglot
from dbt_project import OFFLINE, Project
from destinations import SCHEMA
from sandbox_process import ROOT
from sqlglot import exp

QUERIES = ROOT / "docs" / "queries"


@pytest.mark.parametrize("warehouse", OFFLINE)
def test_every_model_and_test_compiles_and_parses(warehouse: str, models_project: Project) -> None:
    options = {"using_credit_usage_by_api_key": True, "focus_people": True, "team_names": {SCHEMA: "O'Brien"}}
    options |= {"billing_account_name": "O'Brien", "seat_statuses": ["active", "on o'clock"]}
    results = models_project.run(warehouse, "compile", "--no-introspect", "--no-populate-cache", **options)
    assert set(results.values()) == {"success"}
    files = models_project.compiled(warehouse)
    written = {file.stem for folder in ("models", "tests") for file in (ROOT / "dbt" / folder).rglob("*.sql")}
    assert {file.stem for file in files} == written
    for file in files:
        [statement] = sqlglot.parse(file.read_text(), read=warehouse)
        assert isinstance(statement, exp.Query), file


@pytest.mark.parametrize("warehouse", [*OFFLINE, "duckdb", "mysql", "postgres"])
@pytest.mark.parametrize("query", sorted(QUERIES.glob("*.sql")), ids=lambda path: path.stem)
def test_every_query_reaches_every_warehouse_that_its_page_promises(query: Path, warehouse: str) -> None:
    text = query.read_text()
    if warehouse not in ("duckdb", "postgres"):
        [text] = sqlglot.transpile(text, read="postgres", write=warehouse, unsupported_level=sqlglot.ErrorLevel.RAISE)
    tree = sqlglot.parse_one(text, read=warehouse)
    assert isinstance(tree, exp.Query)
    reserved = sqlglot.Dialect.get_or_raise(warehouse).generator_class.RESERVED_KEYWORDS | {"groups"}
    assert [one.name for one in tree.find_all(exp.Identifier) if one.name.lower() in reserved and not one.quoted] == []


def test_the_page_lists_every_query() -> None:
    listed = re.findall(r"\]\((\w+)\.sql\)", (QUERIES / "README.md").read_text())
    assert sorted(listed) == sorted(path.stem for path in QUERIES.glob("*.sql"))
