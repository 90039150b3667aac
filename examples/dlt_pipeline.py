import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import dlt

# If _ab_cdc_deleted_at is set, Magnific no longer has the row, so dlt deletes the row too.
COLUMNS = {"date": {"data_type": "date"}, "_ab_cdc_deleted_at": {"data_type": "timestamp", "hard_delete": True}}

# The comments in sync.py explain the umask, the lock and the signals.
os.umask(0o077)
lock = os.open("warehouse.lock", os.O_RDWR | os.O_CREAT)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("Another sync into this warehouse is still running, so this one did nothing. The next sync will catch up.")
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))


def run(command, **files):
    """Yield the connector's messages, and print its log. If the connector fails, exit before dlt loads anything."""
    errors = []
    with TemporaryDirectory() as folder:
        options = ["--config", "config.json"]
        for name, content in files.items():
            file = Path(folder, name)
            file.write_text(json.dumps(content))
            options += [f"--{name}", file]
        with subprocess.Popen(["source-magnific-analytics", command, *options], stdout=subprocess.PIPE) as process:
            try:
                for message in map(json.loads, process.stdout):
                    if message["type"] == "LOG":
                        print(message["log"]["message"], file=sys.stderr)
                    elif message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
                        errors.append(message["trace"]["error"]["message"])
                    yield message
            except BaseException:
                # Without this, the connector would go on alone after a signal.
                process.terminate()
                raise
    if process.returncode != 0:
        reason = (errors or ["the log above says why."])[0]
        sys.exit(f"Nothing was loaded, and the next run reads the same days again. The sync failed: {reason}")


@dlt.source
def magnific():
    [catalog] = [message["catalog"] for message in run("discover") if message["type"] == "CATALOG"]
    configured = [
        {"stream": stream, "sync_mode": stream["supported_sync_modes"][-1], "destination_sync_mode": "append_dedup"}
        for stream in catalog["streams"]
    ]

    @dlt.resource
    def records():
        # dlt saves the state in the warehouse, together with the rows, so the next run can continue on any machine.
        states = dlt.current.source_state()
        for message in run("read", catalog={"streams": configured}, state=list(states.values())):
            if message["type"] == "STATE":
                states[message["state"]["stream"]["stream_descriptor"]["name"]] = message["state"]
            elif message["type"] == "RECORD":
                yield message["record"]

    def table(stream, sync_mode, **_):
        return dlt.transformer(
            lambda record: record["data"] if record["stream"] == stream["name"] else None,
            data_from=records,
            name=stream["name"],
            primary_key=[column for [column] in stream["source_defined_primary_key"]],
            write_disposition="merge" if sync_mode == "incremental" else "replace",
            columns=COLUMNS if sync_mode == "incremental" else None,
        )

    return [table(**stream) for stream in configured]


# By default, dlt shares its local files between all folders, and a second folder would load into the first one's file.
warehouse = dlt.destinations.duckdb("warehouse.duckdb")
pipeline = dlt.pipeline("magnific", pipelines_dir="pipelines", destination=warehouse, dataset_name="magnific")
print(pipeline.run(magnific()))
