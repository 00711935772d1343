"""The limiter's invariants for many clients: the script in a real Redis, against a server that enforces its limit."""

import asyncio
import random
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from limits import shared_worlds
from limits.shared_worlds import World
from limits.simulation import Load, SimulatedServer, Traffic, saturate
from redis import Redis
from webhooks.servers import redis_url

from setsmart_async import Permit, Priority, SharedLimiter
from setsmart_async.policy.bucket import BucketState
from setsmart_async.sandbox.quota import Algorithm
from setsmart_async.wire import Headers

algorithms = st.sampled_from(["fixed", "sliding", "bucket"])
skews = st.sampled_from([0.0, 0.4, 7.0, -100.0, 100.0])
seeds = st.integers(0, 2**32)
starts = st.floats(1_700_000_000.0, 1_700_000_060.0)


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_url() as url, shared_worlds.connected(url) as connection:
        yield connection


@settings(max_examples=40)
@given(
    clients=st.integers(1, 9),
    algorithm=algorithms,
    limit=st.integers(1, 80),
    window=st.sampled_from([1.0, 2.0, 5.0, 10.0, 30.0, 60.0]),
    skew=skews,
    round_trip=st.sampled_from([0.001, 0.05, 0.3]),
    latency=st.sampled_from([0.0002, 0.003, 0.02]),
    seed=seeds,
    start=starts,
)
def test_i1_i2_clients_that_share_a_quota_meet_no_429_from_the_first_request_on(
    redis: Redis,
    clients: int,
    algorithm: Algorithm,
    limit: int,
    window: float,
    skew: float,
    round_trip: float,
    latency: float,
    seed: int,
    start: float,
) -> None:
    server = SimulatedServer(algorithm, limit, window, skew)
    load = Load(tasks=1 + 2 * limit // clients, seconds=6 * window, round_trip=round_trip)
    shared_worlds.run(redis, server, lambda world: world.press(clients, load, seed=seed), start=start, latency=latency)
    assert server.refused == []
    assert len(server.accepted) >= 3 * limit


@settings(max_examples=20)
@given(algorithm=algorithms, lost=st.sampled_from([0.01, 0.1, 0.5]), clients=st.integers(1, 5), seed=seeds)
def test_i2_lost_answers_cost_at_most_as_many_429s(
    redis: Redis, algorithm: Algorithm, lost: float, clients: int, seed: int
) -> None:
    server = SimulatedServer(algorithm, 30, 5.0)
    load = Load(tasks=20, seconds=30.0, lost=lost)
    traffic = shared_worlds.run(redis, server, lambda world: world.press(clients, load, seed=seed))
    assert len(server.refused) <= sum(each.lost for each in traffic)


@settings(max_examples=20)
@given(
    algorithm=algorithms,
    cancelled=st.sampled_from([0.05, 0.3, 0.8]),
    lost=st.sampled_from([0.0, 0.1]),
    clients=st.integers(1, 4),
    seed=seeds,
)
def test_i6_i7_every_grant_has_one_outcome_however_often_tasks_are_cancelled(
    redis: Redis, algorithm: Algorithm, cancelled: float, lost: float, clients: int, seed: int
) -> None:
    server = SimulatedServer(algorithm, 20, 5.0)

    async def main(world: World) -> tuple[list[Traffic], list[SharedLimiter]]:
        load = Load(tasks=12, seconds=20.0, cancelled=cancelled, lost=lost)
        return await world.press(clients, load, seed=seed), world.limiters

    traffic, limiters = shared_worlds.run(redis, server, main)
    for each, limiter in zip(traffic, limiters, strict=True):
        assert each.granted == each.observed + each.lost + each.unsent
        assert limiter.idle
        assert limiter.quota.in_flight == 0
    assert len(server.refused) <= sum(each.lost for each in traffic)


@settings(max_examples=25)
@given(
    costs=st.lists(st.integers(1, 3), min_size=1, max_size=40),
    cancelled=st.sets(st.integers(0, 39)),
    slots=st.integers(1, 5),
    seed=seeds,
)
def test_i4_i5_first_come_first_served_in_each_client_and_nobody_is_forgotten(
    redis: Redis, costs: list[int], cancelled: set[int], slots: int, seed: int
) -> None:
    server = SimulatedServer("fixed", 7, 5.0)
    chance = random.Random(seed)

    async def client(world: World) -> list[tuple[Priority, int]]:
        order: list[tuple[Priority, int]] = []
        limiter = world.limiter(max_concurrency=slots)

        async def one(number: int, priority: Priority) -> None:
            with await limiter.acquire(priority=priority) as permit:
                order.append((priority, number))
                await world.clock.sleep(chance.uniform(0.001, 0.2))
                permit.observe(*server.answer(world.clock.wall()))

        tasks = [asyncio.create_task(one(n, Priority(cost - 1))) for n, cost in enumerate(costs)]
        await asyncio.sleep(0.05)
        for number in cancelled:
            if number < len(tasks):
                tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limiter.idle
        await limiter.aclose()
        return order

    async def main(world: World) -> list[list[tuple[Priority, int]]]:
        return list(await asyncio.gather(client(world), client(world)))

    for order in shared_worlds.run(redis, server, main):
        for priority in Priority:
            numbers = [number for level, number in order if level is priority]
            assert numbers == sorted(numbers)
        assert len(order) >= len(costs) - len(cancelled)
    assert server.refused == []


@pytest.mark.parametrize(
    ("algorithm", "window", "least"),
    [("fixed", 2.0, 0.999), ("fixed", 60.0, 0.999), ("sliding", 60.0, 0.99)],
)
@pytest.mark.parametrize("clients", [4, 16])
def test_i10_saturated_clients_use_the_quota_up_together(
    redis: Redis, algorithm: Algorithm, window: float, least: float, clients: int
) -> None:
    server = SimulatedServer(algorithm, 100, window)
    load = Load(tasks=max(10, 200 // clients), seconds=12 * window)
    shared_worlds.run(redis, server, lambda world: world.press(clients, load))
    assert server.refused == []
    assert server.utilisation() >= least


def test_with_fifty_waiters_one_question_speaks_for_twenty_requests(redis: Redis) -> None:
    server = SimulatedServer("fixed", 2000, 10.0)

    async def main(world: World) -> float:
        await world.press(4, Load(tasks=150, seconds=60.0))  # of which 100 each find a slot
        return world.coordinator.exchanges / len(server.accepted)

    assert shared_worlds.run(redis, server, main) <= 0.05
    assert server.refused == []


def test_a_limit_that_changes_is_followed_by_every_client(redis: Redis) -> None:
    server = SimulatedServer("fixed", 100, 10.0)

    async def main(world: World) -> None:
        async def change() -> None:
            for limit in (250, 60):
                await world.clock.sleep(50.0)
                server.change_limit(limit)

        changing = asyncio.create_task(change())
        await world.press(4, Load(tasks=70, seconds=150.0))
        await changing

    shared_worlds.run(redis, server, main)
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


@settings(max_examples=30)
@given(headers=st.lists(st.tuples(garbage, garbage, garbage, garbage), min_size=1, max_size=20))
def test_i11_garbage_can_delay_and_never_over_admit(redis: Redis, headers: list[tuple[str, str, str, str]]) -> None:
    async def main(world: World) -> None:
        limiter, true_remaining = world.limiter(), 40
        for limit, remaining, reset, retry_after in headers:
            async with asyncio.timeout(86_400.0 + 60.0):
                permit = await limiter.acquire()
            true_remaining -= 1
            said_remaining = str(true_remaining) if remaining.strip().isdigit() else remaining
            pairs = [("X-RateLimit-Limit", limit), ("X-RateLimit-Remaining", said_remaining)]
            pairs += [("X-RateLimit-Reset", reset), ("Retry-After", retry_after)]
            pairs.append(("Date", formatdate(int(world.clock.wall()), usegmt=True)))
            permit.observe(200, Headers(pairs))
            assert limiter.quota.remaining <= true_remaining
        await limiter.aclose()

    shared_worlds.run(redis, SimulatedServer("fixed", 100, 10.0), main)


def test_what_one_client_lost_counts_as_used_for_every_client(redis: Redis) -> None:
    server = SimulatedServer("fixed", 100, 60.0)

    async def main(world: World) -> int:
        one, other = world.limiter(), world.limiter()
        with await one.acquire() as permit:
            permit.observe(*server.answer(world.clock.wall()))
        for _ in range(7):
            (await one.acquire()).lose()
        await world.clock.sleep(1.0)
        (await other.acquire()).refund()
        await one.aclose()
        await other.aclose()
        return other.quota.remaining

    assert shared_worlds.run(redis, server, main) <= 99 - 7


def test_a_client_that_died_gives_back_what_it_held_and_its_requests_count_as_sent(redis: Redis) -> None:
    server = SimulatedServer("fixed", 100, 60.0)

    async def main(world: World) -> tuple[int, int]:
        dead = world.limiter()
        held: list[Permit] = [await dead.acquire()]
        with held.pop() as permit:
            permit.observe(*server.answer(world.clock.wall()))
        held = [await dead.acquire() for _ in range(30)]
        await world.clock.sleep(0.1)
        _kill(dead)
        alive = world.limiter()
        with await alive.acquire() as permit:
            permit.observe(*server.answer(world.clock.wall()))
        first = alive.quota.remaining
        for permit in held:
            permit.ledger = None
        load = Load(tasks=50, seconds=170.0)
        await saturate(alive, server, world.clock, load, random.Random(1))
        await alive.aclose()
        return first, max(server.full_windows().values())

    remaining, most = shared_worlds.run(redis, server, main)
    assert remaining <= 100 - 32
    assert most == 100
    assert server.refused == []


def _kill(limiter: SharedLimiter) -> None:
    """As SIGKILL would: it says nothing any more."""
    owner = limiter._owner
    assert owner is not None
    owner.cancel()
    limiter._is_closed = True


@pytest.mark.parametrize("algorithm", ["fixed", "bucket", "sliding"])
@pytest.mark.parametrize("how", ["flushed", "clock set back", "clock set forward"])
def test_a_coordinator_that_forgets_everything_costs_no_429(redis: Redis, algorithm: Algorithm, how: str) -> None:
    server = SimulatedServer(algorithm, 100, 10.0)

    async def main(world: World) -> None:
        async def disturb() -> None:
            for after in (13.0, 4.1, 0.7, 8.0):
                await world.clock.sleep(after)
                if how == "flushed":
                    redis.flushall()
                else:
                    world.coordinator.behind += 600.0 if how == "clock set back" else -600.0

        disturbing = asyncio.create_task(disturb())
        await world.press(6, Load(tasks=30, seconds=80.0))
        await disturbing

    shared_worlds.run(redis, server, main)
    # A clock that jumps ahead makes a reset seem to have come: one probe each time finds out.
    assert len(server.refused) <= (4 if how == "clock set forward" else 0)
    if algorithm == "fixed" and how == "flushed":
        assert server.utilisation() > 0.9


@settings(max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # shrinking would take minutes
@given(
    algorithm=st.sampled_from(["fixed", "bucket"]),
    clients=st.integers(1, 7),
    outages=st.lists(st.tuples(st.floats(0.5, 30.0), st.floats(0.1, 40.0)), min_size=1, max_size=3),
    forgets=st.booleans(),
    seed=seeds,
)
@example(
    algorithm="fixed",
    clients=2,
    outages=[(7.739045870821131, 3.195876505361107), (17.071532887841045, 1.9), (17.071532887841045, 1.9)],
    forgets=True,
    seed=0,
)  # one client held permits for later, and did not notice that everything had been forgotten
@example(
    algorithm="fixed",
    clients=2,
    outages=[(10.076066938887525, 36.0), (0.8329222575821855, 30.010207472023954), (16.859698723302206, 12.6)],
    forgets=False,
    seed=0,
)  # an answer that came after all were back, and said less than one from before
def test_i3_without_the_coordinator_and_after_it_is_back_nobody_meets_a_429(
    redis: Redis,
    algorithm: Algorithm,
    clients: int,
    outages: list[tuple[float, float]],
    forgets: bool,
    seed: int,
) -> None:
    server = SimulatedServer(algorithm, 60, 10.0)

    async def main(world: World) -> None:
        async def disturb() -> None:
            for up, down in outages:
                await world.clock.sleep(up)
                world.coordinator.is_up = False
                if forgets:
                    redis.flushall()
                await world.clock.sleep(down)
                world.coordinator.is_up = True

        disturbing = asyncio.create_task(disturb())
        await world.press(clients, Load(tasks=20, seconds=20.0 + sum(map(sum, outages))), seed=seed)
        await disturbing

    shared_worlds.run(redis, server, main)
    # A token bucket has no window of which anybody could know that it is used up: the probe after an outage asks.
    assert len(server.refused) <= (0 if algorithm == "fixed" else len(outages))


@pytest.mark.parametrize("clients", [1, 10])
@pytest.mark.parametrize(
    ("algorithm", "least", "most_refused"), [("fixed", 0.95, 0.0), ("bucket", 0.9, 0.0), ("sliding", 0.8, 0.05)]
)
def test_without_the_coordinator_each_client_keeps_to_its_part_and_together_they_use_the_quota(
    redis: Redis, algorithm: Algorithm, least: float, most_refused: float, clients: int
) -> None:
    server = SimulatedServer(algorithm, 200, 10.0)

    async def main(world: World) -> set[BucketState]:
        async def disturb() -> set[BucketState]:
            await world.clock.sleep(24.0)
            world.coordinator.is_up = False
            await world.clock.sleep(80.0)
            states = {limiter.quota.state for limiter in world.limiters}
            world.coordinator.is_up = True
            return states

        disturbing = asyncio.create_task(disturb())
        await world.press(clients, Load(tasks=60, seconds=140.0))
        return await disturbing

    assert shared_worlds.run(redis, server, main) == {BucketState.DEGRADED}
    assert len(server.refused) <= most_refused * len(server.accepted)
    assert server.utilisation() >= least
