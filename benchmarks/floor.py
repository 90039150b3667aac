"""The raw floor: a minimal script that turns one response into lines that look like records.

Run `python floor.py BASE_URL FIRST_DAY LAST_DAY`. The script has no checks, primary keys, state, retries or logs.
"""

import sys
import time

import orjson
import requests


def main() -> None:
    """Fetch the response, decode and flatten it, and write the rows."""
    base_url, first, last = sys.argv[1:]
    response = requests.post(
        f"{base_url}/v1/analytics/team-credit-usage",
        json={"granularity": "day", "start_date": first, "end_date": last},
        headers={"x-magnific-api-key": "benchmark"},
        timeout=120,
    )
    response.raise_for_status()
    emitted_at = int(time.time() * 1000)
    write = sys.stdout.buffer.write
    for period in orjson.loads(response.content)["data"]:
        day = period["date"][:10]
        for consumption in period["consumptions"]:
            tool = consumption["tool"]
            for usage in consumption.get("user_usages", ()):
                data = {"date": day, "granularity": "day", "tool": tool, **usage}
                record = {"stream": "credit_usage", "data": data, "emitted_at": emitted_at}
                write(orjson.dumps({"type": "RECORD", "record": record}, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
