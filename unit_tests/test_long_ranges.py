"""A server that cannot answer long ranges: they shrink by themselves, and the table is exact."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
import requests
import requests_mock
from builders import answer, entry, period, raw_config, tool
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import LISTS, USAGE, check, error, rows, sync
from ledger import table, team
from pendulum import Date
from warehouse_model import Fault, Warehouse, status

from sandbox.ledger import Entry
from source_magnific_analytics.config import LONGEST_RANGE_DAYS
from source_magnific_analytics.policy import POLICY
from source_magnific_analytics.windows import Granularity, plan

TODAY = date(2026, 11, 22)


def raising(kind: type[Exception]) -> Fault:
    def fault(context: Any, body: bytes) -> bytes:
        raise kind

    return fault


def cut(context: Any, body: bytes) -> bytes:
    return body[: len(body) // 2]


def huge(context: Any, body: bytes) -> bytes:
    return body[:-1] + b" " * POLICY.largest_body + b"}"


FAULTS: Mapping[str, Fault] = {
    **{f"HTTP {code}": status(code) for code in (504, 503, 500, 413, 408)},
    "a dropped connection": raising(requests.exceptions.ConnectionError),
    "a body that breaks off": raising(requests.exceptions.ChunkedEncodingError),
    "a body that is cut": cut,
    "silence": raising(requests.exceptions.ReadTimeout),
}


def used(days: int, today: date = TODAY) -> list[Entry]:
    return [one for one in team(today, days) if one.day.toordinal() % 5 == 0]


def chosen_for(days: int, today: date = TODAY, **changes: Any) -> dict[str, Any]:
    return {"start_date": str(date.fromordinal(today.toordinal() - days + 1)), "granularity": "day", **changes}


def fewest(chosen: dict[str, Any], today: date, longest: int) -> int:
    first, last = (Date.fromisoformat(str(day)) for day in (chosen["start_date"], today))
    return len(plan(first, last, Granularity(chosen["granularity"]), longest))


@settings(max_examples=60)
@given(
    what=st.sampled_from([*FAULTS]),
    longest=st.just(1) | st.integers(10, 180),
    granularity=st.sampled_from(Granularity),
    plan=st.sampled_from([*LONGEST_RANGE_DAYS]),
)
def test_a_first_sync_is_complete_and_exact_whatever_range_is_too_much(
    what: str, longest: int, granularity: Granularity, plan: str
) -> None:
    # A year in single days takes more than a day's requests: the first of a year's months does not.
    days, today = (40, date(2026, 2, 9)) if longest == 1 else (326, TODAY)
    chosen = chosen_for(days, today, granularity=granularity.value, plan=plan)
    warehouse, ledger = Warehouse(settings=chosen), used(days, today)
    assert warehouse.sync(ledger, today, too_long=longest, fault=FAULTS[what])
    assert warehouse.table() == table(ledger, chosen)
    assert len(warehouse.asked) < 3 * fewest(chosen, today, longest) + 8


@pytest.mark.parametrize("longest", [100, 7])
def test_a_body_over_the_cap_is_asked_for_in_smaller_ones_without_another_try(longest: int, waits: list[float]) -> None:
    chosen, ledger = chosen_for(200), used(200)
    warehouse = Warehouse(settings=chosen)
    assert warehouse.sync(ledger, TODAY, too_long=longest, fault=huge)
    assert warehouse.table() == table(ledger, chosen)
    lengths = [(query["start_date"], query["end_date"]) for query in warehouse.asked]
    assert len(set(lengths)) == len(lengths)
    assert waits == []


@pytest.mark.parametrize(
    ("what", "asked", "waited"),
    [
        # What is surely too much is halved at once, a bad moment is given one more try.
        ("HTTP 504", [180, 90, 45, 45], []),
        ("HTTP 413", [180, 90, 45, 45], []),
        ("HTTP 408", [180, 90, 45, 45], []),
        ("silence", [180, 90, 45, 45], []),
        ("HTTP 503", [180, 180, 90, 45, 45], [5, 10, 20]),
        ("HTTP 500", [180, 180, 90, 45, 45], [5, 10, 20]),
        ("a dropped connection", [180, 180, 90, 45, 45], [5, 10, 20]),
        ("a body that breaks off", [180, 180, 90, 45, 45], [5, 10, 20]),
        ("a body that is cut", [180, 180, 90, 45, 45], [5, 10, 20]),
    ],
)
def test_how_a_range_shrinks(what: str, asked: list[int], waited: list[float], waits: list[float]) -> None:
    warehouse = Warehouse(settings=chosen_for(180))
    assert warehouse.sync(used(180), TODAY, too_long=45, fault=FAULTS[what])
    lengths = [
        (date.fromisoformat(query["end_date"]) - date.fromisoformat(query["start_date"])).days + 1
        for query in warehouse.asked
    ]
    assert lengths[: len(asked)] == asked
    assert waits[: len(waited)] == waited
    assert "90 days at once are too much for Magnific now (" in warehouse.log
    assert "); asking for 45." in warehouse.log


def test_a_stated_wait_is_kept_before_the_halves(api: requests_mock.Mocker, waits: list[float]) -> None:
    api.post(USAGE, [{"status_code": 504, "headers": {"Retry-After": "30"}}, {"json": answer()}])
    assert not sync(raw_config()).errors
    assert waits == [30]


@pytest.mark.parametrize("what", FAULTS)
def test_an_outage_is_no_length_and_the_next_sync_begins_with_full_ranges(what: str) -> None:
    warehouse = Warehouse(settings=chosen_for(400))
    assert not warehouse.sync([], TODAY, too_long=0, fault=FAULTS[what])
    [(kind, words)] = warehouse.errors
    assert kind == "transient_error"
    assert words.startswith("Magnific could not be read (")
    assert f"tried {len(warehouse.asked)} times in a row. The next sync continues where the last one stopped." in words
    assert len(warehouse.asked) <= 1 + POLICY.most_retries
    assert warehouse.state is None

    assert warehouse.sync(ledger := used(400), TODAY)
    assert len(warehouse.asked) == 3
    assert warehouse.table() == table(ledger, warehouse.settings)


def test_an_outage_of_a_few_requests_does_not_cost_short_ranges_for_years(api: requests_mock.Mocker) -> None:
    api.post(USAGE, [{"status_code": 503}] * 4 + [{"json": answer()}])
    assert not sync(raw_config(start_date="2023-11-23", plan="business")).errors
    # Seven would do without the outage.
    assert api.call_count < 2 * 7 + 4 + 4


def test_an_answer_for_one_day_that_is_too_large_is_said_to_be() -> None:
    warehouse = Warehouse(settings=chosen_for(200))
    assert not warehouse.sync([], TODAY, too_long=0, fault=huge)
    [(kind, words)] = warehouse.errors
    assert kind == "system_error"
    assert words.startswith("Magnific sent an answer of more than 24 MiB, more than this connector reads at once, and")
    assert "needs a source for each of its groups (group_ids)" in words


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_too_large_is_not_asked_for_again(
    name: str, api: requests_mock.Mocker, waits: list[float]
) -> None:
    api.get(LISTS[name], content=huge(None, b'{"data": []}'))
    kind, words = error(sync(raw_config(), name))
    assert kind == "system_error"
    assert words.startswith("Magnific sent an answer of more than 4 MiB")
    assert words.endswith("A team that large is beyond this connector: report it to its maintainers.")
    assert "day" not in words
    assert (api.call_count, waits) == (1, [])


@pytest.mark.parametrize("longest", [1, 3])
def test_a_year_that_only_days_can_carry_is_an_error_that_advises_a_smaller_granularity(longest: int) -> None:
    warehouse = Warehouse(settings=chosen_for(326, granularity="year"))
    assert not warehouse.sync([], TODAY, too_long=longest)
    [(kind, words)] = warehouse.errors
    assert kind == "config_error"
    assert words.startswith("Magnific answers only ")
    assert "so that one year of usage takes more than 80 of the day's 100 API requests. Choose a smaller gran" in words
    assert len(warehouse.asked) < 20


def test_a_year_of_too_many_rows_to_add_up_is_an_error_that_advises_a_smaller_granularity(
    api: requests_mock.Mocker,
) -> None:
    crowd = tool("Mystic", *[entry(f"user{n}@example.com") for n in range(70_000)])
    api.post(USAGE, json=lambda request, _: answer(period(request.json()["start_date"], crowd)))
    output = sync(raw_config(start_date="2026-01-01", granularity="year"))
    kind, words = error(output)
    assert (kind, rows(output)) == ("config_error", [])
    assert words.startswith("One year of this team's usage is more than 24 MiB or 130,000 rows, more than this")
    assert "Choose a smaller granularity" in words
    assert api.call_count == 2


def test_a_month_of_the_same_many_people_every_day_is_read_in_parts(api: requests_mock.Mocker) -> None:
    crowd = tool("Mystic", *[entry(f"user{n}@example.com") for n in range(17_000)])

    def usage(request: Any, context: Any) -> Any:
        query = request.json()
        first, last = (Date.fromisoformat(query[name]) for name in ("start_date", "end_date"))
        if (last - first).days >= 10:
            context.status_code = 504
            return {}
        return answer(*(period(str(first.add(days=n)), crowd) for n in range((last - first).days + 1)))

    api.post(USAGE, json=usage)
    output = sync(raw_config(start_date="2026-10-01", end_date="2026-10-31", granularity="month"))
    assert not output.errors
    assert {row["user_uses"] for row in rows(output)} == {31}
    assert len(rows(output)) == 17_000


@pytest.mark.parametrize("breakdown", [True, False])
def test_figures_that_add_up_beyond_what_is_exact_over_parts_are_refused(
    breakdown: bool, api: requests_mock.Mocker
) -> None:
    figure = 2**53 - 1

    def usage(request: Any, context: Any) -> Any:
        query = request.json()
        if query["start_date"] != query["end_date"]:
            context.status_code = 504
            return {}
        usages = [entry(credits=figure)] if breakdown else []
        return answer(period(query["start_date"], tool("Mystic", *usages, uses=1, credits=figure)))

    api.post(USAGE, json=usage)
    kind, words = error(sync(raw_config(start_date="2026-11-01", end_date="2026-11-02", granularity="month")))
    assert kind == "transient_error"
    assert "the figures of a tool add up beyond" in words


def test_a_lookback_of_more_than_a_days_requests_comes_up_to_today_again_and_again() -> None:
    warehouse = Warehouse(settings=chosen_for(200, lookback_window_days=180))
    reached = []
    for n in range(10):
        today = Date(TODAY.year, TODAY.month, TODAY.day).add(days=n)
        warehouse.sync(used(200), today, too_long=1, fail_at=90)
        assert warehouse.state
        reached.append(warehouse.state["date"] == str(today))
    assert sum(reached) > 2


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("plan", LONGEST_RANGE_DAYS)
def test_a_check_succeeds_with_a_warning(
    plan: str, what: str, api: requests_mock.Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    def usage(request: Any, context: Any) -> bytes:
        query = request.json()
        body = b'{"data": []}'
        return body if query["start_date"] == query["end_date"] else FAULTS[what](context, body)

    api.post(USAGE, content=usage)
    assert check(raw_config(plan=plan))
    longest = LONGEST_RANGE_DAYS[plan]
    warning = f"Magnific could not answer {longest} days at once, so the plan's longest range could not be tried."
    assert warning in caplog.text
    assert api.call_count <= 3


def test_a_long_sync_reports_after_each_window_what_is_left() -> None:
    warehouse = Warehouse(settings=chosen_for(400))
    assert warehouse.sync(used(400), TODAY)
    lines = [line for line in warehouse.log.split("\n") if "days are left" in line]
    assert [line.partition(", ")[2] for line in lines] == [
        "220 days are left; 1 of the day's 100 API requests used by this sync.",
        "40 days are left; 2 of the day's 100 API requests used by this sync.",
    ]


def test_a_sync_of_one_window_has_nothing_to_report(api: requests_mock.Mocker) -> None:
    api.post(USAGE, json=answer(period("2026-11-20", tool("Mystic", entry()))))
    assert "days are left" not in "".join(m.log.message for m in sync(raw_config()).logs if m.log)
