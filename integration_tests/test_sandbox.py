"""Check the sandbox against its OpenAPI contract, and test its command line.

The connector's unit tests check the sandbox's sums, and unit_tests/test_facts.py checks each quirk.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import requests
from sandbox_process import HUNG, ROOT
from venvs import SCHEMATHESIS

from sandbox import DEFAULT_KEY, Options, running
from sandbox.__main__ import main


def test_whatever_is_asked_the_answer_keeps_the_contract(tmp_path: Path) -> None:
    """Check each response's status (such as 401 without a key or 405 for a wrong method), content type and body."""
    with running(Options(today=date(2026, 3, 31), per_minute=0, per_day=0)) as base_url:
        command = [SCHEMATHESIS.program("schemathesis"), "run", ROOT / "sandbox" / "openapi.yaml", "--url", base_url]
        command += ["--header", f"x-magnific-api-key: {DEFAULT_KEY}", "--no-color", "--seed=1"]
        # A request that fits the schema can be refused: its range might be reversed or longer than the plan allows.
        command += ["--exclude-checks=positive_data_acceptance", "--phases=coverage,fuzzing"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "5 selected / 5 total" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--keys=501", "keys from 0 to 500"),
        ("--today=2026-02-30", "must be a valid date"),
        ("--quirk=half-emojy", "unknown quirk 'half-emojy'"),
        ('--quirk={"kind": "trickle"}', "trickle: missing a required argument: 'seconds'"),
        ('--quirk={"kind": "cut", "at": 0}', "positive integers"),
    ],
)
def test_a_mistyped_option_is_refused_in_words(capsys: pytest.CaptureFixture[str], option: str, words: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([option])
    assert words in capsys.readouterr().err


def test_the_command_says_where_it_is_and_ends_quietly() -> None:
    command = [sys.executable, "-m", "sandbox", "--json", '--quirk={"kind": "bom"}']
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    about = json.loads(process.stdout.readline())
    headers = {"x-magnific-api-key": about["api_key"]}
    answer = requests.get(f"{about['base_url']}/v1/analytics/team-groups", headers=headers, timeout=HUNG)
    os.kill(about["pid"], signal.SIGINT)
    assert (*process.communicate(timeout=HUNG), process.returncode) == ("", "", 0)
    assert json.loads(answer.content.decode("utf-8-sig"))["data"][0]["name"] == "Brand Studio"
