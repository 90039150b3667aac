"""How answers come: at once or not, how large and how fast, and what their headers say."""

from __future__ import annotations

import re
from collections import Counter

from facts.seen import NOT_SEEN, Judged, Seen, listed
from source_magnific_analytics.policy import POLICY
from source_magnific_analytics.waiting import http_date

_LIMIT = re.compile(
    r"(x-)?rate-?limit(-(limit|remaining|reset|used|policy|requests|day|minute))*|retry-after", re.IGNORECASE
)


def answered(seen: Seen) -> Judged:
    # A refusal of a range is an answer, too.
    odd = [answer for answer in seen.answers.values() if answer.status not in (200, 400)]
    words = Counter(answer.failure or f"HTTP {answer.status}" for answer in odd)
    if not seen.answers:
        return NOT_SEEN
    return not odd, f"{len(seen.answers) - len(odd)} of {len(seen.answers)} were answered" + (
        f"; {listed(words)}" if odd else ""
    )


def limits(seen: Seen) -> Judged:
    found: dict[str, list[str]] = {}
    for answer in seen.answers.values():
        for name, value in answer.headers.items():
            if _LIMIT.fullmatch(name):
                other = "a date" if http_date(value) else "a value of another form"
                shown = value if re.fullmatch(r"\d{1,13}", value) else other
                found.setdefault(name.lower(), []).append(shown)
    told = [f"{name}: {values[0]} at first, {values[-1]} at last" for name, values in sorted(found.items())]
    if not seen.answers:
        return NOT_SEEN
    return bool(told), "; ".join([*told, *_refusals_count(seen)]) or "no header about limits was met"


def _refusals_count(seen: Seen) -> list[str]:
    """Whether the refused range cost a request, where a header tells of those that are left."""
    refused = seen.answers.get("one_more")
    if refused is None or refused.status != 400:
        return []
    left = [one.headers.get("x-ratelimit-remaining", "") for one in (seen.answers["longest"], refused)]
    if not all(re.fullmatch(r"\d{1,13}", one) for one in left):
        return []
    return [f"a refused range counts as a request: {'yes' if int(left[1]) < int(left[0]) else 'no'}"]


def clock(seen: Seen) -> Judged:
    apart = [answer.clock for answer in seen.answers.values() if answer.clock is not None]
    if not apart:
        return None, "no answer has a Date"
    # To ten seconds: two machines' clocks are nobody's business.
    farthest = max(apart, key=abs)
    return abs(farthest) < 60, f"{abs(farthest) // 10 * 10:.0f} seconds {'ahead' if farthest > 0 else 'behind'} at most"


def size(seen: Seen) -> Judged:
    beyond = [f"{one.question.words}: {one.failure}" for one in seen.answers.values() if one.too_much]
    if not seen.right:
        return (False, "; ".join(beyond)) if beyond else NOT_SEEN
    largest = max(seen.right, key=lambda answer: len(answer.body))
    encoding = largest.headers.get("Content-Encoding", "").lower()
    named = encoding if encoding in ("gzip", "br", "deflate", "zstd") else "another way" if encoding else "not at all"
    told = (
        f"{_kilobytes(len(largest.body))} for {largest.question.words}, {_kilobytes(largest.size)} as it travelled "
        f"(compressed: {named}), in {largest.seconds:.1f} seconds"
    )
    if beyond:
        return False, f"{'; '.join(beyond)}; the largest that was read: {told}"
    return largest.seconds <= POLICY.read_timeout, told


def _kilobytes(count: int) -> str:
    return f"{max(round(count / 1000), 1):,} kB"
