"""The custom class that lets the low-code manifest emit flat rows with all their fields."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import requests
from airbyte_cdk.sources.declarative.extractors import DpathExtractor


@dataclass
class UsageExtractor(DpathExtractor):
    """Extracts one record for each entry in a tool's breakdown."""

    def extract_records(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        for period in super().extract_records(response):
            day = period["date"][:10]
            for consumption in period["consumptions"]:
                for usage in consumption.get("user_usages") or ():
                    yield {"date": day, "granularity": "day", "tool": consumption["tool"], **usage}
