"""Any legal answer about credit usage, for rules that say "every"."""

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

from builders import OTHER_PROJECT, PROJECT, period
from hypothesis import strategies as st

FIGURES = st.integers(0, 10**12)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
EXTRA = st.dictionaries(st.sampled_from(["plan", "unit"]), st.none() | st.integers() | st.text(max_size=3), max_size=1)
USAGES = st.fixed_dictionaries(
    {"user_uses": FIGURES, "user_credits": FIGURES},
    optional={
        "user_email": st.sampled_from([None, "", "ann@example.com", "Ann@example.com", "bob@example.com"]) | NAMES,
        "project_reference": st.sampled_from([None, PROJECT, OTHER_PROJECT]),
        "group_name": st.none() | NAMES,
        "region": st.text(max_size=2),
    },
)


def total(usages: Iterable[Any] | None, figure: str) -> int:
    return sum(one[figure] for one in usages or [])


@st.composite
def pieces(draw: st.DrawFn) -> dict[str, Any]:
    """A consumption with any breakdown: absent, null, empty, partial, complete or too large."""
    usages = draw(st.none() | st.lists(USAGES, max_size=4))
    missing = draw(st.tuples(*[st.sampled_from([0, 0, 1, 250, -1])] * 2))
    piece = {
        "tool": draw(st.sampled_from(["Upscaler", "Mystic", "Größer 大", 'a"\\\n\x7f\u2028']) | NAMES),
        "user_uses": max(total(usages, "user_uses") + missing[0], 0),
        "user_credits": max(total(usages, "user_credits") + missing[1], 0),
        **draw(EXTRA),
    }
    return piece if usages is None and draw(st.booleans()) else {**piece, "user_usages": usages}


# A date may come in several periods and a tool several times in each.
PERIODS = st.lists(
    st.builds(
        lambda day, parts, extra: period(f"2026-03-0{day}", *parts, **extra),
        st.integers(1, 3),
        st.lists(pieces(), max_size=4),
        EXTRA,
    ),
    max_size=5,
)


def totals(periods: list[dict[str, Any]], figure: str) -> dict[tuple[str, str], tuple[int, int]]:
    """For each date and tool: the stated total, and the sum of the breakdown."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for part in periods:
        for piece in part["consumptions"]:
            both = sums[part["date"][:10], piece["tool"]]
            both[0] += piece[figure]
            both[1] += total(piece.get("user_usages"), figure)
    return {key: (stated, broken_down) for key, (stated, broken_down) in sums.items()}


def shuffled(periods: list[dict[str, Any]], random: Random) -> list[dict[str, Any]]:
    """The same answer in another order, its dates and tools cut into more pieces."""
    parts = []
    for part in periods:
        for piece in part["consumptions"]:
            usages = list(piece.get("user_usages") or [])
            random.shuffle(usages)
            cut = random.randint(0, len(usages))
            rest = {**piece, "user_uses": 0, "user_credits": 0, "user_usages": usages[cut:]}
            parts += [{**part, "consumptions": [{**piece, "user_usages": usages[:cut]}]}]
            parts += [{**part, "consumptions": [rest]}]
    random.shuffle(parts)
    return parts
