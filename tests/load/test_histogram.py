"""The histogram against plain sorted lists: the nearest rank, and an error bound that holds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async.load.histogram import RELATIVE_ERROR, Histogram

DURATIONS = st.floats(min_value=0.0, max_value=100_000.0)
PERCENTS = st.one_of(st.sampled_from([0.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0]), st.floats(0.0, 100.0))
NANOSECOND = 1e-9


def filled(durations: list[float]) -> Histogram:
    histogram = Histogram()
    for seconds in durations:
        histogram.record(seconds)
    return histogram


def nearest_rank(durations: list[float], percent: float) -> float:
    rank = max(1, math.ceil(round(percent * len(durations) / 100, 9)))
    return sorted(durations)[rank - 1]


@given(st.lists(DURATIONS, min_size=1, max_size=200), PERCENTS)
def test_a_percentile_is_never_too_low_and_hardly_too_high(durations: list[float], percent: float) -> None:
    found = filled(durations).percentile(percent)
    true = nearest_rank(durations, percent)
    assert found is not None
    # A float of 100,000 s is exact to 15 digits: that much of slack, beside the promised error.
    assert true * (1 - 1e-12) <= found <= true * (1 + RELATIVE_ERROR + 1e-12) + NANOSECOND


@given(st.lists(DURATIONS, min_size=1, max_size=100))
def test_the_longest_and_the_mean_are_exact(durations: list[float]) -> None:
    histogram = filled(durations)
    assert histogram.percentile(100) == histogram.max == max(durations)
    assert histogram.mean == pytest.approx(math.fsum(durations) / len(durations))
    assert histogram.count == len(durations)


@given(st.lists(DURATIONS, max_size=50), st.lists(DURATIONS, max_size=50), PERCENTS)
def test_two_added_up_are_one_of_both(some: list[float], others: list[float], percent: float) -> None:
    together = filled(some)
    together.add(filled(others))
    one = filled(some + others)
    assert (together.count, together.max) == (one.count, one.max)
    assert together.percentile(percent) == one.percentile(percent)
    assert together.total == pytest.approx(one.total)


@given(st.lists(DURATIONS, min_size=1, max_size=100))
def test_the_curve_rises_to_the_longest(durations: list[float]) -> None:
    curve = list(filled(durations).curve())
    assert curve == sorted(curve)
    assert curve[-1] == (100.0, max(durations))


def test_a_percentage_that_is_a_whole_rank_takes_that_rank() -> None:
    histogram = filled([number / 1000 for number in range(1, 1001)])
    assert histogram.percentile(99.9) == pytest.approx(0.999, rel=RELATIVE_ERROR)
    assert histogram.percentile(50) == pytest.approx(0.5, rel=RELATIVE_ERROR)


def test_an_empty_one_has_no_figures() -> None:
    histogram = Histogram()
    assert (histogram.percentile(99), histogram.mean, histogram.max, list(histogram.curve())) == (None, None, 0.0, [])


def test_a_clock_that_was_read_too_coarsely_makes_no_negative_duration() -> None:
    histogram = filled([-1e-9])
    assert (histogram.percentile(100), histogram.total) == (0.0, 0.0)


@pytest.mark.parametrize("percent", [-0.1, 100.1, math.nan])
def test_what_is_no_percentage_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        Histogram().percentile(percent)


def test_its_size_follows_the_spread_and_not_the_number() -> None:
    histogram = filled([0.001 + number * 1e-9 for number in range(20_000)])
    assert len(list(histogram.curve())) < 100
