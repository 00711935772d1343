"""What came of a run, in numbers, words and JSON."""

import json

import pytest
from load.reports import report

from setsmart_async.load.histogram import Histogram
from setsmart_async.load.report import Report, thinned
from setsmart_async.load.text import as_text, in_short
from setsmart_async.load.thresholds import parse_thresholds
from setsmart_async.wire import encode_json


def value(of: Report, metric: str) -> float | None:
    (threshold,) = parse_thresholds(metric)
    return of.value_of(threshold)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("p50<1s", 0.5),
        ("p99<1s", 0.99),
        ("max<1s", 1.0),
        ("mean<1s", 0.505),
        ("wait.p50<1s", 0.25),
        ("server.p99<1s", 0.495),
        ("errors<1", 3),
        ("error_rate<1%", 0.03),
        ("429<1", 10),
        ("calls<1", 100),
        ("unfinished<1", 0),
        ("goodput<1%", 0.95),
        ("throughput<1", 97 / 30),
        ("properties.list:calls<1", 25),
        ("properties.list:429<1", 5),
        ("properties.list:max<1s", 0.97),
        ("properties.update:p99<1s", None),
        ("properties.update:errors<1", 0),
    ],
)
def test_every_metric_has_its_value(metric: str, expected: float | None) -> None:
    found = value(report(), metric)
    assert found == (expected if expected is None else pytest.approx(expected, rel=0.002))


def test_without_a_call_there_are_no_figures_and_no_division_by_nothing() -> None:
    empty = report(calls=0)
    assert [value(empty, metric) for metric in ("p99<1s", "mean<1s", "error_rate<1%", "goodput<1%")] == [None] * 4
    assert "no whole window of the quota was measured" in as_text(empty)
    assert json.loads(encode_json(empty.as_json()))["all"]["latency"]["p99"] is None


def test_percentiles_that_lag_can_explain_are_void() -> None:
    assert report(lag=0.0005).voided == ()
    assert report(lag=0.08).voided == (50.0,)  # more than a tenth of half a second, less than one of 0.9 s
    assert report(lag=0.5).voided == (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)
    said = as_text(report(lag=0.08))
    assert "VOID: p50. The generator itself lagged" in said
    assert "VOID" not in as_text(report())


def test_a_threshold_on_what_is_void_is_not_judged() -> None:
    thresholds = parse_thresholds("p50<600ms,p99<2s,429<11")
    assert [each.holds for each in report().judged(thresholds).verdicts] == [True, True, True]
    late = report(lag=0.08).judged(thresholds)
    assert [each.holds for each in late.verdicts] == [False, True, True]
    assert "not judged  p50<600ms: the generator itself lagged by 80 ms" in as_text(late)


def test_the_text_says_all_of_it() -> None:
    text = as_text(report(others=7).judged(parse_thresholds("p99<500ms,goodput>90%")))
    for said in (
        "a sandbox of its own, 50 requests per 10 s, fixed",
        "open model, Poisson arrivals, 3.4 a second; 30 s after 2 s of warm-up; 100 at once",
        "10 times 429; 95.0 % of the quota used in 2 whole windows, with 7 requests of others",
        "errors: 3 times 404 NotFoundError",
        "uvloop 0.23.0",
        "MISSED      p99<500ms: 990 ms",
        "holds       goodput>90%: 95.0 %",
    ):
        assert said in text
    row = next(line for line in text.splitlines() if line.startswith("all")).split()
    assert row[:3] == ["all", "100", "3"]
    assert row[3:5] == ["500", "ms"]
    assert "waiting for quota    50.0 %" in text


def test_an_end_before_its_time_is_said() -> None:
    assert "Interrupted" in as_text(report(ended="interrupted"))
    assert "Ended early" in as_text(report(ended="overload"))


def test_the_json_holds_all_of_it() -> None:
    found = json.loads(encode_json(report().judged(parse_thresholds("p99<500ms")).as_json()))
    assert found["all"]["latency"]["p99"] == pytest.approx(0.99, rel=0.001)
    assert found["all"]["errors"] == {"404 NotFoundError": 3}
    assert found["operations"]["properties.list"]["calls"] == 25
    assert found["quota"]["goodput"] == pytest.approx(0.95)
    assert [each["accepted"] for each in found["quota"]["windows"]] == [30, 50, 45, 20]
    assert found["thresholds"][0]["holds"] is False
    assert found["plan"]["rate"] == 3.4
    assert found["environment"]["event_loop"] == "uvloop 0.23.0"
    assert found["time_shares"] == pytest.approx({"waited": 0.5, "server": 0.5, "elsewhere": 0.0})
    assert sum(each["calls"] for each in found["over_time"]) == 100


def test_a_long_curve_is_thinned_where_it_is_least_looked_at() -> None:
    histogram = Histogram()
    for number in range(50_000):
        histogram.record(1.0001**number)
    points = thinned(histogram)
    assert len(points) <= 400
    assert points == sorted(points)
    assert points[-1] == (100.0, histogram.max)
    assert points[0][0] < 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0.0, "0.00 ms"),
        (0.00042, "0.42 ms"),
        (0.012345, "12.3 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (12.345, "12.3 s"),
        (1234.5, "1,234 s"),
    ],
)
def test_times_have_three_digits_and_a_unit(seconds: float | None, words: str) -> None:
    assert in_short(seconds) == words
