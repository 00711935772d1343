"""The bucket's rule, event by event. Times are monotonic seconds; the server's clock runs `OFFSET` ahead of them."""

from itertools import pairwise

import pytest

from setsmart_async.policy.bucket import Bucket, BucketState, Ticket
from setsmart_async.policy.quota import QuotaReading

OFFSET = 1_700_000_000.0


def new_bucket(*, sharers: int = 1) -> Bucket[Ticket]:
    return Bucket(Ticket, random_source=lambda: 1.0, wall_offset=OFFSET, sharers=sharers)


def said(remaining: int | None, reset: float | None = 10.0, *, limit: int = 100, at: float = 0.0) -> QuotaReading:
    """What the server says at monotonic time `at`; `reset` is monotonic too."""
    return QuotaReading(
        limit=None if remaining is None else limit,
        remaining=remaining,
        reset=None if reset is None else OFFSET + reset,
        date=int(OFFSET + at),
    )


def taken(bucket: Bucket[Ticket], now: float) -> Ticket:
    ticket = bucket.take(now)
    assert ticket is not None
    return ticket


def probing(bucket: Bucket[Ticket], now: float) -> bool:
    """Take a ticket; whether it is a probe."""
    taken(bucket, now)
    return bucket.state(now) is BucketState.PROBING


def answered(bucket: Bucket[Ticket], now: float, reading: QuotaReading, *, status: int = 200) -> None:
    """One request sent and answered at once."""
    bucket.observe(taken(bucket, now), now, status, reading)


def open_bucket(remaining: int, *, reset: float = 10.0, limit: int = 100) -> Bucket[Ticket]:
    bucket = new_bucket()
    answered(bucket, 0.0, said(remaining, reset, limit=limit))
    return bucket


def grants(bucket: Bucket[Ticket], now: float) -> int:
    count = 0
    while bucket.take(now) is not None:
        count += 1
    return count


class TestColdStart:
    def test_one_request_probes_and_the_others_wait_for_its_answer(self) -> None:
        bucket = new_bucket()
        assert bucket.state(0.0) is BucketState.COLD
        assert probing(bucket, 0.0)
        assert bucket.take(0.0) is None
        assert bucket.next_time(0.0) is None
        assert bucket.state(0.0) is BucketState.PROBING

    def test_a_lost_probe_makes_way_for_the_next(self) -> None:
        bucket = new_bucket()
        bucket.lose(taken(bucket, 0.0))
        assert probing(bucket, 1.0)

    def test_the_answer_opens_as_much_as_it_says(self) -> None:
        assert grants(open_bucket(60), 0.0) == 60 - 5  # the last five are spread


class TestLowerBound:
    def test_what_is_in_flight_counts_as_used(self) -> None:
        bucket = open_bucket(50)
        taken(bucket, 0.0)
        taken(bucket, 0.0)
        assert bucket.available == 48

    def test_answers_that_overtake_each_other_count_by_the_least(self) -> None:
        bucket = open_bucket(50)
        first, second = taken(bucket, 0.0), taken(bucket, 0.0)
        bucket.observe(second, 0.1, 200, said(48))
        bucket.observe(first, 0.2, 200, said(49))
        assert bucket.available == 48

    def test_a_straggler_of_the_old_window_is_ignored(self) -> None:
        bucket = open_bucket(50, reset=1.0)
        straggler = taken(bucket, 0.9)
        probe = taken(bucket, 1.1)
        bucket.observe(probe, 1.2, 200, said(99, 11.0, at=1.2))
        bucket.observe(straggler, 1.3, 200, said(3, 1.0, at=1.0))
        assert bucket.available == 99

    def test_what_is_still_in_flight_counts_against_the_new_window(self) -> None:
        bucket = open_bucket(50, reset=1.0)
        old = [taken(bucket, 0.9) for _ in range(10)]
        bucket.observe(taken(bucket, 1.1), 1.2, 200, said(99, 11.0, at=1.2))
        assert bucket.available == 99 - len(old)

    def test_an_earlier_reset_of_a_later_request_is_a_changed_server(self) -> None:
        bucket = open_bucket(50, reset=100.0)
        answered(bucket, 1.0, said(7, 5.0, at=1.0))
        assert bucket.available == 7

    def test_a_refill_shows_after_two_epochs_without_a_newer_reset(self) -> None:
        bucket = open_bucket(20)
        answered(bucket, 0.1, said(60))
        assert bucket.available == 20
        answered(bucket, 0.2, said(59))
        assert bucket.available == 59


class TestGhosts:
    def test_a_lost_answer_counts_as_used(self) -> None:
        bucket = open_bucket(50)
        bucket.lose(taken(bucket, 0.0))
        assert bucket.available == 49

    def test_a_ghost_is_laid_after_two_round_trips(self) -> None:
        bucket = open_bucket(50)
        bucket.lose(taken(bucket, 0.0))
        answered(bucket, 0.1, said(48))
        assert bucket.available == 47
        answered(bucket, 0.2, said(47))
        assert bucket.available == 47

    def test_a_request_that_was_never_sent_leaves_none(self) -> None:
        bucket = open_bucket(50)
        bucket.refund(taken(bucket, 0.0))
        assert bucket.available == 50


class TestReset:
    def test_nothing_goes_before_the_reset_and_one_probe_at_it(self) -> None:
        bucket = open_bucket(0, reset=10.0)
        assert bucket.take(5.0) is None
        due = bucket.next_time(5.0)
        assert due is not None
        assert 10.0 <= due <= 11.0  # the Date header leaves a second in the dark
        assert bucket.take(due - 0.001) is None
        assert probing(bucket, due)
        assert bucket.take(due) is None

    def test_no_window_is_opened_by_a_prediction(self) -> None:
        bucket = open_bucket(0, reset=10.0)
        probe = taken(bucket, 11.5)
        assert bucket.take(500.0) is None
        bucket.observe(probe, 500.1, 200, said(99, 510.0, at=500.1))
        assert bucket.available == 99

    def test_a_long_window_is_expected_a_second_late_until_seen_otherwise(self) -> None:
        bucket = open_bucket(1, reset=60.0)
        due = bucket.next_time(0.0, 2)
        assert due == pytest.approx(61.0)
        answered(bucket, 60.05, said(99, 120.0, at=60.05))
        assert bucket.reset.due == pytest.approx(120.05, abs=0.001)

    def test_a_probe_that_came_too_early_waits_longer_each_time(self) -> None:
        bucket = open_bucket(0, reset=10.0)
        waits: list[float] = []
        for _ in range(4):
            due = bucket.next_time(0.0)
            assert due is not None
            waits.append(due)
            answered(bucket, due, said(0, 10.0, at=9.0), status=429)
        steps = [later - earlier for earlier, later in pairwise(waits)]
        assert all(step >= 0.25 for step in steps)
        assert steps[-1] > steps[0]

    def test_a_reset_in_the_past_says_nothing_and_never_waits_for_hours(self) -> None:
        bucket = open_bucket(0, reset=-1_000.0)
        due = bucket.next_time(0.0)
        assert due is not None
        assert 0.0 < due <= 1.0

    def test_a_reset_beyond_a_day_says_nothing(self) -> None:
        due = open_bucket(0, reset=900_000.0).next_time(0.0)
        assert due is not None
        assert due <= 1.0


class TestTrickle:
    def test_the_last_tokens_are_spread_until_the_reset(self) -> None:
        bucket = open_bucket(5, reset=12.0)
        moments: list[float] = []
        now = 0.0
        while bucket.available:
            due = bucket.next_time(now)
            assert due is not None
            now = max(now, due)
            moments.append(now)
            answered(bucket, now, said(bucket.available - 1, 12.0, at=now))
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert all(1.0 <= gap <= 3.0 for gap in gaps)
        assert moments[-1] < 12.0

    def test_whoever_holds_nothing_back_takes_them_at_once(self) -> None:
        bucket = open_bucket(5)
        assert bucket.take(0.0) is None
        assert bucket.take(0.0, held_back=0.0) is not None

    def test_without_a_reset_there_is_nothing_to_spread_to(self) -> None:
        bucket = new_bucket()
        answered(bucket, 0.0, said(5, None))
        assert grants(bucket, 0.0) == 5


class TestPause:
    def test_a_429_closes_the_gate_until_the_reset(self) -> None:
        bucket = open_bucket(50)
        answered(bucket, 0.1, said(0), status=429)
        assert bucket.take(5.0) is None
        assert bucket.next_time(5.0) == bucket.reset.due

    def test_retry_after_wins_when_it_is_later_than_the_reset(self) -> None:
        bucket = open_bucket(50)
        reading = QuotaReading(limit=100, remaining=0, reset=OFFSET + 10.0, date=int(OFFSET), retry_after=30.0)
        answered(bucket, 0.0, reading, status=429)
        assert bucket.next_time(5.0) == 30.0
        assert bucket.state(5.0) is BucketState.PAUSED

    def test_behind_the_gate_a_probe_goes_first_and_the_rest_in_growing_numbers(self) -> None:
        bucket = open_bucket(50)
        answered(bucket, 0.0, said(0), status=429)
        probe = taken(bucket, 12.0)
        assert bucket.take(12.0) is None
        bucket.observe(probe, 12.1, 200, said(99, 20.0, at=12.1))
        assert grants(bucket, 12.1) == 2

    def test_a_429_with_something_left_backs_off_for_everybody(self) -> None:
        bucket = open_bucket(50)
        answered(bucket, 0.0, said(30), status=429)
        assert bucket.next_time(0.0) == 1.0
        assert bucket.available == 0

    def test_429s_without_headers_wait_twice_as_long_each_time(self) -> None:
        bucket = new_bucket()
        now, waits = 0.0, []
        for _ in range(4):
            answered(bucket, now, QuotaReading(), status=429)
            due = bucket.next_time(now)
            assert due is not None
            waits.append(due - now)
            now = due
        assert waits == [1.0, 2.0, 4.0, 8.0]

    def test_many_429s_of_one_moment_are_one_step(self) -> None:
        bucket = open_bucket(50)
        burst = [taken(bucket, 0.0) for _ in range(10)]
        for ticket in burst:
            bucket.observe(ticket, 0.1, 429, QuotaReading())
        assert bucket.next_time(0.1) == pytest.approx(1.1)


class TestUnmetered:
    def test_no_headers_start_with_four_at_once(self) -> None:
        bucket = new_bucket()
        answered(bucket, 0.0, QuotaReading())
        assert bucket.state(0.0) is BucketState.UNMETERED
        assert grants(bucket, 0.0) == 4

    def test_a_clean_round_trip_makes_one_more_and_a_429_a_third_less(self) -> None:
        bucket = new_bucket()
        answered(bucket, 0.0, QuotaReading())
        for _ in range(20):
            burst = [taken(bucket, 0.0) for _ in range(grants_then_refund(bucket))]
            for ticket in burst:
                bucket.observe(ticket, 0.1, 200, QuotaReading())
        grown = grants_then_refund(bucket)
        assert 20 <= grown <= 25
        answered(bucket, 0.2, QuotaReading(), status=429)
        assert grants(bucket, 2.0) == int(grown * 0.7) or grants(bucket, 2.0) == 0

    def test_headers_that_come_later_count(self) -> None:
        bucket = new_bucket()
        answered(bucket, 0.0, QuotaReading())
        answered(bucket, 0.1, said(30))
        assert bucket.available == 30


def grants_then_refund(bucket: Bucket[Ticket]) -> int:
    tickets: list[Ticket] = []
    while (ticket := bucket.take(0.0)) is not None:
        tickets.append(ticket)
    for ticket in tickets:
        bucket.refund(ticket)
    return len(tickets)


class TestSharers:
    def test_one_of_four_uses_a_quarter_of_the_window(self) -> None:
        bucket = new_bucket(sharers=4)
        answered(bucket, 0.0, said(99))
        assert bucket.state(0.0) is BucketState.DEGRADED
        used = 1
        while (ticket := bucket.take(0.0, held_back=0.0)) is not None:
            used += 1
            bucket.observe(ticket, 0.0, 200, said(99 - used))
        assert used == 25


class TestExpectedWait:
    def test_waiters_behind_the_window_wait_for_its_reset_and_those_behind_them_for_the_next(self) -> None:
        bucket = open_bucket(0, reset=10.0)
        answered(bucket, 11.0, said(0, 20.0, at=11.0))
        assert bucket.wait_for(12.0, 0) == pytest.approx(8.0, abs=1.0)
        assert bucket.wait_for(12.0, 150) == pytest.approx(18.0, abs=1.0)


def test_a_reset_in_seconds_from_now_is_one_window_however_it_is_rounded() -> None:
    bucket = new_bucket()
    date = int(OFFSET)
    answered(bucket, 0.0, QuotaReading(limit=100, remaining=50, reset_after=30.0, date=date))
    early, late = taken(bucket, 0.1), taken(bucket, 0.1)
    bucket.observe(late, 0.9, 200, QuotaReading(limit=100, remaining=10, reset_after=30.0, date=date))
    bucket.observe(early, 1.2, 200, QuotaReading(limit=100, remaining=11, reset_after=30.0, date=date + 1))
    assert bucket.available == 10
