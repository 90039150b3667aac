"""The page: each assumption, whether it holds, and what was seen, as text and as JSON."""

from __future__ import annotations

import textwrap
from typing import Any

from facts.asking import Asked
from facts.assumptions import ASSUMPTIONS
from facts.seen import Seen
from source_magnific_analytics.config import Config

_VERDICTS = {True: "holds", False: "does not hold", None: "could not be seen"}
_WIDTH = 100


def page(config: Config, asked: Asked, *, is_sandbox: bool) -> dict[str, Any]:
    """What there is to show, without anything of the team: counts, shares, shapes."""
    seen = Seen(config, asked.answers)
    judged = [(one, *one.judge(seen)) for one in ASSUMPTIONS]
    return {
        "asked": "a sandbox" if is_sandbox else "Magnific",
        "day": str(config.today),
        "plan": config.plan,
        "requests": len(asked.answers),
        "stopped": asked.stopped or None,
        "assumptions": [
            {
                "name": one.name,
                "assumption": one.statement,
                "verdict": _VERDICTS[holds],
                "seen": words,
                "otherwise": one.otherwise.replace("*", ""),
            }
            for one, holds, words in judged
        ],
    }


def as_text(content: dict[str, Any]) -> str:
    """The same to read and to paste."""
    lines = [
        f"What source-magnific-analytics takes for granted, asked of {content['asked']} on {content['day']} "
        f"(plan {content['plan']}, {content['requests']} requests)"
    ]
    if content["stopped"]:
        lines += _paragraph(f"Stopped early. {content['stopped']}. What was learned until then:")
    for verdict in (_VERDICTS[False], _VERDICTS[None], _VERDICTS[True]):
        found = [one for one in content["assumptions"] if one["verdict"] == verdict]
        lines += ["", f"{verdict.upper()} ({len(found)})"] if found else []
        for one in found:
            lines += _paragraph(f"- {one['assumption']}: {one['seen']}.")
            if verdict == _VERDICTS[False]:
                lines += _paragraph(f"  What then: {one['otherwise']}.")
    return "\n".join(lines)


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
