"""docs/queries: every query reaches every warehouse that the page promises."""

import re
from pathlib import Path

import pytest
import sqlglot
from sandbox_process import ROOT
from sqlglot import exp

QUERIES = ROOT / "docs" / "queries"
README = (QUERIES / "README.md").read_text()
WAREHOUSES = {
    "BigQuery": "bigquery",
    "DuckDB": "duckdb",
    "MySQL": "mysql",
    "PostgreSQL": "postgres",
    "Redshift": "redshift",
    "Snowflake": "snowflake",
}


@pytest.mark.parametrize("warehouse", WAREHOUSES)
@pytest.mark.parametrize("query", sorted(QUERIES.glob("*.sql")), ids=lambda path: path.stem)
def test_every_query_reaches_every_warehouse(query: Path, warehouse: str) -> None:
    dialect = WAREHOUSES[warehouse]
    text = query.read_text()
    if dialect not in ("duckdb", "postgres"):
        [text] = sqlglot.transpile(text, read="postgres", write=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE)
    tree = sqlglot.parse_one(text, read=dialect)
    assert isinstance(tree, exp.Query)
    reserved = sqlglot.Dialect.get_or_raise(dialect).generator_class.RESERVED_KEYWORDS | {"groups"}
    bare = [one.name for one in tree.find_all(exp.Identifier) if one.name.lower() in reserved and not one.quoted]
    assert bare == []


def test_the_page_lists_every_query() -> None:
    assert sorted(re.findall(r"\]\((\w+)\.sql\)", README)) == sorted(path.stem for path in QUERIES.glob("*.sql"))
