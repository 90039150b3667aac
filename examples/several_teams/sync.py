import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

# Each team has a configuration, teams/NAME.json, and a schema of that name in one file. See sync.py for the directory.
with TemporaryDirectory() as private:
    os.environ["AIRBYTE_TEMP_DIR"] = private

    import airbyte
    import duckdb
    from airbyte.caches import DuckDBCache

    teams = sorted(Path("teams").glob("*.json"))
    for team in teams:
        source = airbyte.get_source(
            "source-magnific-analytics",
            config=json.loads(team.read_text()),
            local_executable="source-magnific-analytics",
        )
        source.select_all_streams()
        cache = DuckDBCache(db_path="warehouse.duckdb", schema_name=team.stem)
        source.read(cache=cache)
        cache.close()

# usage_id does not hold the team, so only together with the team's name is it a key.
tables = "\nunion all by name\n".join(
    f"select '{team.stem}' as team, * from {team.stem}.credit_usage" for team in teams
)
with duckdb.connect("warehouse.duckdb") as warehouse:
    warehouse.execute(f"create or replace view all_teams_credit_usage as\n{tables}")
