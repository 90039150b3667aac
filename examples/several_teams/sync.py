import fcntl
import json
import os
import re
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

TEAMS = Path("teams")
WAREHOUSE = "warehouse.duckdb"


def schemas_of(files):
    """Map schema names to team files. `teams/North-East.json` gets `team_north_east`, which needs no quotes in SQL."""
    found = {}
    for file in sorted(files):
        schema = "team_" + re.sub(r"\W", "_", file.stem.lower(), flags=re.ASCII)
        if schema in found:
            sys.exit(f"{found[schema]} and {file} both map to the schema {schema}. Rename one of the files.")
        found[schema] = file
    return found


def sync(schema, file, airbyte, caches):
    source = airbyte.get_source(
        "source-magnific-analytics",
        config=json.loads(file.read_text()),
        local_executable="source-magnific-analytics",
    )
    source.select_all_streams()
    cache = caches.DuckDBCache(db_path=WAREHOUSE, schema_name=schema)
    try:
        source.read(cache=cache)
    finally:
        cache.close()


# The comments in examples/sync.py explain the umask, the lock, the signals, the directory and the errors.
os.umask(0o077)
lock = os.open("warehouse.lock", os.O_RDWR | os.O_CREAT)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("Another sync into this warehouse is still running, so this one did nothing. The next sync will catch up.")
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))

# Each team has a configuration, teams/NAME.json, and a schema in the warehouse.
teams = schemas_of(TEAMS.glob("*.json"))
failed = {}
with TemporaryDirectory() as private:
    os.environ["AIRBYTE_TEMP_DIR"] = private
    os.environ.setdefault("AIRBYTE_LOGGING_ROOT", private)

    import airbyte
    import duckdb
    from airbyte import caches

    for schema, file in teams.items():
        # If Magnific refuses one team's key or plan, still sync the other teams.
        try:
            sync(schema, file, airbyte, caches)
        except Exception as error:
            log = getattr(error, "log_file", None)
            [failed[file.stem], *_] = re.findall(" - ERROR - (.*)", log.read_text() if log else "") or [error]

# usage_id does not include the team, so the view's key is the team's name together with usage_id.
with duckdb.connect(WAREHOUSE) as warehouse:
    query = "select schema_name from duckdb_tables() where table_name = 'credit_usage'"
    synced = {schema for (schema,) in warehouse.execute(query).fetchall()}
    tables = [
        "select '{}' as team, * from {}.credit_usage".format(file.stem.replace("'", "''"), schema)
        for schema, file in teams.items()
        if schema in synced
    ]
    if tables:
        warehouse.execute("create or replace view all_teams_credit_usage as\n" + "\nunion all by name\n".join(tables))

if failed:
    # Each message starts with a newline, because PyAirbyte's progress output does not end with one.
    print(*(f"\n{team} was not synced: {error}" for team, error in failed.items()), file=sys.stderr)
    sys.exit(f"Not synced: {', '.join(failed)}. All other teams are up to date.")
