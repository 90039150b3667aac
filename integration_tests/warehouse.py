"""An in-memory destination that keeps the last record for each primary key and the last state of each stream."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
from sandbox_process import Sandbox

KEYS = {
    "members": "email",
    "api_keys": "api_key_id",
    "groups": "group_id",
    "projects": "project_reference",
    "credit_usage": "usage_id",
    "credit_usage_by_api_key": "usage_id",
}

Json = dict[str, Any]


def catalog(*streams: str) -> Json:
    """Return a configured catalog of these streams, deduplicated by primary key."""

    def configured(name: str) -> Json:
        modes = ["full_refresh", "incremental"][: 1 + name.startswith("credit_usage")]
        cursor = {"source_defined_cursor": True, "default_cursor_field": ["date"]}
        return {
            "stream": {"name": name, "json_schema": {}, "supported_sync_modes": modes, **cursor},
            "sync_mode": modes[-1],
            "destination_sync_mode": "append_dedup",
            "primary_key": [[KEYS[name]]],
        }

    return {"streams": [configured(name) for name in streams]}


ALL = catalog(*tuple(KEYS)[:5])
"""All streams except usage by API key, which takes one request per key and window."""
USAGE_ALONE = catalog("credit_usage")


class Warehouse:
    """The tables and states that a user has after some syncs."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Any, Json]] = {name: {} for name in KEYS}
        self.states: dict[str, Json] = {}

    def load(self, stdout: bytes) -> None:
        """Load the complete lines of the output in order, as a platform would."""
        for line in stdout[: stdout.rfind(b"\n") + 1].splitlines():
            message = msgspec.json.decode(line)
            if message["type"] == "RECORD":
                stream, row = message["record"]["stream"], message["record"]["data"]
                self.tables[stream][row[KEYS[stream]]] = row
            elif message["type"] == "STATE":
                self.states[message["state"]["stream"]["stream_descriptor"]["name"]] = message["state"]

    @property
    def state(self) -> list[Json]:
        """The state file for the next sync."""
        return [{"type": one["type"], "stream": one["stream"]} for one in self.states.values()]

    @property
    def usage_state(self) -> Json:
        """The last saved state of credit usage."""
        state: Json = self.states["credit_usage"]["stream"]["stream_state"]
        return state

    @property
    def usage(self) -> list[Json]:
        """The rows of credit usage in a destination that removes deleted rows."""
        return [row for row in self.tables["credit_usage"].values() if not row.get("_ab_cdc_deleted_at")]

    @property
    def deleted(self) -> list[Json]:
        """The deleted rows, which some destinations keep."""
        return [row for row in self.tables["credit_usage"].values() if row.get("_ab_cdc_deleted_at")]

    def check(self, sandbox: Sandbox, config: Mapping[str, Any]) -> None:
        """Fail unless credit usage equals the sandbox's ledger from `start_date` to `end_date`."""
        granularity = config.get("granularity", "day")
        query = {"granularity": granularity, "start_date": config["start_date"], "end_date": config["end_date"]}
        assert _added_up(self.usage, "date", "tool") == _added_up(sandbox.totals(**query), "date", "tool")
        people = [row for row in self.usage if row.get("user_email")]
        fields = ("date", "tool", "user_email", "project_reference")
        assert _added_up(people, *fields) == _added_up(sandbox.rows(**query), *fields)
        assert {row["granularity"] for row in self.usage} <= {granularity}
        # Deleted rows have zero figures, so the sums are the same whether or not a destination keeps these rows.
        assert not any(row["user_uses"] or row["user_credits"] or row.get("tool") for row in self.deleted)


def _added_up(rows: list[Json], *fields: str) -> Mapping[Any, int]:
    """Add up uses and credits for each combination of values in `fields`."""
    sums: defaultdict[Any, int] = defaultdict(int)
    for row in rows:
        for figure in ("user_uses", "user_credits"):
            sums[(*map(row.get, fields), figure)] += row[figure]
    return sums
