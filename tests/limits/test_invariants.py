"""The limiter's invariants I1 to I11, each by its number, against a server that enforces its limit."""

import asyncio
import random
from email.utils import formatdate
from itertools import pairwise

import pytest
import virtual_time
from hypothesis import given, settings
from hypothesis import strategies as st
from limits.simulation import Load, SimulatedServer, Traffic, saturate
from virtual_time import VirtualClock

from setsmart_async import Priority
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.policy.bucket import Bucket, Ticket
from setsmart_async.policy.quota import QuotaReading, read_quota
from setsmart_async.sandbox.quota import Algorithm
from setsmart_async.wire import Headers

algorithms = st.sampled_from(["fixed", "sliding", "bucket"])
skews = st.sampled_from([0.0, 0.4, 7.0, -100.0, 100.0])
seeds = st.integers(0, 2**32)
starts = st.floats(1_700_000_000.0, 1_700_000_060.0)


def run(
    server: SimulatedServer, load: Load, seed: int = 1, start: float = 1_700_000_003.3
) -> tuple[Traffic, LocalLimiter]:
    async def main() -> tuple[Traffic, LocalLimiter]:
        clock = VirtualClock(start)
        limiter = LocalLimiter(clock=clock)
        return await saturate(limiter, server, clock, load, random.Random(seed)), limiter

    return virtual_time.run(main())


@settings(max_examples=40)
@given(
    algorithm=algorithms,
    limit=st.integers(1, 80),
    window=st.sampled_from([1.0, 2.0, 5.0, 10.0, 30.0, 60.0]),
    skew=skews,
    round_trip=st.sampled_from([0.001, 0.05, 0.3]),
    seed=seeds,
    start=starts,
)
def test_r40_i1_a_single_consumer_whose_answers_all_arrive_meets_no_429(
    algorithm: Algorithm, limit: int, window: float, skew: float, round_trip: float, seed: int, start: float
) -> None:
    server = SimulatedServer(algorithm, limit, window, skew)
    run(server, Load(tasks=2 * limit, seconds=6 * window, round_trip=round_trip), seed, start)
    assert server.refused == []
    assert len(server.accepted) >= 3 * limit


@settings(max_examples=20)
@given(algorithm=algorithms, lost=st.sampled_from([0.01, 0.1, 0.5]), seed=seeds)
def test_i1_lost_answers_cost_at_most_as_many_429s(algorithm: Algorithm, lost: float, seed: int) -> None:
    server = SimulatedServer(algorithm, 30, 5.0)
    traffic, _ = run(server, Load(tasks=60, seconds=30.0, lost=lost), seed)
    assert len(server.refused) <= traffic.lost


@pytest.mark.parametrize("sharers", [2, 4, 7])
def test_i3_clients_that_can_not_ask_each_other_meet_no_429(sharers: int) -> None:
    server = SimulatedServer("fixed", 100, 10.0)

    async def main() -> None:
        clock = VirtualClock(1_700_000_003.3)
        limiters = [LocalLimiter(clock=clock, sharers=sharers) for _ in range(sharers)]
        load = Load(tasks=20, seconds=80.0)
        await asyncio.gather(
            *(saturate(limiter, server, clock, load, random.Random(n)) for n, limiter in enumerate(limiters))
        )

    virtual_time.run(main())
    assert server.refused == []
    assert server.utilisation() > 0.9


@settings(max_examples=25)
@given(
    costs=st.lists(st.integers(1, 3), min_size=1, max_size=40),
    cancelled=st.sets(st.integers(0, 39)),
    slots=st.integers(1, 5),
    seed=seeds,
)
def test_r40_i4_i5_first_come_first_served_and_nobody_is_forgotten(
    costs: list[int], cancelled: set[int], slots: int, seed: int
) -> None:
    server = SimulatedServer("fixed", 7, 5.0)
    chance = random.Random(seed)
    order: list[tuple[Priority, int]] = []

    async def main() -> LocalLimiter:
        clock = VirtualClock()
        limiter = LocalLimiter(max_concurrency=slots, clock=clock)

        async def one(number: int, priority: Priority) -> None:
            with await limiter.acquire(priority=priority) as permit:
                order.append((priority, number))
                await clock.sleep(chance.uniform(0.001, 0.2))
                permit.observe(*server.answer(clock.wall()))

        tasks = [asyncio.create_task(one(n, Priority(cost - 1))) for n, cost in enumerate(costs)]
        await asyncio.sleep(0.05)
        for number in cancelled:
            if number < len(tasks):
                tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return limiter

    limiter = virtual_time.run(main())  # a lost wake-up would raise here
    for priority in Priority:
        numbers = [number for level, number in order if level is priority]
        assert numbers == sorted(numbers)
    assert len(order) >= len(costs) - len(cancelled)
    assert limiter.idle


@settings(max_examples=25)
@given(algorithm=algorithms, cancelled=st.sampled_from([0.05, 0.3, 0.8]), lost=st.sampled_from([0.0, 0.1]), seed=seeds)
def test_r40_i6_i7_every_grant_has_one_outcome_however_often_tasks_are_cancelled(
    algorithm: Algorithm, cancelled: float, lost: float, seed: int
) -> None:
    server = SimulatedServer(algorithm, 20, 5.0)
    traffic, limiter = run(server, Load(tasks=30, seconds=20.0, cancelled=cancelled, lost=lost), seed)
    assert traffic.granted == traffic.observed + traffic.lost + traffic.unsent
    assert limiter.idle
    assert limiter.quota.in_flight == 0
    assert len(server.refused) <= traffic.lost


class Truth:
    """A fixed window's real count, beside a bucket that hears of it late, twice, or out of order."""

    def __init__(self, limit: int) -> None:
        self.bucket = Bucket(Ticket, random_source=lambda: 0.5, wall_offset=1_700_000_000.0)
        self.limit, self.window = limit, 0
        self.used = 0
        self.now = 0.0
        self.under_way: list[tuple[Ticket, QuotaReading]] = []
        self.refused = 0

    def step(self, action: int) -> None:
        self.now += 0.01
        if action == 0 and (ticket := self.bucket.take(self.now)) is not None:
            self.used += self.used < self.limit
            reset = 1_700_000_000.0 + (self.window + 1) * 10
            date = int(1_700_000_000.0 + self.now)
            reading = QuotaReading(limit=self.limit, remaining=self.limit - self.used, reset=reset, date=date)
            self.under_way.append((ticket, reading))
        elif action >= 2 and self.under_way:
            ticket, reading = self.under_way.pop(action % len(self.under_way))
            self.bucket.observe(ticket, self.now, 200, reading)
        elif action == 1 and not self.under_way:
            self.now = (self.window + 1) * 10 + 1.5
            self.window, self.used = self.window + 1, 0


@settings(max_examples=200)
@given(limit=st.integers(1, 20), actions=st.lists(st.integers(0, 9), max_size=200))
def test_i8_answers_out_of_order_never_raise_what_is_available_above_the_truth(limit: int, actions: list[int]) -> None:
    truth = Truth(limit)
    for action in actions:
        truth.step(action)
        assert truth.bucket.available <= truth.limit - truth.used


def test_i9_ten_thousand_waiters_need_one_timer_however_often_it_is_moved() -> None:
    async def main() -> int:
        clock = VirtualClock()
        limiter = LocalLimiter(clock=clock)
        with await limiter.acquire() as permit:
            permit.observe(200, said(clock, 5, 10))
        under_way = [await limiter.acquire(priority=Priority.INTERACTIVE) for _ in range(5)]
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(10_000)]
        await asyncio.sleep(0)
        for number, permit in enumerate(under_way):
            permit.observe(200, said(clock, 0, 20 + number))
        timers = [handle for handle in vars(asyncio.get_running_loop())["_scheduled"] if not handle.cancelled()]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return len(timers)

    def said(clock: VirtualClock, remaining: int, reset_in: int) -> Headers:
        reset = str(int(clock.wall()) + reset_in)
        return Headers(
            [("X-RateLimit-Limit", "100"), ("X-RateLimit-Remaining", f"{remaining}"), ("X-RateLimit-Reset", reset)]
        )

    assert virtual_time.run(main()) == 1


@pytest.mark.parametrize(
    ("algorithm", "window", "least"),
    [
        ("fixed", 2.0, 0.999),
        ("fixed", 10.0, 0.999),
        ("fixed", 60.0, 0.999),
        ("bucket", 1.0, 0.99),
        ("bucket", 5.0, 0.99),
        ("bucket", 10.0, 0.99),
        ("sliding", 10.0, 0.90),
        ("sliding", 60.0, 0.99),
    ],
)
@pytest.mark.parametrize("skew", [0.0, 60.0, -60.0])
def test_i10_a_saturated_limiter_uses_the_quota_up(
    algorithm: Algorithm, window: float, least: float, skew: float
) -> None:
    server = SimulatedServer(algorithm, 100, window, skew)
    run(server, Load(tasks=200, seconds=22 * window))
    assert server.refused == []
    assert server.utilisation() >= least


@pytest.mark.parametrize("window", [5.0, 10.0, 60.0])
def test_i10_from_the_third_window_on_the_first_request_comes_at_once(window: float) -> None:
    chance = random.Random(5)
    for skew in (60.0, -60.0, 0.5, 0.0):
        server = SimulatedServer("fixed", 100, window, skew)
        load = Load(tasks=150, seconds=10 * window, round_trip=chance.choice([0.005, 0.05, 0.1]))
        run(server, load, start=1_700_000_000.0 + chance.uniform(0.0, 60.0))
        firsts = [later for earlier, later in pairwise(server.accepted) if later // window > earlier // window]
        assert max(moment % window for moment in firsts[2:]) <= 0.2


def test_a_limit_that_changes_mid_run_is_followed_within_a_window() -> None:
    server = SimulatedServer("fixed", 100, 10.0)

    async def main() -> None:
        clock = VirtualClock(1_700_000_003.3)
        limiter = LocalLimiter(clock=clock)

        async def change() -> None:
            for limit in (250, 60):
                await clock.sleep(50.0)
                server.change_limit(limit)

        changing = asyncio.create_task(change())
        await saturate(limiter, server, clock, Load(tasks=300, seconds=150.0), random.Random(1))
        await changing

    virtual_time.run(main())
    windows = list(server.full_windows().values())
    assert windows[0:4] == [100] * 4
    assert windows[6:9] == [250] * 3
    assert windows[-3:] == [60] * 3
    assert len(server.refused) <= 100


garbage = st.one_of(
    st.sampled_from(["", "-1", "NaN", "inf", "1e9", "99999999999999", "1700000000000", "٣", " 5", "0x10", "+7"]),
    st.integers(-(10**18), 10**18).map(str),
    st.text(max_size=8),
)


@settings(max_examples=100)
@given(headers=st.lists(st.tuples(garbage, garbage, garbage, garbage), min_size=1, max_size=20), seed=seeds)
def test_i11_garbage_can_delay_boundedly_and_never_over_admit(
    headers: list[tuple[str, str, str, str]], seed: int
) -> None:
    bucket = Bucket(Ticket, random_source=random.Random(seed).random, wall_offset=1_700_000_000.0)
    now, true_remaining = 0.0, 40
    for limit, remaining, reset, retry_after in headers:
        ticket = bucket.take(now)
        if ticket is None:
            due = bucket.next_time(now)
            assert due is not None
            assert due - now <= 86_400.0 + 2.0
            now = due
            ticket = bucket.take(now)
        assert ticket is not None
        true_remaining -= 1
        said_remaining = str(true_remaining) if remaining.strip().isdigit() else remaining
        pairs = [("X-RateLimit-Limit", limit), ("X-RateLimit-Remaining", said_remaining)]
        pairs += [("X-RateLimit-Reset", reset), ("Retry-After", retry_after)]
        pairs.append(("Date", formatdate(1_700_000_000 + int(now), usegmt=True)))
        bucket.observe(ticket, now, 200, read_quota(200, Headers(pairs)))
        assert bucket.available <= true_remaining
