"""Calculate the load that many teams put on the platform and on Magnific: `python simulate.py [TEAMS]`.

Each team syncs once a day, with start times spread evenly over a few hours. Airbyte's launchers start a limited number
of syncs at a time (`workloadLauncher.parallelism` x `replicaCount`); the other syncs wait. Once a sync has started, it
no longer counts against this limit. If the cluster has room, the sync then runs in one pod until it finishes. In the
worst case, a pod sends all its REQUESTS at once as soon as it is up. All teams share one IP address, which Magnific
limits to 50 requests in 5 seconds and to 10 requests a second over 2 minutes.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from dataclasses import dataclass
from heapq import heappush, heapreplace
from itertools import product

LAUNCH = 30
"""Assumed time for a launcher to start a pod, in seconds; the real time depends on the cluster and on image pulls."""
SECONDS = 120
"""Assumed lifetime of a pod, in seconds; the real time depends on the cluster and the destination."""
REQUESTS = 5
"""Requests per daily sync of all streams except `credit_usage_by_api_key`."""
MEBIBYTES = 256 + 1024 + 512
"""Memory of one pod: a tested limit for the source, and assumptions for the destination and the orchestrator."""
IN_5_SECONDS = 50
IN_2_MINUTES = 1200


@dataclass(frozen=True)
class Load:
    """The peak load on the platform and on Magnific. Times are in seconds; syncs wait for a free launcher."""

    at_once: int
    in_5_seconds: int
    in_2_minutes: int
    longest_wait: float
    last_end: float

    @property
    def fits(self) -> bool:
        return self.in_5_seconds <= IN_5_SECONDS and self.in_2_minutes <= IN_2_MINUTES


def simulate(teams: int, launches: int, hours: float) -> Load:
    """
    Return the load on Magnific and the platform if at most `launches` syncs start at a time. If `hours` is 0, all
    syncs are scheduled for the same moment.

    >>> simulate(1000, 10, 0).in_5_seconds
    50
    >>> simulate(1000, 40, 0).fits
    False
    """
    free: list[float] = []
    starts: list[float] = []
    waits: list[float] = []
    for number in range(teams):
        planned = number * hours * 3600 / teams
        if len(free) < launches:
            start = planned
            heappush(free, start + LAUNCH)
        else:
            start = max(planned, free[0])
            heapreplace(free, start + LAUNCH)
        starts.append(start)
        waits.append(start - planned)
    starts.sort()
    asked = [start for start in starts for _ in range(REQUESTS)]

    def most(moments: list[float], length: float) -> int:
        return max(bisect_left(moments, moment + length) - i for i, moment in enumerate(moments))

    return Load(most(starts, SECONDS), most(asked, 5), most(asked, 120), max(waits), max(starts) + SECONDS)


def table(teams: int) -> str:
    """Return a Markdown table of the load for several combinations of launches and hours."""
    names = "launching, spread over, pods at once, GiB, requests in 5 s, in 2 min, longest wait, done after, fits"
    rows = [names.split(", "), ["---"] * 9]
    for launches, hours in product((10, 40), (0, 1, 4)):
        load = simulate(teams, launches, hours)
        row = [launches, f"{hours} h", load.at_once, f"{load.at_once * MEBIBYTES / 1024:.1f}", load.in_5_seconds]
        row += [load.in_2_minutes, f"{load.longest_wait / 60:.0f} min", f"{load.last_end / 3600:.1f} h"]
        rows.append([*map(str, row), "yes" if load.fits else "no"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
