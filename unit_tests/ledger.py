"""What a team used, entry by entry, and what Magnific would answer about it, added up without the connector."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

START = date(2026, 1, 1)
TOOLS = ("Upscaler", "Mystic", "Größer 大")
EMAILS = (None, "ann@example.com", "bob@example.com")
PROJECTS = (None, "0b7c1f9e-52a4-4c1d-9a8e-3f6d2b5e7a10", "5d1e0c3a-9b47-4a86-8f21-c07e64d2b983")
GROUPS = (None, "Design", "Film")


class Used(NamedTuple):
    """Some uses of one tool on one day; what is not attributed counts in the tool's totals alone."""

    day: date
    tool: str
    email: str | None
    project: str | None
    group: str | None
    uses: int
    credits: int
    attributed: bool


def entries(last: date) -> st.SearchStrategy[Used]:
    """Any one entry from `START` to `last`. A rebate (fewer credits than attributed) is among them."""
    return st.builds(
        Used,
        day=st.integers(0, (last - START).days).map(lambda n: START + timedelta(n)),
        tool=st.sampled_from(TOOLS),
        email=st.sampled_from(EMAILS),
        project=st.sampled_from(PROJECTS),
        group=st.sampled_from(GROUPS),
        uses=st.integers(1, 9),
        credits=st.integers(0, 900),
        attributed=st.booleans(),
    )


def team(last: date, days: int, version: int = 0, reach: int | None = None) -> list[Used]:
    """A team's usage on every second of the `days` up to `last`.

    As Magnific tells it later (`version` 1, then 2) of the last `reach` days, or of all: an address is another one,
    what nobody was named for has found its user, a project is gone, a day in each fortnight was refunded.
    """
    film, print_ = PROJECTS[1:]
    used = []
    for day in (last - timedelta(n) for n in range(days - 1, -1, -1) if (last - timedelta(n)).toordinal() % 2):
        told = version if reach is None or (last - day).days <= reach else 0
        if told and day.toordinal() % 14 == 2 * told + 1:
            continue
        bob = "bob@example.com"
        used += [
            Used(day, "Mystic", f"ann{told or ''}@example.com", film, "Design", 2, 20, attributed=True),
            Used(day, "Mystic", bob, None if told == 2 else print_, "Film", 3, 30, attributed=True),
            Used(day, "Upscaler", bob if told else None, None, None, 1, 7 + told, attributed=bool(told)),
        ]
    return used


def bucket_of(day: date, granularity: str) -> date:
    match granularity:
        case "week":
            return day - timedelta(day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day


def filtered(ledger: Iterable[Used], filters: dict[str, Any]) -> list[Used]:
    """The usage of the projects and groups that are named; of all where none is."""
    projects, groups = filters.get("project_references"), filters.get("group_ids")
    return [
        used
        for used in ledger
        if (not projects or used.project in {project.lower() for project in projects})
        and (not groups or used.group in {GROUPS[number] for number in groups})
    ]


def answered(ledger: Iterable[Used], query: dict[str, Any]) -> dict[str, Any]:
    """The API's answer to a request's body `query`; newest first, since no order is promised."""
    first, last = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
    ledger = filtered(ledger, query)
    buckets: dict[date, dict[str, list[Used]]] = defaultdict(lambda: defaultdict(list))
    for used in ledger:
        if first <= used.day <= last:
            buckets[bucket_of(used.day, query["granularity"])][used.tool].append(used)
    return {
        "data": [
            {
                "date": f"{day}T00:00:00.000Z",
                "consumptions": [_consumption(tool, used) for tool, used in sorted(tools.items(), reverse=True)],
            }
            for day, tools in sorted(buckets.items(), reverse=True)
        ]
    }


def _consumption(tool: str, used: list[Used]) -> dict[str, Any]:
    usages: dict[tuple[str | None, ...], list[int]] = defaultdict(lambda: [0, 0])
    for one in used:
        if one.attributed:
            sums = usages[one.email, one.project, one.group]
            sums[0] += one.uses
            sums[1] += one.credits
    consumption: dict[str, Any] = {
        "tool": tool,
        "user_uses": sum(one.uses for one in used),
        "user_credits": sum(one.credits for one in used),
    }
    if usages:
        consumption["user_usages"] = [
            {
                "user_email": email,
                "user_uses": uses,
                "user_credits": credits,
                "project_reference": project,
                "project_name": project and f"Project {project[0]}",
                "group_name": group,
            }
            for (email, project, group), (uses, credits) in usages.items()
        ]
    return consumption


# Uses and credits by length of period, first day, tool, user and project, without rows of nothing.
Table = dict[tuple[str, str, str, str | None, str | None], tuple[int, int]]


def table(ledger: Iterable[Used], granularity: str) -> Table:
    """What a warehouse should hold of `ledger`."""
    return _summed(
        (
            (granularity, str(bucket_of(used.day, granularity)), used.tool)
            + ((used.email, used.project) if used.attributed else (None, None)),
            used.uses,
            used.credits,
        )
        for used in ledger
    )


def table_of_rows(rows: Iterable[dict[str, Any]]) -> Table:
    """The same of a deduplicated table's rows."""
    return _summed(
        (
            (row["granularity"], row["date"], row.get("tool"), row.get("user_email"), row.get("project_reference")),
            row["user_uses"],
            row["user_credits"],
        )
        for row in rows
    )


def _summed(figures: Iterable[tuple[Any, int, int]]) -> Table:
    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for key, uses, credits in figures:
        sums[key][0] += uses
        sums[key][1] += credits
    return {key: (uses, credits) for key, (uses, credits) in sums.items() if uses or credits}
