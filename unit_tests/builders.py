"""Build API responses, connector configurations and saved states."""

import json
from typing import Any

from pendulum import Date

from source_magnific_analytics.config import Config, parse

Json = dict[str, Any]

KEY = "fpk-7c1e5b90a2d44f68"
TODAY = Date(2026, 11, 22)
PROJECT = "0b7c1f9e-52a4-4c1d-9a8e-3f6d2b5e7a10"
OTHER_PROJECT = "5d1e0c3a-9b47-4a86-8f21-c07e64d2b983"


def entry(email: str | None = "ann@example.com", uses: int = 1, credits: int = 10, **more: Any) -> Json:
    """Return one entry of a tool's breakdown."""
    return {"user_email": email, "user_uses": uses, "user_credits": credits, **more}


def tool(name: str, *usages: Json, uses: int | None = None, credits: int | None = None, **more: Any) -> Json:
    """Return a tool's usage in a period. By default, the totals are the sums of the breakdown."""
    return {
        "tool": name,
        "user_uses": sum(usage["user_uses"] for usage in usages) if uses is None else uses,
        "user_credits": sum(usage["user_credits"] for usage in usages) if credits is None else credits,
        "user_usages": list(usages),
        **more,
    }


def period(day: str, *consumptions: Json, **more: Any) -> Json:
    """Return a period that starts on `day` (YYYY-MM-DD)."""
    return {"date": f"{day}T00:00:00Z", "consumptions": list(consumptions), **more}


def answer(*periods: Json) -> Json:
    return {"data": list(periods)}


def body(*periods: Json) -> bytes:
    """Return a response body as the API sends it."""
    return json.dumps(answer(*periods)).encode()


def raw_config(**changes: Any) -> Json:
    """Return a configuration as a user would enter it. Pass None to remove a property."""
    raw = {"api_key": KEY, "start_date": "2026-11-01", **changes}
    return {name: value for name, value in raw.items() if value is not None}


def config(today: Date = TODAY, **changes: Any) -> Config:
    return parse(raw_config(**changes), today)


def saved_state(date: str, **changes: Any) -> Json:
    """Return a state that matches `raw_config()`. Pass None to remove a key."""
    state = {"date": date, "granularity": "day", "start_date": "2026-11-01", "filters": {}, "rows": {}, **changes}
    return {name: value for name, value in state.items() if value is not None}
