"""What stands in a column of an export: days and figures, whose form the whole column decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pendulum

DAY_FIRST, MONTH_FIRST = "day-first", "month-first"
COMMA, POINT = "comma", "point"
_MARKS = {COMMA: ",", POINT: "."}

_ISO_WEEK = "YYYY [W]WW"
# Forms without a day, and the period that they name, which stands for its first day.
_PERIODS = {
    "YYYY/M": "month",
    "M/YYYY": "month",
    "MMM YYYY": "month",
    "YYYY MMM": "month",
    _ISO_WEEK: "week",
    "YYYY [Q]Q": "quarter",
    "[Q]Q YYYY": "quarter",
    "YYYY": "year",
}
# Of what `_spelled` makes of a day, each with the order of day and month in it.
_FORMS = {
    "YYYY/M/D": None,
    "D/M/YYYY": DAY_FIRST,
    "M/D/YYYY": MONTH_FIRST,
    "D/M/YY": DAY_FIRST,
    "M/D/YY": MONTH_FIRST,
    "D MMM YYYY": None,
    "MMM D YYYY": None,
    "D MMM YY": None,
    **dict.fromkeys(_PERIODS),
}
_MOMENT = re.compile(
    r"(?P<day>.*\d)(?:T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?P<rest>:\d\d(?:[.,]\d+)?)?\s*(?P<half>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)
_GAPS = re.compile(r"(?<=\d)[\s'\N{RIGHT SINGLE QUOTATION MARK}](?=\d{3})")


class AmbiguousError(Exception):
    """A column can be read in two ways; `example` is a value of it."""

    def __init__(self, example: str) -> None:
        super().__init__(example)
        self.example = example


class UnreadableError(Exception):
    """`index` is that of the first value that is not like the others, `example` one of those, if any."""

    def __init__(self, index: int, example: str | None) -> None:
        super().__init__(index, example)
        self.index = index
        self.example = example


@dataclass(frozen=True)
class Days:
    """`order` is that of day and month where it had to be found out; `local`: there are times of no known zone.

    size: what each value names: a day, or a week, month, quarter or year, of which `days` has the first day.
    """

    days: Sequence[date]
    order: str | None
    local: bool
    size: str = "day"


def read_days(values: Sequence[str], order: str | None = None) -> Days:
    """Days in UTC. Raises UnreadableError, and AmbiguousError where `order` would have to say what the column does not.

    >>> read_days(["05/03/2026", "31/03/2026"]).days[0], read_days(["5 Mar 2026"]).days[0]
    (datetime.date(2026, 3, 5), datetime.date(2026, 3, 5))
    >>> read_days(["2026-03-05T23:30:00-05:00"]).days
    [datetime.date(2026, 3, 6)]
    >>> [read_days([value]).size for value in ("2026-03-05", "2026-W10", "Mar 2026", "03/2026", "2026-Q1", "2026")]
    ['day', 'week', 'month', 'month', 'quarter', 'year']
    """
    moments = [_MOMENT.fullmatch(value) for value in values]
    written = [_spelled(moment["day"] if moment else value) for moment, value in zip(moments, values, strict=True)]
    forms = [form for form, its_order in _FORMS.items() if not (order and its_order) or its_order == order]
    found = {form: _parsed(dict.fromkeys(written), form) for form in forms}
    whole = [form for form in forms if all(found[form].values())]
    if not whole:
        best = max(forms, key=lambda form: sum(day is not None for day in found[form].values()))
        index = next(number for number, text in enumerate(written) if not found[best][text])
        like = next((value for value, text in zip(values, written, strict=True) if found[best][text]), None)
        raise UnreadableError(index, like)
    best = whole[0]
    for other in whole[1:]:
        if doubtful := [number for number, text in enumerate(written) if found[other][text] != found[best][text]]:
            raise AmbiguousError(values[doubtful[0]])
    days = [
        (found[best][text] or date.min) + timedelta(days=_days_to_utc(moment) if moment else 0)
        for text, moment in zip(written, moments, strict=True)
    ]
    local = any(moment and not moment["zone"] and _minutes(moment) for moment in moments)
    return Days(days, _FORMS[best], local, _PERIODS.get(best, "day"))


def _spelled(day: str) -> str:
    """
    >>> [_spelled(day) for day in ("2026-03-05", "20260305", "5.3.2026", "Thursday, March 5th, 2026", "5-MAR-26")]
    ['2026/03/05', '2026/03/05', '5/3/2026', 'Mar 5 2026', '5 Mar 26']
    """
    if re.fullmatch(r"\d{8}", day):
        return f"{day[:4]}/{day[4:6]}/{day[6:]}"
    if not re.search("[A-Za-z]", day):
        return re.sub(r"\s*[-/.]\s*", "/", day)
    without_weekday = re.sub(r"(?i)\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*", "", day)
    without_ordinals = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", without_weekday)
    words = re.split(r"[\s,.\-/]+", without_ordinals.strip(" ,."))
    return " ".join(word[:3].capitalize() if word.isalpha() else word for word in words)


def _parsed(texts: Iterable[str], form: str) -> dict[str, date | None]:
    def day(text: str) -> date | None:
        try:
            if form == _ISO_WEEK:
                week = re.fullmatch(r"(2\d{3}) W(\d{1,2})", text)
                return date.fromisocalendar(int(week[1]), int(week[2]), 1) if week else None
            found = pendulum.from_format(text, form)
        except ValueError:
            return None
        # YYYY takes a year of two digits for one of antiquity.
        return date(found.year, found.month, found.day) if found.year > 1999 else None

    return {text: day(text) for text in texts}


def _minutes(moment: re.Match[str]) -> int:
    """Since midnight; a part of a minute counts as one."""
    hour, half = int(moment["hour"]), (moment["half"] or "").lower()
    hour = hour % 12 + 12 * (half == "pm") if half else hour
    return hour * 60 + int(moment["minute"]) + bool(re.search("[1-9]", moment["rest"] or ""))


def _days_to_utc(moment: re.Match[str]) -> int:
    """What to add to the day: nothing at midnight of whatever zone, which stands for the day itself."""
    minutes, zone = _minutes(moment), moment["zone"] or ""
    if not minutes or not zone.startswith(("+", "-")):
        return 0
    digits = zone[1:].replace(":", "")
    offset = (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if zone[0] == "-" else 1)
    return (minutes - offset) // (24 * 60)


@dataclass(frozen=True)
class Figures:
    """`mark` is the decimal one where it had to be found out; `doubtful`, a value that was taken for a whole number."""

    figures: Sequence[Decimal]
    mark: str | None
    doubtful: str | None


def read_figures(values: Sequence[str], mark: str | None = None) -> Figures:
    """Exact figures. `mark` (comma or point) is the decimal one, found out where it is None.

    Raises UnreadableError, and AmbiguousError where 1,234 can be both.

    >>> [str(one) for one in read_figures(["1.480,50", "12"]).figures]
    ['1480.50', '12']
    >>> [str(one) for one in read_figures(["1,480", "12"]).figures]
    ['1480', '12']
    """
    plain = [_GAPS.sub("", value).replace("\N{MINUS SIGN}", "-") for value in values]
    said = mark or next(filter(None, map(_decimal_mark, plain)), None)
    doubtful = None
    if said is None and (grouped := [value for value in plain if re.search("[.,]", value)]):
        doubtful = grouped[0]
        # Groups of three digits are thousands only where smaller figures have none and larger ones all have them.
        others = [value for value in plain if not re.search("[.,]", value)]
        if (
            not others
            or any(len(value.strip("-")) > 3 for value in others)
            or len({_sign_in(one) for one in grouped}) > 1
        ):
            raise AmbiguousError(doubtful)
        said = POINT if _sign_in(doubtful) == "," else COMMA
    decimal = _MARKS[said or POINT]
    thousands = "," if decimal == "." else "."
    right = re.compile(rf"-?(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+)(?:{re.escape(decimal)}\d+)?")
    wrong = next((number for number, value in enumerate(plain) if not right.fullmatch(value)), None)
    if wrong is not None:
        raise UnreadableError(wrong, next((value for value in plain if right.fullmatch(value)), None))
    return Figures([Decimal(value.replace(thousands, "").replace(decimal, ".")) for value in plain], said, doubtful)


def _sign_in(value: str) -> str:
    return "," if "," in value else "."


def _decimal_mark(value: str) -> str | None:
    """What one figure says about its decimal mark; None where it says nothing.

    >>> [_decimal_mark(value) for value in ("1.480,5", "1,480,000", "0,125", "1500.125", "1,480", "480")]
    ['comma', 'point', 'comma', 'point', None, None]
    """
    signs = [sign for sign in value if sign in ".,"]
    if not signs:
        return None
    last = COMMA if signs[-1] == "," else POINT
    if len(set(signs)) == 2:
        return last
    if len(signs) > 1:
        return POINT if last == COMMA else COMMA
    return None if re.fullmatch(r"-?[1-9]\d{0,2}[.,]\d{3}", value) else last
