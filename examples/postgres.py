import json
import os
import re
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg2

# psycopg2 reads the connection settings from PostgreSQL's environment variables (PGHOST, PGDATABASE, PGUSER,
# PGPASSWORD, …). PyAirbyte installs psycopg2.
database = psycopg2.connect("")
database.autocommit = True

# Without this lock, two syncs at once could count usage twice. PostgreSQL releases it when the connection ends.
with database.cursor() as cursor:
    cursor.execute("select pg_try_advisory_lock(hashtext('source-magnific-analytics'))")
    if cursor.fetchone() == (False,):
        sys.exit("Another sync into this database is still running, so this one did nothing. The next sync catches up.")

# The comments in sync.py explain the signals, the directory and the errors.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))
with TemporaryDirectory() as private:
    os.environ["AIRBYTE_TEMP_DIR"] = private
    os.environ.setdefault("AIRBYTE_LOGGING_ROOT", private)

    import airbyte
    from airbyte.caches import PostgresCache

    place = database.info
    cache = PostgresCache(
        host=place.host,
        port=place.port,
        database=place.dbname,
        username=place.user,
        # PyAirbyte puts the password into a URL without encoding it.
        password=quote(place.password, safe=""),
        schema_name="magnific",
    )
    try:
        source = airbyte.get_source(
            "source-magnific-analytics",
            config=json.loads(Path("config.json").read_text()),
            local_executable="source-magnific-analytics",
        )
        source.select_all_streams()
        source.read(cache=cache)
    except airbyte.exceptions.AirbyteConnectorError as error:
        log = error.log_file.read_text() if error.log_file else ""
        [reason, *_] = re.findall(" - ERROR - (.*)", log) or [error.get_message()]
        sys.exit(f"\nThe tables are unchanged, and the next run reads the same days again. The sync failed: {reason}")
