"""Build the dbt package on tables with handwritten rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt_project import Project
from destinations import SCHEMA, DuckDb, Row, Target

TABLES = {
    "credit_usage": "usage_id varchar, date date, granularity varchar, tool varchar, user_email varchar,"
    " user_uses bigint, user_credits bigint, project_reference varchar, project_name varchar, group_name varchar,"
    " _ab_cdc_deleted_at timestamptz",
    "members": "email varchar, role varchar, status varchar",
    "api_keys": "api_key_id varchar, display_name varchar, status varchar, created_at timestamptz",
    "groups": "group_id bigint, name varchar, member_count bigint",
    "projects": "project_reference varchar, name varchar",
}
AIRBYTE = "_airbyte_raw_id varchar, _airbyte_extracted_at timestamptz, _airbyte_meta json"


@dataclass(frozen=True)
class Build:
    target: Target
    project: Project
    results: dict[str, str]

    def rows(self, columns: str, mart: str, rest: str = "") -> list[Row]:
        return self.target.query(f"SELECT {columns} FROM models.magnific__{mart} {rest}")


def build(
    folder: Path,
    seeds: dict[str, str],
    variables: dict[str, Any] | None = None,
    target: Target | None = None,
    **tables: Sequence[tuple[Any, ...]],
) -> Build:
    """Build the dbt package on these rows. In lists such as members, each row ends with its extraction time.

    A row of credit_usage is (usage_id, tool, email, credits, group, extracted, meta). Its date is part of the usage_id.
    """
    target = target or DuckDb(str(folder / "warehouse.duckdb"))
    unsynced = {name.removeprefix("using_") for name in variables or {}}
    statements = ["SET timezone = 'UTC'", f"CREATE SCHEMA {SCHEMA}"]
    statements += [
        f"CREATE TABLE {SCHEMA}.{name} ({columns}, {AIRBYTE})"
        for name, columns in TABLES.items()
        if name not in unsynced
    ]
    for usage_id, tool, email, credits, group, extracted, meta in tables.pop("credit_usage"):
        size, day = usage_id.split("-", 1)
        row = [usage_id, day[:10], size, tool, email, credits and 1, credits, None, None, group]
        statements.append(_insert("credit_usage", [*row, None if tool else extracted, "random", extracted, meta]))
    for name, rows in tables.items():
        statements += [_insert(name, [*values, "random", extracted, "{}"]) for *values, extracted in rows]
    target.execute("; ".join(statements))
    project = Project(folder, seeds)
    return Build(target, project, project.run(target, "build", **(variables or {})))


def _insert(table: str, row: Sequence[Any]) -> str:
    values = ("NULL" if value is None else f"'{value}'" for value in row)
    return f"INSERT INTO {SCHEMA}.{table} VALUES ({', '.join(values)})"
