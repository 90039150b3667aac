"""A connection that syncs usage by API key alone, and its table, as they live for years in front of the sandbox."""

from collections import Counter, defaultdict
from datetime import date
from typing import Any

from airbyte_cdk.models import SyncMode
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput
from builders import raw_config
from in_process import rows, states, sync
from pendulum import Date
from sandbox_api import SandboxApi

STREAM = "credit_usage_by_api_key"
TODAY = Date(2026, 3, 31)
CONFIG = raw_config(start_date="2026-03-01")


def team(**options: Any) -> SandboxApi:
    return SandboxApi(today=date(2026, 3, 31), **options)


class Connection:
    """A deduplicated table of the stream and its state, filled by sync after sync."""

    def __init__(self, api: SandboxApi, **changes: Any) -> None:
        self.api = api
        self.config = {**CONFIG, **changes}
        self.table: dict[str, dict[str, Any]] = {}
        self.state: dict[str, Any] | None = None

    def sync(
        self, today: Date = TODAY, *streams: str, mode: SyncMode = SyncMode.incremental, at: str = "12:00"
    ) -> EntrypointOutput:
        self.api.asked.clear()
        self.api.lists.clear()
        self.api.control("today", {"date": str(today)})
        with self.api.serving():
            output = sync(self.config, *streams, STREAM, state=self.state, today=today, usage_mode=mode, at=at)
        for row in rows(output, STREAM):
            self.table[row["usage_id"]] = row
            if row.get("_ab_cdc_deleted_at"):
                del self.table[row["usage_id"]]
        self.state = states(output, STREAM)[-1] if states(output, STREAM) else self.state
        return output

    def totals(self) -> dict[str, dict[tuple[str, str], int]]:
        """Credits of each key by date and tool."""
        sums: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
        for row in self.table.values():
            sums[row["api_key_id"]][row["date"], row["tool"]] += row["user_credits"]
        return {key: dict(figures) for key, figures in sums.items()}

    def truth(self) -> dict[str, dict[tuple[str, str], int]]:
        start = self.config["start_date"]
        result = {}
        for key in self.api.client.get("/v1/analytics/team-api-keys", headers=self.api.headers).json["data"]:  # type: ignore[index]
            name = key["api_key_id"]
            found = self.api.control(
                f"ledger?start_date={start}&granularity={self.config.get('granularity', 'day')}&api_key_ids={name}"
            )
            if found:
                result[name] = {(row["date"], row["tool"]): row["user_credits"] for row in found}
        return result

    def keys_asked(self) -> Counter[str]:
        return Counter(body["api_key_ids"][0] for body in self.api.asked if "api_key_ids" in body)
