"""The rate limiter simulator: what it lets through, what it says about that, and what it counts."""

import math
from bisect import bisect_right
from email.utils import formatdate
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async.errors import ConfigurationError
from setsmart_async.policy.quota import read_quota
from setsmart_async.sandbox.quota import WINDOWS_KEPT, Algorithm, QuotaRule, QuotaSimulator, QuotaState, RetryAfter
from setsmart_async.wire import Headers

START = 1_700_000_000.0  # a multiple of 10, and of most windows here
ALGORITHMS: list[Algorithm] = ["fixed", "sliding", "bucket"]

limits = st.integers(1, 30)
windows = st.sampled_from([0.1, 0.25, 1.0, 2.5, 7.0, 10.0, 60.0])
rules = st.builds(QuotaRule, limits, windows, st.sampled_from(ALGORITHMS))
starts = st.floats(START, START + 1e6)
# Seconds between requests, in windows: from bursts to long pauses.
steps = st.lists(st.one_of(st.just(0.0), st.floats(0.0, 0.05), st.floats(0.0, 1.5)), min_size=1, max_size=150)
skews = st.sampled_from([0.0, 0.4, 7.5, -100.0, 100.0])


def moments(start: float, gaps: list[float], rule: QuotaRule) -> list[float]:
    """When the requests come, in unix seconds."""
    now, found = start, list[float]()
    for gap in gaps:
        now += gap * rule.window
        found.append(now)
    return found


def accepted(quota: QuotaSimulator, times: list[float]) -> list[float]:
    return [now for now in times if quota.take("key", now).allowed]


@given(limit=limits, window=windows, start=starts, gaps=steps, skew=skews)
def test_a_fixed_window_accepts_its_limit_and_no_more(
    limit: int, window: float, start: float, gaps: list[float], skew: float
) -> None:
    rule = QuotaRule(limit, window, "fixed")
    quota = QuotaSimulator(rule, skew=skew)
    asked: dict[int, int] = {}
    allowed: dict[int, int] = {}
    for now in moments(start, gaps, rule):
        index = math.floor((now + skew) / window)
        asked[index] = asked.get(index, 0) + 1
        allowed[index] = allowed.get(index, 0) + quota.take("key", now).allowed
    # Neither more than the limit, nor one less than it when more was asked: refusing uses nothing up.
    assert allowed == {index: min(count, limit) for index, count in asked.items()}


@given(limit=limits, window=windows, start=starts, gaps=steps, skew=skews)
def test_a_sliding_log_accepts_its_limit_in_any_span_of_a_window(
    limit: int, window: float, start: float, gaps: list[float], skew: float
) -> None:
    rule = QuotaRule(limit, window, "sliding")
    times = moments(start, gaps, rule)
    let_in = accepted(QuotaSimulator(rule, skew=skew), times)
    for first, beyond in zip(let_in, let_in[limit:], strict=False):
        assert beyond >= first + window
    for now in set(times) - set(let_in):  # refused only with a full log behind it
        assert sum(1 for moment in let_in if moment + window > now and moment <= now) == limit


@given(limit=limits, window=windows, start=starts, gaps=steps, skew=skews)
def test_a_token_bucket_accepts_its_capacity_and_its_refill(
    limit: int, window: float, start: float, gaps: list[float], skew: float
) -> None:
    rule = QuotaRule(limit, window, "bucket")
    times = moments(start, gaps, rule)
    let_in = accepted(QuotaSimulator(rule, skew=skew), times)
    rate = limit / window
    for i, first in enumerate(let_in):
        for j in range(i, len(let_in)):
            assert j - i + 1 <= limit + (let_in[j] - first) * rate + 1e-3
    # Never less than the best possible: an exact bucket, stepped in fractions.
    tokens, last, exact = Fraction(limit), Fraction(times[0]), 0
    for now in times:
        tokens = min(Fraction(limit), tokens + (Fraction(now) - last) * Fraction(limit) / Fraction(window))
        last = Fraction(now)
        if tokens >= 1:
            tokens, exact = tokens - 1, exact + 1
    assert len(let_in) >= exact


@given(rule=rules, start=starts, gaps=steps, skew=skews)
def test_retry_after_is_when_the_next_request_is_allowed(
    rule: QuotaRule, start: float, gaps: list[float], skew: float
) -> None:
    times = moments(start, gaps, rule)
    for count, now in enumerate(times, start=1):
        quota = QuotaSimulator(rule, skew=skew)
        states = [quota.take("key", moment) for moment in times[:count]]
        if states[-1].allowed:
            assert states[-1].retry_after == 0
            continue
        wait = states[-1].retry_after
        assert 0 < wait <= rule.window
        early, late = max(now, now + wait * 0.99 - 1e-6), now + wait + 1e-6
        if early < late - 1e-5:
            assert not quota.take("key", early).allowed
        assert quota.take("key", late).allowed
        return


@given(rule=rules, start=starts, gaps=steps, skew=skews)
def test_remaining_requests_are_allowed_now_and_not_one_more(
    rule: QuotaRule, start: float, gaps: list[float], skew: float
) -> None:
    quota = QuotaSimulator(rule, skew=skew)
    times = moments(start, gaps, rule)
    remaining = [quota.take("key", now).remaining for now in times][-1]
    states = [quota.take("key", times[-1]) for _ in range(remaining + 1)]
    assert [state.allowed for state in states] == [True] * remaining + [False]
    assert [state.remaining for state in states] == [*reversed(range(remaining)), 0]


@given(rule=rules, start=starts, gaps=steps, skew=skews)
def test_who_waits_for_the_reset_header_is_never_early(
    rule: QuotaRule, start: float, gaps: list[float], skew: float
) -> None:
    quota = QuotaSimulator(rule, skew=skew)
    now = moments(start, gaps, rule)[-1]
    while (state := quota.take("key", now)).allowed:
        pass
    reading = read_quota(429, Headers(quota.headers(state, now)))
    assert reading.reset is not None
    server_now = now + skew
    # Whole seconds, at most one more than the exact reset, itself at most a window away.
    assert state.reset <= reading.reset < state.reset + 1
    assert server_now < state.reset <= server_now + rule.window + 1e-6
    assert quota.take("key", max(now, reading.reset - skew) + 1e-6).allowed


@given(rule=rules, start=starts, gaps=steps, skew=skews)
def test_the_count_per_window_is_what_happened(rule: QuotaRule, start: float, gaps: list[float], skew: float) -> None:
    quota = QuotaSimulator(rule, skew=skew)
    expected: dict[float, list[int]] = {}
    for number, now in enumerate(moments(start, gaps, rule)):
        allowed = quota.take(f"key {number % 2}", now).allowed
        begin = math.floor((now + skew) / rule.window) * rule.window
        expected.setdefault(begin, [0, 0])[not allowed] += 1
    counts = quota.windows()
    assert {count.start: [count.accepted, count.refused] for count in counts if count.accepted + count.refused} == (
        expected
    )
    # No window is left out, an idle one is counted as such.
    for one, next_one in pairwise(counts):
        assert next_one.start - one.start == pytest.approx(rule.window, abs=1e-5)
    assert counts[0].start == min(expected)
    assert counts[-1].start == max(expected)


def test_fixed_windows_are_aligned_to_the_epoch_of_the_servers_clock() -> None:
    quota = QuotaSimulator(QuotaRule(2, 10.0), skew=7.0)
    states = [quota.take("key", START + after) for after in (0.0, 2.9, 2.95, 3.0)]
    assert [state.allowed for state in states] == [True, True, False, True]
    assert [state.reset for state in states] == [START + 10, START + 10, START + 10, START + 20]
    assert states[2].retry_after == pytest.approx(0.05)


def test_a_window_of_a_tenth_of_a_second_begins_on_the_second() -> None:
    quota = QuotaSimulator(QuotaRule(1, 0.1))  # no float is a tenth: a multiple of it may be just over
    states = [quota.take("key", START + second + part) for second in range(50) for part in (0.0, 0.0999)]
    assert [state.allowed for state in states] == [True, False] * 50


@given(window=st.floats(0.001, 100.0), index=st.integers(0, 10**9))
def test_a_fixed_windows_reset_is_always_in_the_next_window(window: float, index: int) -> None:
    quota = QuotaSimulator(QuotaRule(1, window))
    state = quota.take("key", index * window)
    assert state.reset > index * window
    assert quota.take("key", state.reset).allowed


def test_a_sliding_log_resets_when_its_oldest_entry_leaves() -> None:
    quota = QuotaSimulator(QuotaRule(2, 10.0, "sliding"), skew=100.0)
    states = [quota.take("key", START + after) for after in (0.0, 4.0, 5.0, 10.0)]
    assert [state.allowed for state in states] == [True, True, False, True]
    assert [state.remaining for state in states] == [1, 0, 0, 0]
    assert [state.reset - START - 100 for state in states] == [10, 10, 10, 14]
    assert states[2].retry_after == 5


def test_a_bucket_resets_when_it_is_full() -> None:
    quota = QuotaSimulator(QuotaRule(10, 10.0, "bucket"), skew=-5.0)
    states = [quota.take("key", START) for _ in range(11)]
    assert [state.remaining for state in states] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert [state.reset - START + 5 for state in states] == pytest.approx([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10])
    assert states[-1].retry_after == pytest.approx(1)
    # Part of a token counts.
    assert quota.take("key", START + 0.75).retry_after == pytest.approx(0.25)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_key_has_a_quota_of_its_own(algorithm: Algorithm) -> None:
    quota = QuotaSimulator(QuotaRule(1, 10.0, algorithm))
    assert [quota.take(key, START).allowed for key in ("a", "a", "b", "b")] == [True, False, True, False]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_limit_can_change_while_it_runs(algorithm: Algorithm) -> None:
    quota = QuotaSimulator(QuotaRule(3, 10.0, algorithm))
    used = [quota.take("key", START) for _ in range(4)]
    quota.rule = QuotaRule(1, 10.0, algorithm)
    lowered = quota.take("key", START + 0.5)
    assert [used[-1].allowed, lowered.allowed, lowered.limit, lowered.remaining] == [False, False, 1, 0]
    assert quota.take("key", START + 0.5 + lowered.retry_after + 1e-6).allowed
    quota.rule = QuotaRule(100, 10.0, algorithm)
    raised = quota.take("key", START + 30)
    assert (raised.allowed, raised.limit) == (True, 100)
    assert 0 <= raised.remaining <= 99


def test_a_limit_raised_in_mid_window_leaves_what_was_not_used() -> None:
    quota = QuotaSimulator(QuotaRule(2, 10.0))
    assert [quota.take("key", START).allowed for _ in range(3)] == [True, True, False]
    quota.rule = QuotaRule(5, 10.0)
    assert [quota.take("key", START + 1).remaining for _ in range(3)] == [2, 1, 0]
    assert not quota.take("key", START + 2).allowed


def test_a_sliding_log_over_a_lowered_limit_waits_for_enough_to_leave() -> None:
    quota = QuotaSimulator(QuotaRule(3, 10.0, "sliding"))
    for after in (0.0, 1.0, 2.0):
        quota.take("key", START + after)
    quota.rule = QuotaRule(1, 10.0, "sliding")
    state = quota.take("key", START + 3)
    assert (state.allowed, state.retry_after, state.reset) == (False, 9.0, START + 10)


def test_another_algorithm_starts_afresh() -> None:
    quota = QuotaSimulator(QuotaRule(1, 10.0, "fixed"))
    quota.take("key", START)
    for algorithm in (*ALGORITHMS[1:], ALGORITHMS[0]):
        quota.rule = QuotaRule(1, 10.0, algorithm)
        assert [quota.take("key", START + 1).allowed for _ in range(2)] == [True, False]


def test_a_clock_that_is_set_back_begins_a_window_of_its_own() -> None:
    quota = QuotaSimulator(QuotaRule(2, 10.0))
    first = [quota.take("key", START + 12).allowed for _ in range(3)]
    quota.skew = -10.0
    second = [quota.take("key", START + 13).allowed for _ in range(3)]
    quota.skew = 0.0
    third = [quota.take("key", START + 14).allowed for _ in range(3)]
    assert first == second == third == [True, True, False]
    assert [(count.start - START, count.accepted, count.refused) for count in quota.windows()] == [
        (10, 2, 1), (0, 2, 1), (10, 2, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("algorithm", ["sliding", "bucket"])
def test_a_clock_that_steps_does_not_touch_what_is_measured_in_elapsed_time(algorithm: Algorithm) -> None:
    quota = QuotaSimulator(QuotaRule(2, 10.0, algorithm))
    allowed: list[bool] = []
    for skew in (0.0, 100.0, -100.0):
        quota.skew = skew
        allowed.append(quota.take("key", START).allowed)
    assert allowed == [True, True, False]
    quota.skew = 1000.0
    assert quota.take("key", START + 10).allowed


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_true_clock_that_goes_back_breaks_nothing(algorithm: Algorithm) -> None:
    quota = QuotaSimulator(QuotaRule(2, 10.0, algorithm))
    states = [quota.take("key", START + after) for after in (0.0, -50.0, -50.0, -50.0)]
    assert all(state.retry_after >= 0 and 0 <= state.remaining <= 2 for state in states)
    assert not states[-1].allowed
    # The same seconds are not worth their tokens twice; a fixed window that is met again is a new one.
    assert quota.take("key", START).allowed == (algorithm == "fixed")
    assert quota.take("key", START + 10).allowed


def test_a_bucket_under_pressure_gives_its_capacity_and_then_its_rate() -> None:
    quota = QuotaSimulator(QuotaRule(7, 10.0, "bucket"))
    let_in = accepted(quota, [START + second / 20 for second in range(20 * 1000 + 1)])
    assert len(let_in) == 7 + 700


def test_the_count_reaches_back_ten_thousand_windows_and_no_further() -> None:
    quota = QuotaSimulator(QuotaRule(5, 1.0))
    for second in range(WINDOWS_KEPT + 50):
        quota.take("key", START + second)
    counts = quota.windows()
    assert len(counts) == WINDOWS_KEPT == 10_000
    assert counts[0].start == START + 50
    assert {count.accepted for count in counts} == {1}
    assert len(quota._counts) == WINDOWS_KEPT


def test_a_long_pause_is_counted_as_idle_windows_without_end() -> None:
    quota = QuotaSimulator(QuotaRule(5, 0.001))
    quota.take("key", START)
    quota.take("key", START + 1e6)  # 10^9 windows later
    counts = quota.windows()
    assert len(counts) == WINDOWS_KEPT
    assert sum(count.accepted for count in counts) == 1
    assert counts[-1].start == pytest.approx(START + 1e6)


def test_windows_of_another_length_are_counted_side_by_side() -> None:
    quota = QuotaSimulator(QuotaRule(5, 10.0))
    quota.take("key", START)
    quota.rule = QuotaRule(5, 7.0)
    quota.take("key", START + 100)
    begins = [count.start for count in quota.windows()]
    assert begins == [START, math.floor((START + 100) / 7) * 7]


def read(quota: QuotaSimulator, state: QuotaState | None, now: float) -> dict[str, str]:
    return dict(quota.headers(state, now))


def test_the_headers_are_the_documented_ones() -> None:
    quota = QuotaSimulator(QuotaRule(100, 2.5), skew=7.25)
    now = START + 0.5
    assert read(quota, quota.take("key", now), now) == {
        "Date": formatdate(START + 7, usegmt=True),  # 7.75, rounded down
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "99",
        "X-RateLimit-Reset": str(int(START) + 10),
    }


@given(seconds=st.integers(0, 4_000_000_000))
def test_the_date_is_http_s(seconds: int) -> None:
    assert QuotaSimulator().headers(None, seconds + 0.75) == [("Date", formatdate(seconds, usegmt=True))]


def test_headers_can_be_kept_back() -> None:
    quota = QuotaSimulator(QuotaRule(1, 10.0), send_headers=False, send_retry_after=True)
    first = quota.take("key", START + 2.5)
    assert list(read(quota, first, START + 2.5)) == ["Date"]
    refused = quota.take("key", START + 2.5)
    assert read(quota, refused, START + 2.5)["Retry-After"] == "8"
    quota.send_date = False
    assert list(read(quota, refused, START + 2.5)) == ["Retry-After"]
    quota.send_retry_after = False
    assert read(quota, refused, START + 2.5) == {}
    quota.send_headers = True
    assert list(read(quota, refused, START)) == ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]


@pytest.mark.parametrize(
    ("choice", "expected"), [("never", (None, None)), ("refusals", (None, "8")), ("always", ("0", "8"))]
)
def test_which_answers_say_how_long_to_wait(choice: RetryAfter, expected: tuple[str | None, str | None]) -> None:
    quota = QuotaSimulator(QuotaRule(1, 10.0), send_retry_after=choice)
    states = [quota.take("key", START + 2.5) for _ in range(2)]
    assert tuple(read(quota, state, START + 2.5).get("Retry-After") for state in states) == expected
    assert "Retry-After" not in dict(quota.headers(None, START))  # where no quota was asked


@pytest.mark.parametrize("nonsense", ["sometimes", None, 2])
def test_a_choice_that_can_not_be_is_refused(nonsense: Any) -> None:  # noqa: ANN401  as parametrized
    with pytest.raises(ConfigurationError, match="one of never, refusals, always"):
        QuotaSimulator(send_retry_after=nonsense)


NONSENSE: list[dict[str, Any]] = [
    {"limit": 0}, {"limit": -1}, {"limit": True}, {"limit": 1.5}, {"limit": math.inf},
    {"window": 0.0}, {"window": -1.0}, {"window": 1e-9}, {"window": math.nan}, {"window": math.inf},
    {"algorithm": "leaky"}, {"algorithm": None},
]  # fmt: skip


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_rule_that_can_not_be_is_refused(nonsense: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="quota"):
        QuotaRule(**nonsense)


def test_a_skew_that_can_not_be_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="skew"):
        QuotaSimulator(skew=math.nan)


def test_the_default_is_the_documented_examples_limit() -> None:
    assert QuotaSimulator().rule == QuotaRule(100, 10.0, "fixed")


def test_what_is_kept_per_key_is_bounded() -> None:
    quota = QuotaSimulator(QuotaRule(5, 1.0, "sliding"))
    times = [START + number / 50 for number in range(5_000)]
    let_in = accepted(quota, times)
    (meter,) = quota._meters.values()
    assert len(vars(meter)["_log"]) <= 5
    # And the most that a log of 5 can let in.
    assert len(let_in) == 5 * 100
    assert bisect_right(let_in, START + 0.999) == 5
