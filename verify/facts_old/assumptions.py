"""What the connector takes for granted, one by one, and what happens where it is otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from facts import comparisons, delivery, shapes
from facts.seen import Judged, Seen

_FAILS = "The sync ends with an error that names the part, and stores nothing of that answer"


class Assumption(NamedTuple):
    statement: str
    otherwise: str
    """What the connector then does; it stands in docs/reliability.md, too."""
    judge: Callable[[Seen], Judged]

    @property
    def name(self) -> str:
        return self.judge.__name__


ASSUMPTIONS = (
    Assumption(
        "A range holds its first and its last day",
        "**The connector rests on this**: each window's last day would be missing from the table",
        comparisons.end_date,
    ),
    Assumption(
        "The same days add up to the same by day, week and month",
        "**The connector rests on this**: a table by month is what Magnific says by month, not what its days add up to",
        comparisons.sizes,
    ),
    Assumption(
        "A period that the range cuts holds the days inside alone",
        "Periods are asked for whole. With an `end_date` inside one, that one may hold later days, too",
        comparisons.edges,
    ),
    Assumption(
        "As many days as the plan allows are answered at once, both ends counted",
        "Where they are refused, test and sync end with an error in Magnific's words. Where they are too much for it, "
        "they are asked for in parts",
        comparisons.longest,
    ),
    Assumption(
        "One day more is refused with a 400 that names the range",
        "Nothing where more is answered. An error in other words lacks the hint at `plan` or `start_date`",
        comparisons.one_more,
    ),
    Assumption(
        "A date of any age is accepted",
        "The first sync ends with an error that says to set a later `start_date`",
        comparisons.age,
    ),
    Assumption(
        "Today's period is there while the day goes on",
        "Usage arrives in the table a day later: the lookback window reads the day again",
        shapes.today,
    ),
    Assumption(
        "Every request is answered at the first try",
        "It is tried again, asked for in parts, or ends the sync with an error that says what came back",
        delivery.answered,
    ),
    Assumption("The connector understands every answer", _FAILS, shapes.understood),
    Assumption(
        "Answers have the documented fields, of the documented kinds, and no others",
        "More fields pass in the small streams and are left out of usage. Where one that is needed is missing or of "
        "another kind, the sync ends with an error",
        shapes.fields,
    ),
    Assumption(
        "Uses and credits are whole numbers from 0 up, written like 12",
        "`12.0` is 12, and a figure below zero is handed on. With anything else the sync ends with an error",
        shapes.figures,
    ),
    Assumption(
        "Texts are what every warehouse takes",
        "NUL, half characters and a byte order mark are mended. With bytes that are not UTF-8 the sync ends with an "
        "error",
        shapes.texts,
    ),
    Assumption(
        "A period is dated by a midnight in UTC",
        "A midnight of another offset and a date without a time are the day that they name. With any other time the "
        "sync ends with an error",
        shapes.dates,
    ),
    Assumption("A period is dated by its own first day, a week by its Monday", _FAILS, shapes.first_days),
    Assumption(
        "A period comes once in an answer, and a tool once in it",
        "Pieces are added up; an exact copy would count double",
        shapes.once,
    ),
    Assumption(
        "A user, project and group come once in a tool's breakdown",
        "Each time is a row of its own; sums are the same",
        shapes.entries_once,
    ),
    Assumption("A period without usage is left out", "An empty one is the same", shapes.empty),
    Assumption(
        "Periods, tools and users come in an order", "Rows are sorted before they get their places", shapes.order
    ),
    Assumption(
        "A tool's breakdown adds up to its total",
        "What it lacks becomes a row that names nobody, so that sums equal the total",
        shapes.breakdown,
    ),
    Assumption(
        "No breakdown exceeds its total",
        "**Rows are handed on as they are**, so that their sum exceeds the total; the log says by how much",
        shapes.excess,
    ),
    Assumption("Whatever is used costs credits", "Rows with uses and 0 credits are rows like others", shapes.free),
    Assumption(
        "What goes through API keys is part of the team's usage",
        "**The connector hands on what Magnific says of each key**, so that `credit_usage` minus "
        "`credit_usage_by_api_key` is not the rest; the log says by how much the keys exceed the total",
        comparisons.keys_total,
    ),
    Assumption(
        "Usage through API keys names a person",
        "It becomes a row that names nobody",
        comparisons.keys_people,
    ),
    Assumption(
        "Everybody with usage is in the list of members",
        "The rows are there; a join with `members` has to be an outer one",
        comparisons.members,
    ),
    Assumption(
        "Every project with usage is in the list of projects",
        "The rows are there, with the project's name; a join with `projects` has to be an outer one",
        comparisons.projects,
    ),
    Assumption(
        "Rows of lists have keys of their own, and API keys a date-time as `created_at`",
        "Without a key the sync ends with an error, rows with the same key replace each other; another `created_at` is "
        "left empty",
        shapes.lists,
    ),
    Assumption(
        "Answers tell the limits in headers",
        "A refusal (429) tells the wait; where it does not, the connector waits 60 and 120 seconds, then ends the sync",
        delivery.limits,
    ),
    Assumption(
        "`Date` is within a minute of this machine's clock",
        "Days are this machine's, in UTC; where Magnific refuses one as future, the sync reads up to Magnific's own",
        delivery.clock,
    ),
    Assumption(
        "The largest answer is within 24 MiB, 200,000 entries and 120 seconds",
        "Ranges are asked for in parts, the table is the same",
        delivery.size,
    ),
)
