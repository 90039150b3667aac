"""Which line of an export has the headings, and which column is which: found by what the headings mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from demo.comparison.cells import SEPARATORS, Record, records
from demo.origin import DemoError

# A heading that ends in what has a name is no figure, whatever else it says: "usage tool", but not "uses per tool".
_NO_NAME = (
    r"(?!.*(?<!\bby )(?<!\bper )\b"
    r"(tool|feature|product|model|e ?mail|address|user|member|person|project|group|team|name|id|reference)$)"
)
# What a heading says, in small letters and single spaces. The first expression that any heading is like counts, and a
# heading goes to the first column that takes it: "usage date" is a date, "user credits" are credits.
_MEANINGS = {
    "date": (
        r"(usage )?(date|day)( utc)?",
        r"(bucket|period)( start)?|(start )?(date|time|datetime|timestamp)",
        r".*\b(date|day)\b.*",
    ),
    "credits": (
        r"credits",
        r"(user |total )?credits?( used| spent| consumed| usage)?",
        rf"{_NO_NAME}.*\bcredits?\b.*",
    ),
    "uses": (
        r"(user )?uses|usages?( count)?|(use )?count",
        r".*\b(uses|usages?|count|times|quantity|generations)",
        rf"{_NO_NAME}.*\b(uses|usages?|count|times|quantity|generations)\b.*",
    ),
    "person": (
        r"(user |member )?e ?mail( address)?",
        r".*\be ?mails?\b.*",
        r"user|member|person",
        r".*\b(user|member|person)\b.*",
    ),
    "tool": (r"(ai )?tool( name)?", r"feature|product|service|model", r".*\b(tool|feature|product)\b.*"),
    "project": (r"project( name)?", r"project (reference|id|uuid)", r".*\bproject\b.*"),
    "group": (r"(user |team )?group( name)?", r".*\bgroup( name\b.*)?", r"team|department"),
}
NEEDED = ("date", "tool", "credits")
COLUMNS = ("date", "tool", "person", "uses", "credits", "project", "group")
_LINES_LOOKED_AT = 20


@dataclass(frozen=True)
class Headings:
    """`columns` are numbers of cells, from 0, by the names of `COLUMNS`; `doubtful`, those that others may be, too."""

    separator: str
    line: int
    cells: Sequence[str]
    columns: Mapping[str, int]
    doubtful: Mapping[str, Sequence[int]]


def find_headings(file: Path, content: str, named: Mapping[str, str], people: bool) -> Headings:
    """The line, and with it the separator, in which most columns are found.

    named: headings that are known, by the names of `COLUMNS`. Raises DemoError where none has all that is needed, or
    where a column is not certain.
    """
    found: list[Headings] = []
    first_words: list[str] = []
    for separator in SEPARATORS:
        above: list[Record] = []
        # A quote that does not end is no matter here: under the right separator whoever reads the rows will say so.
        with suppress(DemoError):
            above.extend(islice(records(file, content, separator), _LINES_LOOKED_AT))
        found += filter(None, (_headings(record, separator, named) for record in above))
        if above and len(above[0].cells) > len(first_words):
            first_words = above[0].cells
    if not found:
        seen = ", ".join(f'"{shown(cell, people)}"' for cell in first_words[:8]) or "nothing"
        wanted = [*NEEDED[:-1], *(f'"{heading}"' for heading in named.values()), NEEDED[-1]]
        raise DemoError(
            f"No line among the first {_LINES_LOOKED_AT} of {file} has headings for {', '.join(wanted[:-1])} and "
            f"{wanted[-1]}; the first one reads {seen}. See that it is the dashboard's CSV export, or name its "
            'columns, such as  --column "credits=Points" .'
        )
    best = max(found, key=lambda headings: len(headings.columns))
    for name, numbers in best.doubtful.items():
        both = [best.cells[number] for number in numbers[:2]]
        if both[0] == both[1]:
            raise DemoError(
                f'Line {best.line} of {file} has the heading "{both[0]}" more than once: give the column that is not '
                f"{name} another one there, or take it away."
            )
        raise DemoError(
            f'Line {best.line} of {file} has more than one heading that may mean {name}, "{both[0]}" and "{both[1]}": '
            f'say which one by  --column "{name}={both[0]}" .'
        )
    return best


def _headings(record: Record, separator: str, named: Mapping[str, str]) -> Headings | None:
    """None where a line has no headings for all that is needed or named."""
    cells = [tidy(cell) for cell in record.cells]
    there = {name: found for name, heading in named.items() if (found := _numbers(cells, heading))}
    columns = {name: numbers[0] for name, numbers in there.items()}
    doubtful = {name: numbers for name, numbers in there.items() if len(numbers) > 1}
    plain = [_plain(cell) for cell in cells]
    for name, meanings in _MEANINGS.items():
        if name in named:
            continue
        free = [number for number in range(len(plain)) if number not in columns.values()]
        alike = next(filter(None, ([n for n in free if re.fullmatch(one, plain[n])] for one in meanings)), [])
        if alike:
            columns[name] = alike[0]
        if len(alike) > 1:
            doubtful[name] = alike
    if any(name not in columns for name in (*NEEDED, *named)):
        return None
    return Headings(separator, record.line, cells, columns, doubtful)


def _numbers(cells: Sequence[str], wanted: str) -> list[int]:
    """Where a heading is: written just so, else in other capitals."""
    wanted = tidy(wanted)
    same = [number for number, cell in enumerate(cells) if cell == wanted]
    return same or [number for number, cell in enumerate(cells) if cell.casefold() == wanted.casefold()]


def _plain(heading: str) -> str:
    """
    >>> _plain("User_E-Mail (UTC)"), _plain("usageCount")
    ('user e mail utc', 'usage count')
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    return " ".join(re.sub(r"[\W_]+", " ", apart).casefold().split())


@cache
def tidy(name: str) -> str:
    r"""A name as it is compared: no matter how its spaces, its accents and its line breaks are written.

    >>> tidy(" Onboarding\r\n Films ")
    'Onboarding Films'
    """
    return " ".join(unicodedata.normalize("NFC", name.replace("\0", "")).split())


def shown(text: str, people: bool) -> str:
    """A cell in an error: in one short line, and without an address unless `people`.

    >>> shown("480 credits", False), shown("nora@team.example", False)
    ('480 credits', '(not shown: it may be an address)')
    """
    if "@" in text and not people:
        return "(not shown: it may be an address)"
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= 40 else f"{text[:40]}…"
