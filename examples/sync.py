import fcntl
import json
import os
import re
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

# Make the warehouse readable only by the user who runs this script.
os.umask(0o077)

# Without this lock, two syncs at once could count usage twice. The system releases it even if the process is killed.
lock = os.open("warehouse.lock", os.O_RDWR | os.O_CREAT)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("Another sync into this warehouse is still running, so this one did nothing. The next sync will catch up.")

# Treat a scheduler's signal like Ctrl-C, so that no temporary file with the key is left behind.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))

# PyAirbyte writes the configuration, including the key, to a file that every user can read. AIRBYTE_TEMP_DIR, which
# must be set before the import, puts this file into a directory that no other user can enter. By default, PyAirbyte's
# logs are in a directory of the first user who ran it, so other users could not read them.
with TemporaryDirectory() as private:
    os.environ["AIRBYTE_TEMP_DIR"] = private
    os.environ.setdefault("AIRBYTE_LOGGING_ROOT", private)

    import airbyte
    from airbyte.caches import DuckDBCache

    try:
        source = airbyte.get_source(
            "source-magnific-analytics",
            config=json.loads(Path("config.json").read_text()),
            local_executable="source-magnific-analytics",
        )
        source.select_all_streams()
        source.read(cache=DuckDBCache(db_path="warehouse.duckdb", schema_name="magnific"))
    except airbyte.exceptions.AirbyteConnectorError as error:
        # Only the log contains the connector's own errors. Show the first one, which caused the others.
        log = error.log_file.read_text() if error.log_file else ""
        [reason, *_] = re.findall(" - ERROR - (.*)", log) or [error.get_message()]
        sys.exit(f"\nThe tables are unchanged, and the next run reads the same days again. The sync failed: {reason}")
