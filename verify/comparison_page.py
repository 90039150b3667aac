"""Format the result of a comparison as one page of text, for a terminal or a file."""

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from verify.difference_reasons import Row, other_things, words

USUAL_ROWS, WIDTH = 10, 100
MINUS, DOT = "\N{MINUS SIGN}", "\N{MIDDLE DOT}"


@dataclass(frozen=True)
class Comparison:
    """The result. `synced`, `sums` and `differing` are rows from `synced_table.sql` and `differences.sql`. `rows` is
    the number of compared rows, and `people` says whether to show email addresses."""

    sources: Mapping[str, str]
    synced: Row
    rows: int
    sums: Sequence[Row]
    differing: Sequence[Row]
    people: bool

    def page(self, everything: bool) -> str:
        """Return the page. If `everything` is false, show only the rows with the largest differences."""
        lines = ["Magnific's export compared with the synced table", ""]
        lines += [line for sign, text in self.sources.items() if text for line in _item(sign, self._clean(text), 9)]
        lines += ["", *_balance(self.sums), "", *textwrap.wrap(self._verdict(), WIDTH)]
        reasons = dict.fromkeys(row["reason"] for row in self.differing)
        letters = {reason: chr(ord("a") + number) for number, reason in enumerate(reasons)}
        wrong = [row for row in self.sums if row["credits"] or row["uses"]]
        lines += _grid("By tool and day", wrong, everything, self._place)
        lettered = [{**row, "letter": letters[row["reason"]]} for row in self.differing]
        lines += _grid("Row by row", lettered, everything, self._place)
        lines += ["", "Possible reasons"] if self.differing else []
        for reason, letter in letters.items():
            rows = [row for row in self.differing if row["reason"] == reason]
            credits = _change(sum((row["credits"] for row in rows), Decimal(0)))
            lines += _item(letter, f"{_count(len(rows), 'row')}, {credits} credits. {words(reason, self.synced)}")
            for names in dict.fromkeys(map(self._renamed, rows)) if reason == "names" else ():
                lines += _item("", names)
        more = other_things(self.synced) if self.differing else []
        lines += ["", "Also"] if more else []
        return "\n".join([*lines, *(line for text in more for line in _item(DOT, text))])

    def _verdict(self) -> str:
        rows, sums = _count(self.rows, "row"), f"{_count(len(self.sums), 'sum')} by tool and day"
        if not self.sums:
            return "Neither side has usage on these days, so there is nothing to compare."
        if not self.differing:
            return f"They match down to the last credit: {rows} and {sums}."
        days = {row["day"] for row in self.sums}
        right = days - {row["day"] for row in self.differing}
        wrong = sum(bool(row["credits"] or row["uses"]) for row in self.sums)
        return (
            f"They differ in {len(self.differing):,} of {rows} and in {wrong:,} of {sums}. "
            f"On {len(right):,} of {_count(len(days), self.synced['granularity'])} with usage, everything agrees."
        )

    def _place(self, row: Row) -> str:
        """Return two lines: a row's day and tool, then its names and where to find it on each side."""
        person = "nobody" if row.get("person", "") is None else row.get("person") if self.people else None
        names = [self._clean(name) for name in (person, row.get("project"), row.get("group")) if name]
        sides = filter(None, (row.get("their_rows"), row.get("our_rows")))
        names += [rows[0] + (f" +{len(rows) - 1}" if len(rows) > 1 else "") for rows in sides]
        first = f"{row.get('letter', '')} {row['day']} {self._clean(row['tool'])}"
        return f"{first.strip()}\n{f' {DOT} '.join(names)}"

    def _renamed(self, row: Row) -> str:
        """Return the names that differ between the table and the export."""
        return "; ".join(
            "an address (--people shows it)"
            if kind == "person" and not self.people
            else f'{kind} "{self._clean(ours or "")}" in the table, "{self._clean(row[kind] or "")}" in the export'
            for kind, ours in row["other"].items()
            if ours != row[kind]
        )

    def _clean(self, name: str) -> str:
        """Return a name without control characters and, unless `people` is set, without email addresses."""
        printable = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in name)
        return printable if self.people else re.sub(r"\S+@\S+", "(address)", printable)


def _balance(sums: Sequence[Row]) -> Iterator[str]:
    yield f"{'':<9}{'Export':>18}{'Table':>18}{f'Export {MINUS} table':>18}"
    for name in ("credits", "uses"):
        theirs, ours = (sum((row[f"{side}_{name}"] for row in sums), Decimal(0)) for side in ("their", "our"))
        yield f"{name.capitalize():<9}{_figure(theirs):>18}{_figure(ours):>18}{_change(theirs - ours):>18}"


def _grid(title: str, rows: Sequence[Row], everything: bool, place: Callable[[Row], str]) -> Iterator[str]:
    """Yield two lines for each row. The first shows the day, tool and figures; the second shows the names."""
    shown = rows if everything else rows[:USUAL_ROWS]
    more = f", the {len(shown):,} largest of {len(rows):,} (--all shows the rest)" if len(shown) < len(rows) else ""
    if rows:
        yield from ("", title + more, f"{'':<48}{'Export':>14}{'Table':>14}{'Credits ±':>14}{'Uses ±':>10}")
    for row in shown:
        first, _, second = place(row).partition("\n")
        *above, last = textwrap.wrap(first, 47)
        theirs, ours = _figure(row["their_credits"]), _figure(row["our_credits"])
        yield from above
        yield f"{last:<48}{theirs:>14}{ours:>14}{_change(row['credits']):>14}{_change(row['uses']):>10}"
        yield from _item("", second)


def _item(sign: str, text: str, indent: int = 3) -> list[str]:
    lines = textwrap.wrap(text, WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return [f"{sign if not number else '':<{indent}}{line}" for number, line in enumerate(lines)]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _figure(value: Decimal) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def _change(value: Decimal) -> str:
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{_figure(abs(value))}"
