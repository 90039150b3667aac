"""Test how many days a request covers if the server cannot handle long ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_magnific_analytics.shrinking import Span


def after(longest: int, *asked: int) -> Span:
    """Return the span after requests of these lengths. A negative length stands for a request that failed."""
    span = Span(longest, longest)
    for days in asked:
        span = span.after_failure(-days) if days < 0 else span.after_success(days)
    return span


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ([], 180),
        ([-180, -90], 45),
        ([-180, -90, -45], 23),
        ([-2], 1),
        # One success might be luck, so a range grows only after two successes in a row.
        ([-180, 90], 90),
        ([-180, 90, 90], 180),
        ([-180, -90, 45, 45, 90, 90], 180),
        # Each increase and each failure resets the count of successes.
        ([-180, -90, -45, 23, 23, 46], 46),
        ([-180, -90, 45, -45, 23, 23], 46),
        # After a length has failed twice, the connector tries neither this length nor a longer one again.
        ([-180, 90, 90, -180, 90, 90, 90, 90], 90),
        ([-180, -90, 45, 45, -90, 45, 45, 45, 45], 45),
        # If the same length or a longer one succeeds later, the length was not the problem.
        ([-90, -90, 45, 45, 45, 45], 45),
        ([-90, -90, 90, 90, 90, 90], 180),
        ([-90, -90, 120, 45, 90, 90], 180),
        # A failed range also counts as a failure of every longer range.
        ([-180, -90, 45, 45, 90, 90, -180, 90, 90], 90),
        ([-180, 90, -90, 45], 45),
    ],
)
def test_a_range_halves_where_it_fails_and_doubles_where_that_helps(asked: list[int], days: int) -> None:
    assert after(180, *asked).days == days


def test_a_failure_met_several_times_in_a_row_counts_so_often() -> None:
    twice = Span(180, 180).after_failure(180, times=2)
    assert (twice.failed, twice.after_success(90).after_success(90).days) == ((180, 180), 90)


@given(st.sampled_from([180, 365]), st.integers(1, 365))
def test_a_server_with_any_bound_costs_few_failures_and_ends_within_it(longest: int, bound: int) -> None:
    span, failures = Span(longest, longest), 0
    for _ in range(60):
        assert 1 <= span.days <= longest
        if span.days > bound:
            span, failures = span.after_failure(span.days), failures + 1
        else:
            span = span.after_success(span.days)
    assert span.days <= bound
    assert span.days * 4 > min(bound, longest)
    assert failures <= 10
