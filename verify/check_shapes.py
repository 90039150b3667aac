"""Check individual responses: format, headers and status."""

import json
import re
from collections import Counter

from source_magnific_analytics import decoding, usage
from source_magnific_analytics.streams import ApiKeys, Groups, Members, Projects
from source_magnific_analytics.waiting import http_date
from source_magnific_analytics.windows import DateRange, Request, period_of
from verify.assumptions import NOT_SEEN, Judged, judges, listed, share
from verify.check_fields import not_as_documented
from verify.probe_answers import Answer, Seen

_LISTS = {"members": Members, "api_keys": ApiKeys, "groups": Groups, "projects": Projects}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_LIMIT = re.compile(
    r"(x-)?rate-?limit(-(limit|remaining|reset|used|policy|requests|day|minute))*|retry-after", re.IGNORECASE
)


def _usage(seen: Seen) -> list[Answer]:
    return [answer for answer in seen.right if answer.question.request]


@judges("Every request is answered on the first try")
def answered(seen: Seen) -> Judged:
    # A response that refuses a range (400) also counts as an answer.
    odd = [answer for answer in seen.answers.values() if answer.status not in (200, 400)]
    words = listed(Counter(answer.failure or f"HTTP {answer.status}" for answer in odd))
    right = len(seen.answers) - len(odd)
    told = f"{right} of {len(seen.answers)} were answered" + (f"; {words}" if odd else "")
    return (not odd, told) if seen.answers else NOT_SEEN


@judges("The connector understands every response")
def understood(seen: Seen) -> Judged:
    refused: Counter[str] = Counter()
    for answer in seen.right:
        try:
            if asked := answer.question.request:
                # A sync's requests always begin on the first day of a period, but a probe's might not.
                whole = DateRange(period_of(asked.range.start, asked.granularity).start, asked.range.end)
                usage.decode(bytearray(answer.body), Request(whole, asked.granularity))
            else:
                list(decoding.rows(bytearray(answer.body), _LISTS[answer.question.name].row_type))
        except decoding.UNREADABLE as error:
            refused[str(decoding.contract_error(bytearray(answer.body), error))] += 1
    told = f"{len(seen.right) - refused.total()} of {len(seen.right)} are understood; {listed(refused)}"
    return (not refused, told.removesuffix("; ")) if seen.right else NOT_SEEN


@judges("Responses have the documented fields and no others")
def fields(seen: Seen) -> Judged:
    odd = listed(sum((not_as_documented(answer) for answer in seen.right), Counter()))
    return (not odd, odd or "no response has any other field") if seen.right else NOT_SEEN


@judges("Uses and credits are whole numbers of 0 or more, written as 12 and not as 12.0")
def figures(seen: Seen) -> Judged:
    bodies = b"".join(answer.body for answer in seen.right)
    forms = Counter(map(_written, re.findall(rb'"user_(?:uses|credits)": *([^,}\]\s]*)', bodies)))
    told = ", ".join(f"{form} ({share(count, forms.total())})" for form, count in sorted(forms.items()))
    return (set(forms) == {"12"}, f"written as {told}") if forms else (None, "no response has a figure")


def _written(figure: bytes) -> str:
    if not re.fullmatch(rb"-?\d+(\.\d+)?", figure):
        return "not a figure"
    whole, _, part = figure.partition(b".")
    return f"{'-' * whole.startswith(b'-')}12{'.5' if part.strip(b'0') else '.0' if part else ''}"


@judges("Text contains only characters that every warehouse accepts")
def texts(seen: Seen) -> Judged:
    found: Counter[str] = Counter()
    for answer in seen.right:
        text = json.dumps(answer.json, ensure_ascii=False, default=str)
        found["a byte order mark"] += answer.body.startswith(b"\xef\xbb\xbf")
        found["bytes that are not UTF-8"] += isinstance(answer.json, UnicodeDecodeError)
        found["a NUL"] += text.count("\\u0000")
        found["an unpaired surrogate"] += len(re.findall("[\ud800-\udfff]", text))
    return (not +found, listed(found) or "no text needs repair") if seen.right else NOT_SEEN


@judges("A period's date is midnight in UTC")
def dates(seen: Seen) -> Judged:
    forms = Counter(_form(text) for answer in _usage(seen) for text in answer.texts("date"))
    right = all(re.fullmatch(r"T00:00:00(\.0+)?(Z|\+00:00)", form) for form in forms)
    return (right, listed(forms)) if forms else (None, "no response has a period")


def _form(text: str) -> str:
    return (text[10:] or "a day without a time") if _MOMENT.fullmatch(text) else "not a date-time"


@judges("A response contains each period once, and each period contains each tool once")
def once(seen: Seen) -> Judged:
    periods = [answer.texts("date") for answer in _usage(seen)]
    tools = [[(tool.day, tool.name) for tool in answer.tools] for answer in _usage(seen)]
    again = [sum(len(items) - len(set(items)) for items in several) for several in (periods, tools)]
    told = f"{again[0]:,} periods are repeated; {again[1]:,} tools are repeated within a period"
    return (not any(again), told) if any(periods) else (None, "no response has a period")


@judges("The rows of each list have unique keys, and every API key's `created_at` is a date-time")
def lists(seen: Seen) -> Judged:
    told, lacking = [], 0
    for name, stream in _LISTS.items():
        if answer := seen.good(name):
            rows = answer.rows
            keys = {str(key) for row in rows if isinstance(key := row.get(stream.primary_key), str | int)}
            told.append(f"{len(rows):,} {name.replace('_', ' ')}, {len(rows) - len(keys):,} without a unique key")
            lacking += len(rows) - len(keys)
            if name == "api_keys":
                undated = sum(_form(str(row.get("created_at"))) == "not a date-time" for row in rows)
                told.append(f"{undated:,} without a date-time as `created_at`")
                lacking += undated
    return (not lacking, "; ".join(told)) if told else NOT_SEEN


@judges("Response headers state the request limits")
def limits(seen: Seen) -> Judged:
    found: dict[str, list[str]] = {}
    for answer in seen.answers.values():
        for name, value in answer.headers.items():
            if _LIMIT.fullmatch(name):
                other = "a date" if http_date(value) else "another kind of value"
                found.setdefault(name.lower(), []).append(value if re.fullmatch(r"\d{1,13}", value) else other)
    told = [f"{name}: first {values[0]}, last {values[-1]}" for name, values in sorted(found.items())]
    return (bool(told), "; ".join(told) or "no response has a rate-limit header") if seen.answers else NOT_SEEN


@judges("The `Date` header is within a minute of this machine's clock")
def clock(seen: Seen) -> Judged:
    apart = [answer.clock for answer in seen.answers.values() if answer.clock is not None]
    # Round to ten seconds, so that the page does not reveal exact times.
    farthest = max(apart, key=abs, default=0)
    told = f"{abs(farthest) // 10 * 10:.0f} seconds {'ahead' if farthest > 0 else 'behind'} at most"
    return (abs(farthest) < 60, told) if apart else (None, "no response has a Date")
