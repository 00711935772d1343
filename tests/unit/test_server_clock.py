"""The server's clock, estimated from whole seconds: its bounds always hold the truth."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async.policy.server_clock import ServerClock


def test_before_any_date_nothing_is_known() -> None:
    clock = ServerClock()
    assert (clock.offset, clock.earliest(1.0), clock.latest(1.0), clock.uncertainty) == (None, None, None, 0.0)


def test_one_answer_bounds_the_offset_by_a_second_and_a_round_trip() -> None:
    clock = ServerClock()
    clock.see(1000, sent=10.0, completed=10.5)
    assert clock.uncertainty == pytest.approx(1.5)
    assert clock.offset == pytest.approx((1000 - 10.5 + 1001 - 10.0) / 2)
    assert clock.earliest(1100) == pytest.approx(109.0)
    assert clock.latest(1100) == pytest.approx(110.5)


def test_answers_narrow_it() -> None:
    clock = ServerClock()
    clock.see(1000, sent=10.0, completed=10.5)
    clock.see(1001, sent=10.5, completed=10.6)
    assert clock.offset == pytest.approx((1001 - 10.6 + 1001 - 10.0) / 2)
    assert clock.uncertainty == pytest.approx(0.6)


@pytest.mark.parametrize("stepped", [-3600, -3, 3, 3600])
def test_after_a_step_the_newest_answer_counts(stepped: int) -> None:
    clock = ServerClock()
    clock.see(1000, sent=10.0, completed=10.5)
    clock.see(1000 + stepped, sent=10.5, completed=11.0)
    assert clock.offset == pytest.approx(1000 + stepped - 10.25)


def ticks(least: int, most: int) -> st.SearchStrategy[float]:
    """Seconds in steps that sums of floats keep exactly: what they round away is not the clock's concern."""
    return st.integers(least * 1024, most * 1024).map(lambda number: number / 1024)


answers = st.tuples(ticks(0, 1000), ticks(0, 5), st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@given(ticks(-1_000_000, 1_000_000_000), st.lists(answers, min_size=1))
def test_the_true_offset_is_always_within_the_bounds(offset: float, seen: list[tuple[float, float, float]]) -> None:
    clock = ServerClock()
    widest = math.inf
    for sent, trip, share in seen:
        clock.see(math.floor(sent + share * trip + offset), sent, sent + trip)
        earliest, latest = clock.earliest(offset), clock.latest(offset)
        assert earliest is not None
        assert latest is not None
        assert earliest <= 1e-6
        assert latest >= -1e-6
        assert clock.uncertainty <= widest + 1e-6
        widest = clock.uncertainty
