"""A small team's usage, defined entry by entry. The sandbox serves it, and the sandbox's oracle adds it up."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from hypothesis import strategies as st

from sandbox import truth
from sandbox.answers import credit_usage
from sandbox.ledger import Entry, History, Ledger
from sandbox.query import Query, read_query
from sandbox.quirk_functions import in_pieces, with_empty_periods
from sandbox.team import Group, Person, Project, Team
from sandbox.wire_format import Asked

START = date(2026, 1, 1)
# Generated usage often falls on these days: the last and the first day of a month, and the last day of a week.
BUSY_DAYS = (date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 3))
FILM, PRINT = "0b7c1f9e-52a4-4c1d-9a8e-3f6d2b5e7a10", "5d1e0c3a-9b47-4a86-8f21-c07e64d2b983"
ANN, BOB, EVE = (f"{name}@example.com" for name in ("ann", "bob", "eve"))
# Responses contain null instead of these addresses, so two entries of a breakdown might differ only in their group.
NAMELESS = ("designer@nameless.example", "filmer@nameless.example", "guest@nameless.example")
GROUP_OF = {ANN: 1, "ann1@example.com": 1, "ann2@example.com": 1, BOB: 2, NAMELESS[0]: 1, NAMELESS[1]: 2}
TEAM = Team(
    people=tuple(Person(email, "member", "active", (group,)) for email, group in GROUP_OF.items()),
    groups=(Group(1, "Design"), Group(2, "Film")),
    projects=(Project(FILM, "Spring Film"), Project(PRINT, "Größe 大")),
    api_keys=(),
)
MANNERS = {"awkward": in_pieces, "empty-periods": with_empty_periods}


class Given(History):
    """A history that consists of the given entries. Today's usage is complete, as if the day were over."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__(TEAM, seed=0)
        in_order = sorted(entries, key=attrgetter("day"))
        self._given = {day: tuple(found) for day, found in groupby(in_order, key=attrgetter("day"))}

    def on(self, day: date) -> tuple[Entry, ...]:
        return self._given.get(day, ())

    so_far = on


def entries(last: date) -> st.SearchStrategy[Entry]:
    """Generate entries from `START` to `last`, by members, non-members or nobody. Negative credits are rebates."""
    return st.builds(
        Entry,
        day=st.dates(START, last) | st.sampled_from(BUSY_DAYS),
        tool=st.sampled_from(["Upscaler", "Mystic", "Größer 大"]),
        user_email=st.sampled_from([None, ANN, BOB, EVE, *NAMELESS]),
        api_key_id=st.none(),
        project_reference=st.sampled_from([None, FILM, PRINT]),
        uses=st.integers(1, 9),
        credits=st.integers(-90, 900),
    )


def team(last: date, days: int, version: int = 0) -> list[Entry]:
    """Return usage on every second day of the `days` days up to `last`.

    Versions 1 and 2 are what Magnific later reports for the same usage. Ann's address and some credits have changed,
    unattributed usage now has a user, and one day in every two weeks has been refunded. In version 2, PRINT is gone.
    """
    used = []
    for day in (last - timedelta(n) for n in range(days - 1, -1, -1) if (last - timedelta(n)).toordinal() % 2):
        if version and day.toordinal() % 14 == 2 * version + 1:
            continue
        used += [
            Entry(day, "Mystic", f"ann{version or ''}@example.com", None, FILM, 2, 20),
            Entry(day, "Mystic", BOB, None, None if version == 2 else PRINT, 3, 30),
            Entry(day, "Upscaler", BOB if version else None, None, None, 1, 7 + version),
        ]
    return used


def answer(ledger: Ledger, query: Query, manner: Collection[str] = ()) -> dict[str, Any]:
    """Return the sandbox's response with the changes named in `manner`. Addresses in NAMELESS are replaced by null."""
    found = credit_usage(ledger, query)
    for name in manner:
        found = MANNERS[name](found, Asked(ledger, query))
    for consumption in (one for period in found["data"] for one in period["consumptions"]):
        for usage in consumption.get("user_usages") or []:
            if usage["user_email"] in NAMELESS:
                usage["user_email"] = None
    return found


# Uses and credits by granularity, first day, tool, user and project. Rows in which both are zero are omitted.
Table = dict[tuple[str, str, str, str | None, str | None], tuple[int, int]]


def table(used: Sequence[Entry], settings: dict[str, Any]) -> Table:
    """Return the table that the oracle expects for the usage in `used` under these settings."""
    granularity, end = settings["granularity"], settings.get("end_date", str(date.max))
    first = date.fromisoformat(truth.first_day(date.fromisoformat(settings["start_date"]), granularity))
    last = min(max((one.day for one in used), default=START), date.fromisoformat(end))
    filters = {name: settings[name] for name in ("group_ids", "project_references") if name in settings}
    query = read_query({"granularity": granularity, **filters}, last, None).between(first, last)
    ledger = Ledger(Given(used), last)
    named, unnamed = truth.rows(ledger, query), truth.unnamed(ledger, query)
    # After a rebate, a breakdown can exceed its total. In that case, no unattributed usage remains.
    broken_down = {(row["date"], row["tool"]) for row in named}
    for rest in unnamed:
        if (rest["date"], rest["tool"]) in broken_down:
            rest |= {name: max(rest[name], 0) for name in ("user_uses", "user_credits")}
    for row in named:
        if row["user_email"] in NAMELESS:
            row["user_email"] = None
    return table_of_rows({**row, "granularity": granularity} for row in (*named, *unnamed))


def table_of_rows(rows: Iterable[dict[str, Any]]) -> Table:
    """Add up the rows of a deduplicated table."""
    uses: Counter[Any] = Counter()
    credits: Counter[Any] = Counter()
    for row in rows:
        key = tuple(row.get(name) for name in ("granularity", "date", "tool", "user_email", "project_reference"))
        uses[key] += row["user_uses"]
        credits[key] += row["user_credits"]
    return {key: (uses[key], credits[key]) for key in uses if uses[key] or credits[key]}
