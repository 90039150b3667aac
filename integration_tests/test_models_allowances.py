"""Test the dbt package on handmade tables with a rollover, a pack, and allowances and prices that change."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from built_models import analysts_postgres
from dbt_project import Project
from destinations import Row
from handmade_tables import Build, build

# The second row of magnific_prices has no contracted price.
SEEDS = {
    "magnific_prices": """valid_from,list_price_per_credit,contracted_price_per_credit,currency
2026-02-20,0.001,0.0005,USD
2026-04-01,0.002,,USD
""",
    "magnific_allowances": """team,scope,name,credits,credits_per_seat,period,valid_from,valid_to
,team,,1000,,month,2026-01-31,
,team,,2000,,month,2026-03-10,
,team,Pack,300,,,2026-03-01,2029-02-28
,team,Rollover,100,,,2026-03-31,2026-04-10
,group,FILM ,5000,,year,2025-06-15,
,group,Film,5000,,,2026-04-01,2026-05-03
,group,Flim,1,,month,2026-01-01,
Elsewhere,group,Film,7,,month,2026-01-01,
,person,Gus@example.com,1000,,year,2026-03-01,
,person,hal@example.com,8,,year,2026-01-01,
,project,trade FAIR,1000000,,month,2026-04-01,
""",
}
TODAY = "2026-04-20 02:00:00"
USED = {"2026-02-10": 890, "2026-03-05": 1100, "2026-04-05": 2150}


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def allowed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """A build in the team's third cycle, with changing prices and allowances, a rollover and a pack."""
    usage = [
        *[(f"day-{day}-0", "Upscaler", "gus@example.com", spent, "Film", TODAY, "{}") for day, spent in USED.items()],
        ("day-2026-02-10-1", "Upscaler", "hal@example.com", 10, "Film", TODAY, "{}"),
        ("day-2026-02-11-0", "Upscaler", "hal@example.com", -10, "Film", TODAY, "{}"),
        ("day-2026-02-12-0", "Upscaler", "hal@example.com", 10, "Film", TODAY, "{}"),
    ]
    lists = {
        "members": [("gus@example.com", "owner", "active", TODAY)],
        "groups": [(1, "Film", 6, TODAY)],
        "projects": [("7c1f", "Trade Fair", TODAY)],
    }
    with analysts_postgres() if request.param == "postgres" else nullcontext() as target:
        yield build(tmp_path_factory.mktemp("allowed"), SEEDS, target=target, credit_usage=usage, **lists)


IN_DUCKDB = pytest.mark.parametrize("allowed", ["duckdb"], indirect=True)


def of_team(allowed: Build, columns: str) -> list[Row]:
    """Return these columns of the team's budget for each cycle, in order."""
    return allowed.rows(columns, "budget", "WHERE scope = 'team' ORDER BY cycle_start")


def test_cycles_begin_on_the_day_of_the_contract_or_the_last_of_its_month(allowed: Build) -> None:
    assert of_team(allowed, "cycle_start, cycle_end, is_current") == [
        (date(2026, 1, 31), date(2026, 2, 27), False),
        (date(2026, 2, 28), date(2026, 3, 30), False),
        (date(2026, 3, 31), date(2026, 4, 29), True),
    ]
    years = allowed.rows("scope, cycle_start, cycle_end, allowance, used", "budget", "WHERE name = 'FILM'")
    assert years == [("group", date(2025, 6, 15), date(2026, 6, 14), 10_000, 4150)]


def test_rollover_and_packs_are_spent_after_the_plan_and_what_ends_first_before_the_other(allowed: Build) -> None:
    assert of_team(allowed, "allowance, extra_allowance, remaining") == [
        (1000, 0, 100),  # the pack is not valid yet
        (1300, 300, 200),  # the old plan still applies, and 100 credits come from the pack
        # of the 150 credits beyond the plan, 100 come from the rollover, which has since ended, and 50 from the pack
        (2300, 300, 150),
    ]
    # The forecast is 537.5 credits for each Sunday. The rollover covers 225 credits and then ends with 4,775 unused.
    found = allowed.rows("CAST(forecast_percent AS varchar), runs_out_on", "budget", "WHERE name = 'FILM'")
    assert found == [("161.7", date(2026, 5, 10))]


def test_an_alert_says_which_level_was_reached_on_which_day(allowed: Build) -> None:
    alerts = allowed.rows("cycle_start, level, crossed_on, message", "alerts", "WHERE scope = 'team' ORDER BY 1, 2")
    reached = {date(2026, 1, 31): [50, 80], date(2026, 2, 28): [50, 80], date(2026, 3, 31): [50, 80]}
    days = dict(zip(reached, map(date.fromisoformat, USED), strict=True))
    assert [row[:3] for row in alerts] == [(start, level, days[start]) for start in reached for level in reached[start]]
    assert alerts[3][3] == (
        "The team has used 1,100 of 1,300 credits (84.6%) in the cycle 2026-02-28 to 2026-03-30,"
        " and reached 80% on 2026-03-05."
    )


def test_only_names_with_an_allowance_have_a_limit_and_unknown_names_are_reported(allowed: Build) -> None:
    limits = allowed.rows("name, used, allowance, level, runs_out_on", "budget", "WHERE scope IN ('person', 'project')")
    assert sorted(limits) == [
        ("Gus@example.com", 3250, 1000, 200, date(2026, 3, 5)),
        # Hal exceeds the limit on the 10th. A correction on the 11th brings the usage back below the limit.
        ("hal@example.com", 10, 8, 120, date(2026, 2, 12)),
        ("trade FAIR", 0, 1_000_000, 0, None),
    ]
    assert allowed.rows("DISTINCT crossed_on", "alerts", "WHERE name LIKE 'hal@%'") == [(date(2026, 2, 12),)]
    assert allowed.results["magnific_allowances_are_of_somebody"] == "warn"


def test_the_price_of_the_day_applies_and_what_has_none_is_counted(allowed: Build) -> None:
    [(cost, without)] = allowed.rows("cost, credits_without_price", "people", "WHERE person = 'gus@example.com'")
    assert (cost, without) == (1100 * Decimal("0.0005") + 2150 * Decimal("0.002"), 890)
    assert allowed.results["magnific_every_day_has_a_price"] == "warn"
    money = of_team(allowed, "used_cost, remaining_cost, allowance_cost")
    used, left = 2150 * Decimal("0.002"), 150 * Decimal("0.002")
    assert (money[0], money[2]) == ((None, None, None), (used, left, used + left))
    # Gus used up the allowance before the price changed.
    assert allowed.rows("allowance_cost", "budget", "WHERE name LIKE 'Gus@%'") == [(1000 * Decimal("0.0005"),)]


@IN_DUCKDB
def test_a_negative_row_is_a_correction_in_focus(allowed: Build) -> None:
    assert allowed.rows('"PricingQuantity"', "focus", "WHERE \"ChargeClass\" = 'Correction'") == [(-10,)]


@IN_DUCKDB
@pytest.mark.parametrize("fault", ["group,,5,,month,2026-01-01,", "person,ann@example.com,,5,month,2026-01-01,"])
def test_a_row_of_a_seed_that_no_model_can_use_fails(allowed: Build, tmp_path: Path, fault: str) -> None:
    header = SEEDS["magnific_allowances"].partition("\n")[0]
    project = Project(tmp_path, {**SEEDS, "magnific_allowances": f"{header}\n,{fault}\n"})
    results = project.run(allowed.target, "build", "--select", "+magnific_seeds_say_enough")
    assert results["magnific_seeds_say_enough"] == "fail"
