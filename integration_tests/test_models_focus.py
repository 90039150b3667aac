"""Compare the FOCUS mart with the ledger, and check it with the FOCUS validator."""

import json
import re
import subprocess
from collections import Counter
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from built_models import Built
from dbt_project import MODELS
from destinations import DuckDb
from synced_twice import GROUP, NEW_GROUP_NAME
from venvs import FOCUS


def test_focus_has_one_row_for_each_row_of_usage_and_tags_that_are_json(built: Built) -> None:
    quoted = '"ChargePeriodStart", "SkuId", "SubAccountId", "x_GroupName", "ConsumedQuantity", "PricingQuantity"'
    money = '"BilledCost", "ListCost", "EffectiveCost", "BillingCurrency"'
    found = built.ask(f'SELECT {quoted}, {money}, "Tags", "SubAccountName" FROM magnific__focus')
    assert Counter(row[:10] for row in found) == Counter(
        (
            *(datetime(row.date.year, row.date.month, row.date.day), row.tool, row.project, row.group),
            *(row.uses, row.credits, 0, *(row.credits * price for price in row.price), "EUR"),
        )
        for row in built.expected
    )
    for row in found:
        tags = {"magnific/group": row[3], "magnific/project": row[11]}
        assert json.loads(row[10]) == {key: value for key, value in tags.items() if value is not None}
    assert {NEW_GROUP_NAME, GROUP.name} < {row[3] for row in found}


# The FOCUS conditions that apply to Magnific, which has no commitment discounts, regions or resources.
HOLDS = (
    *("ACCOUNT_NAMING", "NEGOTIATED_PRICING", "PUBLIC_PRICE_LIST", "USAGE_MEASUREMENT", "UNIT_PRICING", "SUB_ACCOUNT"),
    *("PRICING_BILLING_CURRENCY_DIFFERENCES", "VIRTUAL_CURRENCY", "TAGGING"),
)
EXPECTED_FAILURES = {
    # The validator accepts only ISO codes; the specification also allows a virtual currency's name.
    *("PricingCurrency-C-003-M", "PricingCurrency-C-000-C"),
    # The validator accepts only ASCII; the specification also allows names such as Café.
    *("SubAccountName-C-002-M", "SubAccountName-C-000-C"),
    # Usage that is paid in advance has no invoice. This rule is one side of an OR, and the other side holds.
    "InvoiceId-C-005-C",
}


@pytest.mark.parametrize("built", ["duckdb"], indirect=True)
def test_the_focus_validator_reports_only_its_own_mistakes(built: Built, tmp_path: Path) -> None:
    file = tmp_path / "focus.parquet"
    assert isinstance(built.target, DuckDb)
    with duckdb.connect(built.target.path, read_only=True) as connection:
        connection.execute(f"COPY {MODELS}.magnific__focus TO '{file}' (FORMAT parquet)")
    program = FOCUS.program("focus-validator")
    [packages] = FOCUS.folder.glob("lib/python3*/site-packages")
    criteria = ",".join(f"{name}_SUPPORTED" for name in HOLDS)
    options = ["--validate-version=1.2", "--block-download", f"--applicability-criteria={criteria}"]
    # The validator finds its rules only if it runs in its own site-packages folder. Its exit code is always 0.
    done = subprocess.run([program, *options, f"--data-file={file}"], cwd=packages, capture_output=True, text=True)
    [counts] = re.findall(r"^Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)", done.stdout, re.MULTILINE)
    failures = set(re.findall(r"^- ([\w-]+): violations=", done.stdout, re.MULTILINE))
    assert failures == EXPECTED_FAILURES, done.stdout
    assert [int(count) for count in counts] == [578, 246, len(failures), 327]
