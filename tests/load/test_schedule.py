"""When calls are due."""

import statistics
from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async.errors import ConfigurationError
from setsmart_async.load.schedule import ClosedModel, OpenModel


def test_constant_arrivals_are_evenly_apart_and_do_not_drift() -> None:
    offsets = list(islice(OpenModel(3.0, "constant").offsets(Random(1)), 30_001))
    assert offsets[0] == 0.0
    assert offsets[30_000] == 10_000.0


def test_poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    offsets = list(islice(OpenModel(50.0).offsets(Random(7)), 20_000))
    gaps = [after - before for before, after in pairwise([0.0, *offsets])]
    assert statistics.fmean(gaps) == pytest.approx(1 / 50, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(1 / 50, rel=0.05)  # an exponential's deviation is its mean
    longer_than_the_mean = sum(gap > 1 / 50 for gap in gaps) / len(gaps)
    assert longer_than_the_mean == pytest.approx(0.3679, abs=0.02)  # 1 / e


@given(st.floats(0.001, 10_000), st.sampled_from(["poisson", "constant"]), st.integers())
def test_no_call_is_due_before_an_earlier_one_and_a_seed_repeats_them(rate: float, arrivals: str, seed: int) -> None:
    model = OpenModel(rate, arrivals)  # type: ignore[arg-type]  # one of the two, drawn at random
    offsets = list(islice(model.offsets(Random(seed)), 50))
    assert offsets == sorted(offsets)
    assert offsets[0] >= 0
    assert offsets == list(islice(model.offsets(Random(seed)), 50))


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="--rate"):
        OpenModel(rate)


def test_unknown_arrivals_and_no_callers_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="--arrivals"):
        OpenModel(1.0, "bursts")  # type: ignore[arg-type]  # what a caller may pass all the same
    with pytest.raises(ConfigurationError, match="--concurrency"):
        ClosedModel(0)
