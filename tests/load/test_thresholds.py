"""Thresholds: read, judged, and refused with words that help."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async.errors import ConfigurationError
from setsmart_async.load.thresholds import METRICS, Threshold, judge, parse_thresholds

TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@attrs.frozen
class Measurement:
    """One value, from a generator that lagged so much."""

    value: float | None
    lag: float = 0.0

    def value_of(self, threshold: Threshold) -> float | None:
        return self.value

    def lag_at(self, percent: float) -> float:
        return self.lag

    def voids(self, percent: float, seconds: float) -> bool:
        return self.lag > seconds / 10


@given(
    st.sampled_from(["p50", "p99", "p99.9", "p99.99", "max", "mean", "wait.p95", "server.p50"]),
    st.sampled_from(COMPARISONS),
    st.integers(0, 10_000),
    st.sampled_from(sorted(TIMES)),
    st.sampled_from([None, "properties.get", "reservations.create@bulk"]),
    st.sampled_from(["", " "]),
)
def test_a_time_is_read_in_its_unit(
    metric: str, comparison: str, number: int, unit: str, scope: str | None, space: str
) -> None:
    text = f"{scope}:{metric}" if scope else metric
    (threshold,) = parse_thresholds(f"{text}{space}{comparison}{space}{number}{unit}")
    assert (threshold.metric, threshold.comparison, threshold.scope) == (metric, comparison, scope)
    assert threshold.bound == pytest.approx(number * TIMES[unit])
    assert threshold.kind == "time"


@given(st.integers(0, 100_000), st.integers(1, 1_000))
def test_a_comparison_is_that_of_numbers(value: int, bound: int) -> None:
    holding = {
        each.comparison
        for each in parse_thresholds(",".join(f"errors{comparison}{bound}" for comparison in COMPARISONS))
        if judge(each, Measurement(value)).holds
    }
    if value < bound:
        assert holding == {"<", "<=", "!="}
    elif value > bound:
        assert holding == {">", ">=", "!="}
    else:
        assert holding == {"<=", ">=", "=="}


def test_the_readme_of_thresholds() -> None:
    p99, refused, error_rate, goodput = parse_thresholds("p99<500ms,429==0,error_rate<1%, goodput>57%")
    assert (p99.bound, p99.percent) == (0.5, 99.0)
    assert (refused.metric, refused.bound) == ("429", 0.0)
    assert error_rate.bound == 0.01
    assert goodput.bound == 0.57  # exactly: 57 * 0.01 in floats is more, and 57 % would not be >= 57 %
    assert parse_thresholds("") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("p99", "not of the form p99<500ms"),
        ("p99<", "not of the form"),
        ("p99=500ms", "not of the form"),
        ("p99<fast", "not of the form"),
        ("p99<-1ms", "not of the form"),
        ("p99<500", "wants a unit: us, ms, s or m"),
        ("p99<500%", "wants a unit"),
        ("p0<1s", "no metric 'p0'"),
        ("p100<1s", "no metric 'p100'; there are .*max"),
        ("latency<1s", "no metric 'latency'; there are p50"),
        ("error_rate<1", "wants a percent sign"),
        ("429==0%", "wants a bare number"),
        ("throughput>5ms", "number a second"),
        ("properties.get:goodput>5%", "of the whole run"),
        ("p99<1s,nonsense", "'nonsense'"),
    ],
)
def test_what_can_not_be_meant_is_an_error_that_says_so(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        parse_thresholds(text)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_thresholds(text)
    except ConfigurationError:
        return
    assert len(found) == len([part for part in text.split(",") if part.strip()])


def test_a_value_that_is_not_there_does_not_hold() -> None:
    (goodput, calls) = parse_thresholds("goodput>1%,p50<1s")
    assert judge(goodput, Measurement(None)).reason == "no whole window of the quota was measured"
    assert not judge(goodput, Measurement(None)).holds
    assert judge(calls, Measurement(None)).reason == "there were no calls"


def test_where_the_generator_lagged_a_time_is_not_judged_and_a_count_is() -> None:
    p99, errors = parse_thresholds("p99<1s,errors==0")
    late = Measurement(0.0, lag=0.11)
    verdict = judge(p99, late)
    assert (verdict.holds, verdict.reason) == (False, "the generator itself lagged by 110 ms")
    assert judge(errors, late).holds
    assert judge(p99, Measurement(0.0, lag=0.09)).holds


def test_every_metric_has_a_kind_that_is_read() -> None:
    example = {"time": "1s", "share": "1%", "count": "1", "rate": "1/s"}
    for metric, kind in METRICS.items():
        (threshold,) = parse_thresholds(f"{metric}<{example[kind]}")
        assert threshold.kind == kind
