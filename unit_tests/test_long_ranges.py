"""Test that the connector requests shorter ranges if a server cannot handle long ones, and that tables stay exact."""

import gzip
import re
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from builders import Json, answer, entry, period, raw_config, tool
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import LISTS, USAGE, check, error, log, rows, sync
from pendulum import Date
from requests_mock import Mocker
from small_team import table, team
from warehouse_model import Fault, Warehouse, status

from sandbox.ledger import Entry
from source_magnific_analytics.config import LONGEST_RANGE_DAYS
from source_magnific_analytics.policy import POLICY
from source_magnific_analytics.windows import Granularity
from source_magnific_analytics.windows import plan as requests_for

TODAY = date(2026, 11, 22)


def raising(kind: type[Exception]) -> Fault:
    def fault(context: Any, body: bytes) -> bytes:
        raise kind

    return fault


def cut(context: Any, body: bytes) -> bytes:
    return body[: len(body) // 2]


def huge(context: Any, body: bytes) -> bytes:
    """Return a body that is small when compressed and too large when decompressed."""
    context.headers["Content-Encoding"] = "gzip"
    return gzip.compress(body[:-1] + b" " * POLICY.largest_body + b"}", 1)


# These faults mean that the range is too long, so the connector halves it at once.
AT_ONCE: dict[str, Fault] = {
    **{f"HTTP {code}": status(code) for code in (504, 413, 408)},
    "silence": raising(requests.exceptions.ReadTimeout),
    "a body over the cap": huge,
}
# These faults might be temporary, so the connector tries the same range once more.
PERHAPS: dict[str, Fault] = {
    **{f"HTTP {code}": status(code) for code in (503, 500)},
    "a dropped connection": raising(requests.exceptions.ConnectionError),
    "a body that breaks off": raising(requests.exceptions.ChunkedEncodingError),
    "a body that is cut": cut,
}
FAULTS = AT_ONCE | PERHAPS
SMALL = sorted({*FAULTS} - {"a body over the cap"})


def used(days: int, today: date = TODAY) -> list[Entry]:
    return [one for one in team(today, days) if one.day.toordinal() % 5 == 0]


def chosen_for(days: int, today: date = TODAY, **changes: Any) -> Json:
    return {"start_date": str(date.fromordinal(today.toordinal() - days + 1)), "granularity": "day", **changes}


@settings(max_examples=40)
@given(
    what=st.sampled_from(SMALL),
    longest=st.just(1) | st.integers(10, 180),
    granularity=st.sampled_from(Granularity),
    plan=st.sampled_from([*LONGEST_RANGE_DAYS]),
)
def test_a_sync_is_exact_whatever_is_too_much(what: str, longest: int, granularity: Granularity, plan: str) -> None:
    # Reading a whole year day by day would exceed the daily limit, so if `longest` is 1, only 40 days are synced.
    days, today = (40, date(2026, 2, 9)) if longest == 1 else (326, TODAY)
    chosen = chosen_for(days, today, granularity=granularity.value, plan=plan)
    warehouse, ledger = Warehouse(settings=chosen), used(days, today)
    assert warehouse.sync(ledger, today, too_long=longest, fault=FAULTS[what])
    assert warehouse.table() == table(ledger, chosen)
    first, last = (Date.fromisoformat(str(day)) for day in (chosen["start_date"], today))
    assert len(warehouse.asked) < 3 * len(requests_for(first, last, granularity, longest)) + 8


@pytest.mark.parametrize("what", FAULTS)
def test_a_range_halves_at_once_or_after_another_try(what: str, waits: list[float]) -> None:
    warehouse, ledger = Warehouse(settings=chosen_for(180)), used(180)
    assert warehouse.sync(ledger, TODAY, too_long=45, fault=FAULTS[what])
    ends = [(date.fromisoformat(query["start_date"]), query["end_date"]) for query in warehouse.asked]
    lengths = [(date.fromisoformat(end) - start).days + 1 for start, end in ends]
    expected = ([180, 90, 45, 45], []) if what in AT_ONCE else ([180, 180, 90, 45, 45], [5, 10, 20])
    assert (lengths[: len(expected[0])], waits[:3]) == expected
    words = what if what.startswith("HTTP") else "an? .*|no complete response in time"
    assert re.search(rf"A request for 90 days failed \(({words})\); now trying 45\.", warehouse.log)
    assert warehouse.table() == table(ledger, warehouse.settings)


def test_a_stated_wait_is_kept_before_the_halves(api: Mocker, waits: list[float]) -> None:
    api.post(USAGE, [{"status_code": 504, "headers": {"Retry-After": "30"}}, {"json": answer()}])
    assert not sync(raw_config()).errors
    assert waits == [30]


@pytest.mark.parametrize("what", SMALL)
def test_after_an_outage_the_next_sync_begins_with_full_ranges(what: str) -> None:
    warehouse = Warehouse(settings=chosen_for(400))
    assert not warehouse.sync([], TODAY, too_long=0, fault=FAULTS[what])
    [(kind, words)] = warehouse.errors
    assert kind == "transient_error"
    assert words.startswith("Could not read from Magnific (")
    assert f"after {len(warehouse.asked)} tries in a row. The next sync continues where this one stopped." in words
    assert len(warehouse.asked) <= 1 + POLICY.most_retries
    assert warehouse.state is None

    assert warehouse.sync(ledger := used(400), TODAY)
    assert (len(warehouse.asked), warehouse.table()) == (3, table(ledger, warehouse.settings))


def test_an_outage_of_a_few_requests_does_not_cost_short_ranges_for_years(api: Mocker) -> None:
    api.post(USAGE, [{"status_code": 503}] * 4 + [{"json": answer()}])
    assert not sync(raw_config(start_date="2023-11-23", plan="business")).errors
    # Without the outage, seven requests would be enough.
    assert api.call_count < 2 * 7 + 4 + 4


def test_what_has_no_parts_and_is_too_large_is_not_asked_for_again(api: Mocker, waits: list[float]) -> None:
    api.get(LISTS["members"], content=lambda _, context: huge(context, b'{"data": []}'))
    api.post(USAGE, content=lambda _, context: huge(context, b'{"data": []}'))
    for stream, most, advice in (
        ("members", 4, "This connector does not support lists that long. Please report this to the maintainers."),
        ("credit_usage", 24, "If one day of usage is that large, create a source for each of the team's groups"),
    ):
        kind, words = error(sync(raw_config(start_date=str(TODAY)), stream))
        assert kind == "system_error"
        assert words.startswith(f"Magnific sent a response of more than {most} MiB, which is too large for this")
        assert advice in words
    assert (api.call_count, waits) == (2, [])


def test_a_year_that_only_days_can_carry_is_an_error_that_advises_a_smaller_granularity() -> None:
    warehouse = Warehouse(settings=chosen_for(326, granularity="year"))
    assert not warehouse.sync([], TODAY, too_long=3)
    [(kind, words)] = warehouse.errors
    assert kind == "config_error"
    assert words.startswith("Magnific now returns at most ")
    assert "so one year of usage takes more than 80 of the day's 100 API requests. Choose a smaller gran" in words
    assert len(warehouse.asked) < 20


def test_an_outage_of_two_minutes_does_not_make_a_year_too_long(api: Mocker) -> None:
    api.post(USAGE, [*[{"status_code": 500}] * 6, {"json": answer()}])
    assert not sync(raw_config(start_date="2026-01-01", granularity="year")).errors
    assert api.call_count < 25


def test_a_limit_by_usage_instead_of_days_does_not_use_up_the_days_requests(api: Mocker) -> None:
    def usage(request: Any, context: Any) -> Json:
        start, end = (date.fromisoformat(request.json()[name]) for name in ("start_date", "end_date"))
        weekdays = [(start + timedelta(n)).weekday() < 5 for n in range((end - start).days + 1)]
        context.status_code = 504 if sum(weekdays) > 3 else 200
        return answer()

    api.post(USAGE, json=usage)
    assert error(sync(raw_config(start_date="2026-01-01", granularity="year")))[0] == "config_error"
    assert api.call_count < 40


def test_an_answer_gives_the_tries_of_its_range_back(api: Mocker) -> None:
    fault, empty = {"status_code": 425}, {"json": answer()}
    api.post(USAGE, [*[{"status_code": 504}] * 5, empty, *[fault] * 3, empty, *[fault] * 3, empty])
    assert not sync(raw_config()).errors


def test_a_year_of_too_many_rows_to_add_up_is_an_error_that_advises_a_smaller_granularity(api: Mocker) -> None:
    crowd = tool("Mystic", *[entry(f"user{n}@example.com") for n in range(70_000)])
    api.post(USAGE, json=lambda request, _: answer(period(request.json()["start_date"], crowd)))
    output = sync(raw_config(start_date="2026-01-01", granularity="year"))
    kind, words = error(output)
    assert (kind, rows(output), api.call_count) == ("config_error", [], 2)
    assert words.startswith(
        "One year of this team's usage is more than this connector can add up at once (24 MiB or 130,000 rows)"
    )
    assert "Choose a smaller granularity" in words


@pytest.mark.parametrize("usages", [[], [entry(credits=2**53 - 1)]])
def test_figures_that_add_up_beyond_what_is_exact_over_parts_are_refused(usages: list[Json], api: Mocker) -> None:
    def usage(request: Any, context: Any) -> Any:
        query = request.json()
        context.status_code = 200 if query["start_date"] == query["end_date"] else 504
        return answer(period(query["start_date"], tool("Mystic", *usages, uses=1, credits=2**53 - 1)))

    api.post(USAGE, json=usage)
    kind, words = error(sync(raw_config(start_date="2026-11-01", end_date="2026-11-02", granularity="month")))
    assert kind == "config_error"
    assert "more than this connector can add up at once" in words


def test_a_lookback_of_more_than_a_days_requests_comes_up_to_today_again_and_again() -> None:
    warehouse = Warehouse(settings=chosen_for(60, lookback_window_days=50))
    reached = []
    for n in range(8):
        today = Date(TODAY.year, TODAY.month, TODAY.day).add(days=n)
        warehouse.sync(used(60), today, too_long=1, fail_at=40)
        assert warehouse.state
        reached.append(warehouse.state["date"] == str(today))
    assert sum(reached) > 2


@pytest.mark.parametrize("what", ["HTTP 504", "a dropped connection"])
@pytest.mark.parametrize("plan", LONGEST_RANGE_DAYS)
def test_a_check_succeeds_with_a_warning(plan: str, what: str, api: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    def usage(request: Any, context: Any) -> bytes:
        query = request.json()
        body = b'{"data": []}'
        return body if query["start_date"] == query["end_date"] else FAULTS[what](context, body)

    api.post(USAGE, content=usage)
    assert check(raw_config(plan=plan))
    assert f"A request for {LONGEST_RANGE_DAYS[plan]} days failed, so the plan was not verified." in caplog.text
    assert api.call_count <= 3


def test_a_long_sync_reports_after_each_window_but_the_last_what_is_left(api: Mocker) -> None:
    api.post(USAGE, json=answer())
    lines = [line for line in log(sync(raw_config(**chosen_for(400)))).split("\n") if "days are left" in line]
    assert [line.partition("; ")[2] for line in lines] == [
        "220 days are left. This sync has used 1 of the day's 100 API requests.",
        "40 days are left. This sync has used 2 of the day's 100 API requests.",
    ]
