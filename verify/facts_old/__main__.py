"""`python -m facts [FOLDER]`: asks Magnific what the connector takes for granted, and makes a page of it.

MAGNIFIC_API_KEY, and optionally MAGNIFIC_PLAN and MAGNIFIC_START_DATE, name the team. Without a key it asks a sandbox
that it starts itself. The page may be shown in public: it holds counts, shares and shapes, and nothing of the team.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pendulum
from airbyte_cdk.utils import AirbyteTracedException

from demo.origin import FOLDER, origin_from
from facts.asking import ask
from facts.page import as_text, page
from facts.questions import MOST_REQUESTS
from source_magnific_analytics.config import parse
from source_magnific_analytics.policy import REQUESTS_A_DAY

JSON_FILE = "facts.json"


def main(argv: Sequence[str] | None = None) -> int:
    """0 where the page is whole, 1 where something ended it early."""
    parser = argparse.ArgumentParser("python -m facts", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"for {JSON_FILE}; default: {FOLDER}/")
    folder: Path = parser.parse_args(argv).folder
    today = pendulum.now("UTC").date()
    try:
        with origin_from(os.environ, today) as origin:
            config = parse(origin.config, today)
            where = (
                "a sandbox on this machine, since MAGNIFIC_API_KEY is not set" if origin.is_sandbox else config.base_url
            )
            print(
                f"Asking {where}: at most {MOST_REQUESTS} of the day's {REQUESTS_A_DAY} API requests.\n"
                "They only read, and cost no credits. Nothing of the team is printed or kept: no key, no address, no "
                "name, no figure of credits."
            )
            asked = ask(config, print)
    except AirbyteTracedException as error:
        print(error.message, file=sys.stderr)
        return 1
    content = page(config, asked, is_sandbox=origin.is_sandbox)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / JSON_FILE
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(f"\n{as_text(content)}\n\nThe same as JSON is in {file}.")
    return 1 if asked.stopped else 0


if __name__ == "__main__":
    sys.exit(main())
