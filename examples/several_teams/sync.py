import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

# The lock, the signals and the directory are explained in sync.py.
lock = os.open("warehouse.lock", os.O_RDWR | os.O_CREAT)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("Another sync into this warehouse is still running, so this one did nothing. The next one will catch up.")
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))

# Each team has a configuration, teams/NAME.json, and a schema of that name in one file.
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
