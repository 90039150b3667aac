"""Check the dbt package's budgets and forecasts, as of several days, against a handwritten query on the raw tables."""

from pathlib import Path

import duckdb
import pytest
from built_models import Built
from dbt_project import MODELS, Project
from destinations import SCHEMA, DuckDb, Target
from synced_twice import TUESDAY, summed

from sandbox.team import make_team

BY_HAND = (Path(__file__).parent / "budget_by_hand.sql").read_text()
# The allowances from demo/dbt/seeds. The team's allowance is the sum of its seats' allowances.
SEATS = sum(person.status == "active" for person in make_team().people)
ALLOWANCES = {("team", None): SEATS * 45_000, ("group", "Motion"): 150_000}
WHOSE = {"team": "true", "group": "group_name = 'Motion'"}
DAYS = ("2026-02-02", "2026-02-04", "2026-02-15", "2026-02-28")
SCHEMAS = {day: f"north_{day[-2:]}" for day in DAYS}


def by_hand(target: Target, schema: str, scope: str, day: str, end: str) -> tuple[int, int]:
    """Run the handwritten query; return the credits used so far and the forecast for the month, which ends on `end`."""
    sql = BY_HAND.format(schema=schema, day=day, start=f"{day[:8]}01", end=end, whose=WHOSE[scope])
    [(used, forecast)] = target.query(sql)
    return int(used), round(forecast)


def test_the_figures_of_both_databases_are_those_of_a_query_by_hand(built: Built) -> None:
    found = built.ask(
        "SELECT scope, used, remaining, forecast, allowance, used_through, is_used_through_over,"
        " used_cost + remaining_cost - allowance_cost, currency"
        " FROM magnific__budget WHERE is_current ORDER BY scope DESC"
    )
    for (scope, _), row, allowance in zip(ALLOWANCES, found, ALLOWANCES.values(), strict=True):
        used, forecast = by_hand(built.target, SCHEMA, scope, TUESDAY, "2026-03-31")
        assert row[:5] == (scope, used, allowance - used, forecast, allowance)
        assert (str(row[5]), *row[6:]) == (TUESDAY, False, 0, "EUR")


def test_a_month_that_is_over_has_what_was_used(built: Built) -> None:
    months = built.ask("SELECT month, used, forecast, is_used_through_over FROM magnific__month WHERE NOT is_current")
    expected = summed(built.expected, lambda row: (row.month,))
    del expected[max(expected)]
    assert set(months) == {(month, credits, credits, True) for (month,), (_, credits) in expected.items()}


@pytest.fixture(scope="module")
def four_days(tmp_path_factory: pytest.TempPathFactory, duckdb_built: Built) -> tuple[DuckDb, Project]:
    """One team's tables in four schemas, each last synced on a different day in February."""
    folder = tmp_path_factory.mktemp("four_days")
    target = DuckDb(str(folder / "warehouse.duckdb"))
    assert isinstance(duckdb_built.target, DuckDb)
    with duckdb.connect(target.path) as connection:
        connection.execute(f"SET timezone = 'UTC'; ATTACH '{duckdb_built.target.path}' AS synced (READ_ONLY)")
        for day, schema in SCHEMAS.items():
            connection.execute(f"CREATE SCHEMA {schema}")
            for table in ("credit_usage", "members", "groups", "projects", "api_keys"):
                until = f"WHERE date <= '{day}'" if table == "credit_usage" else ""
                connection.execute(f"CREATE TABLE {schema}.{table} AS FROM synced.{SCHEMA}.{table} {until}")
                connection.execute(f"UPDATE {schema}.{table} SET _airbyte_extracted_at = '{day} 05:17:00'")
            # Delete a member who is no longer listed. PyAirbyte kept the row, and the UPDATE made it look recent.
            connection.execute(f"DELETE FROM {schema}.members WHERE email LIKE 'omar.haddad@%'")
    project = Project(folder)
    results = project.run(target, "build", schemas=[*SCHEMAS.values()], team_names={SCHEMAS[DAYS[0]]: "Two"})
    assert {name: status for name, status in results.items() if status not in ("success", "pass")} == {}
    return target, project


def test_two_schemas_with_one_name_are_an_error(four_days: tuple[DuckDb, Project]) -> None:
    target, project = four_days
    names = dict.fromkeys(SCHEMAS.values(), "Acme")
    with pytest.raises(AssertionError, match="have the same team name, Acme"):
        project.run(target, "build", schemas=[*names], team_names=names)


@pytest.mark.parametrize("day", DAYS)
def test_budget_month_and_forecast_are_those_of_a_query_by_hand(four_days: tuple[DuckDb, Project], day: str) -> None:
    target, schema = four_days[0], SCHEMAS[day]
    team = "Two" if day == DAYS[0] else schema
    for (scope, name), allowance in ALLOWANCES.items():
        used, forecast = by_hand(target, schema, scope, day, "2026-02-28")
        assert target.query(
            f"SELECT name, used, remaining, forecast, allowance FROM {MODELS}.magnific__budget"
            f" WHERE team = '{team}' AND scope = '{scope}' AND is_current"
        ) == [(name or team, used, allowance - used, forecast, allowance)]
        levels = [level for level in (50, 80, 95, 100, 120, 150, 200) if used * 100 >= level * allowance]
        alerts = target.query(
            f"SELECT level, used, forecast FROM {MODELS}.magnific__alerts"
            f" WHERE team = '{team}' AND scope = '{scope}' AND cycle_start = '2026-02-01' ORDER BY level"
        )
        assert alerts == [(level, used, forecast) for level in levels]
    used, forecast = by_hand(target, schema, "team", day, "2026-02-28")
    month = f"{MODELS}.magnific__month WHERE team = '{team}' AND month = '2026-02-01'"
    assert target.query(f"SELECT used, forecast FROM {month}") == [(used, forecast)]
    whole = f"SELECT sum(user_credits) FROM {schema}.credit_usage WHERE date >= '2026-02-01' AND date < '{day}'"
    to_come = f"FROM {MODELS}.magnific__forecast WHERE team = '{team}'"
    [(added_up,)] = target.query(f"SELECT ({whole}) + sum(expected_credits) {to_come}")
    assert round(added_up) == forecast


def test_the_command_prints_the_new_alerts_whole(four_days: tuple[DuckDb, Project]) -> None:
    target, project = four_days
    for since, first in ((None, "through - 1"), ("2026-02-10", "'2026-02-10'")):
        expected = target.query(
            f"SELECT message FROM {MODELS}.magnific__alerts JOIN {MODELS}.magnific__synced USING (team)"
            f" WHERE crossed_on >= {first} AND crossed_on < through"
        )
        arguments = ["--args", f"{{since: {since}}}"] if since else []
        printed = project.printed(target, "run-operation", "magnific_alerts", *arguments, schemas=[*SCHEMAS.values()])
        assert sorted(printed) == sorted(message for (message,) in expected)
    [(message, forecast, share)] = target.query(
        f"SELECT message, budget.forecast, forecast_percent FROM {MODELS}.magnific__alerts AS alerts"
        f" JOIN {MODELS}.magnific__budget AS budget USING (team, scope, name, cycle_start)"
        " WHERE team = 'north_28' AND scope = 'team' AND alerts.level = 50 AND is_current"
    )
    assert message.startswith("Team north_28 has used ")
    assert message.endswith(f" Forecast for the whole cycle: {forecast:,} credits ({share}%).")
    assert printed
