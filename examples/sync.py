import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

# PyAirbyte writes the configuration, with the key in it, to a file that every user may read. It is told before its
# import to do so in a directory that no other user may enter.
with TemporaryDirectory() as private:
    os.environ["AIRBYTE_TEMP_DIR"] = private

    import airbyte
    from airbyte.caches import DuckDBCache

    source = airbyte.get_source(
        "source-magnific-analytics",
        config=json.loads(Path("config.json").read_text()),
        local_executable="source-magnific-analytics",
    )
    source.select_all_streams()
    source.read(cache=DuckDBCache(db_path="warehouse.duckdb", schema_name="magnific"))
