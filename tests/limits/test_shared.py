"""The shared limiter around a coordinator of the test's own: time limits, events, closing, mistakes."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import virtual_time
from virtual_time import VirtualClock

from setsmart_async import (
    ClientClosedError,
    ConfigurationError,
    CoordinatorError,
    CoordinatorLost,
    CoordinatorRestored,
    Event,
    RateLimitWaitError,
    SharedLimiter,
    WrongEventLoopError,
)
from setsmart_async.limits.coordinator import Lease, Report
from setsmart_async.policy.bucket import BucketState
from setsmart_async.wire import Headers, Origin

T = TypeVar("T")


class Scripted:
    """Leases everything that is wanted, or does what it is told to."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.instead: Callable[[], Awaitable[None]] | None = None
        self.is_closed = False
        self.most = 100
        self.announced: float | None = None

    async def exchange(self, account: str, report: Report) -> Lease:
        assert account == "test"
        await asyncio.sleep(0.001)
        if self.instead is not None:
            await self.instead()
        self.reports.append(report)
        now = asyncio.get_running_loop().time()
        count = min(sum(report.wants), self.most)
        return Lease(
            now=now,
            born=1,
            count=count,
            later=[],
            sharers=4,
            state="open" if self.most else "exhausted",
            spare=self.most,
            sequence=len(self.reports),
            limit=100,
            announced=self.announced,
            clock_low=0.0,
            clock_high=0.0,
            ask=None if self.most else now + 0.5,
        )

    async def aclose(self) -> None:
        self.is_closed = True


async def _never() -> None:
    await asyncio.get_running_loop().create_future()


async def _refuse() -> None:
    raise ConnectionError


async def _stumble() -> None:
    raise KeyError("a bug of its own")


def run(scene: Callable[[SharedLimiter, Scripted, list[Event]], Awaitable[T]]) -> T:
    async def main() -> T:
        events: list[Event] = []
        coordinator = Scripted()
        limiter = SharedLimiter(coordinator, account="test", observer=events.append, clock=VirtualClock())
        try:
            return await scene(limiter, coordinator, events)
        finally:
            await limiter.aclose()

    return virtual_time.run(main())


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("how", [_never, _refuse])
def test_a_lost_coordinator_is_decided_upon_within_60_ms(how: Callable[[], Awaitable[None]]) -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> float:
        (await limiter.acquire()).refund()
        await asyncio.sleep(0.2)
        coordinator.instead = how
        began = now()
        permit = await limiter.acquire()
        waited = now() - began
        permit.refund()
        assert limiter.quota.state is BucketState.DEGRADED
        assert events == [CoordinatorLost(sharers=4)]
        return waited

    assert run(scene) <= 0.06


def test_the_first_contact_has_a_second_and_then_the_configured_part_is_used() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> float:
        coordinator.instead = _never
        began = now()
        (await limiter.acquire()).refund()
        assert events == [CoordinatorLost(sharers=16)]
        return now() - began

    assert run(scene) == pytest.approx(1.0, abs=0.06)


def test_what_is_lost_and_restored_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> None:
        (await limiter.acquire()).refund()
        await asyncio.sleep(0.2)
        coordinator.instead = _refuse
        (await limiter.acquire()).refund()
        await asyncio.sleep(5.0)
        coordinator.instead = None
        await asyncio.sleep(1.1)
        lost, restored = events
        assert lost == CoordinatorLost(sharers=4)
        assert isinstance(restored, CoordinatorRestored)
        assert restored.sharers == 4
        assert 5.0 <= restored.seconds <= 6.2
        assert limiter.quota.state is BucketState.OPEN

    with caplog.at_level(logging.INFO, "setsmart_async"):
        run(scene)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "1/4 of the quota" in caplog.text


def test_attempts_to_reach_it_again_are_spread_and_never_more_than_a_second_apart() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> list[float]:
        attempts: list[float] = []

        async def refuse() -> None:
            attempts.append(now())
            raise ConnectionError

        (await limiter.acquire()).refund()
        await asyncio.sleep(0.2)
        coordinator.instead = refuse
        (await limiter.acquire()).refund()
        await asyncio.sleep(30.0)
        return attempts

    attempts = run(scene)
    gaps = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert all(gap <= 1.01 for gap in gaps)
    assert all(gap >= 0.45 for gap in gaps[6:])
    assert len({round(gap, 3) for gap in gaps[6:]}) > 10


def test_one_question_speaks_for_all_who_came_within_two_milliseconds() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> int:
        permits = await asyncio.gather(*(limiter.acquire() for _ in range(80)))
        for permit in permits:
            permit.refund()
        return len([report for report in coordinator.reports if sum(report.wants)])

    assert run(scene) <= 2


def test_permits_that_nobody_waits_for_are_given_back() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> tuple[int, int]:
        tasks = [asyncio.create_task(limiter.acquire()) for _ in range(30)]
        await asyncio.sleep(0.0005)
        for task in tasks[1:]:
            task.cancel()
        permit = await tasks[0]
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.2)
        held = coordinator.reports[-1].held
        permit.refund()
        return held, limiter.quota.in_flight

    assert run(scene) == (1, 0)


def test_a_wait_that_would_be_too_long_is_refused_at_once() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> None:
        coordinator.announced = now() + 300.0
        headers = Headers([])
        with await limiter.acquire() as permit:
            permit.observe(200, headers)
        coordinator.most = 0
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0.1)
        began = now()
        with pytest.raises(RateLimitWaitError):
            await limiter.acquire(max_wait=1.0)
        assert now() == began
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    run(scene)


def test_closing_gives_back_what_is_held_and_turns_away_who_waits() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> None:
        held = await limiter.acquire()
        coordinator.most = 0
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0.1)
        await limiter.aclose()
        with pytest.raises(ClientClosedError):
            await waiting
        with pytest.raises(ClientClosedError):
            await limiter.acquire()
        held.refund()
        assert coordinator.reports[-1].leaving
        assert coordinator.is_closed
        await limiter.aclose()
        assert len(asyncio.all_tasks()) == 1

    run(scene)


def test_a_coordinator_with_a_bug_is_loud_and_nobody_waits_for_ever() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> None:
        coordinator.instead = _stumble
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(3)]
        for task in waiting:
            with pytest.raises(CoordinatorError, match="KeyError") as caught:
                await task
            assert isinstance(caught.value.__cause__, KeyError)
        with pytest.raises(CoordinatorError):
            await limiter.acquire()

    run(scene)


def test_a_limiter_without_an_account_says_what_to_do() -> None:
    async def main() -> None:
        limiter = SharedLimiter(Scripted(), clock=VirtualClock())
        with pytest.raises(ConfigurationError, match="account="):
            await limiter.acquire()

    virtual_time.run(main())


def test_a_limiter_is_one_accounts() -> None:
    here, there = Origin("http", "127.0.0.1", 1, "/v1"), Origin("http", "127.0.0.1", 2, "/v1")
    limiter = SharedLimiter(Scripted())
    limiter.bind(here, "a")
    limiter.bind(here, "a")
    for origin, key in ((here, "b"), (there, "a")):
        with pytest.raises(ConfigurationError, match="one API key"):
            limiter.bind(origin, key)
    named = SharedLimiter(Scripted(), account="test")
    named.bind(here, "a")
    named.bind(there, "b")


def test_a_limiter_is_one_event_loops() -> None:
    limiter = SharedLimiter(Scripted(), account="test")

    async def use() -> None:
        (await limiter.acquire()).refund()

    with asyncio.Runner() as runner:
        runner.run(use())
        with asyncio.Runner() as other, pytest.raises(WrongEventLoopError):
            other.run(use())
        runner.run(limiter.aclose())


def test_clients_are_named_when_they_begin_and_not_before_a_fork() -> None:
    async def main() -> set[str]:
        coordinator = Scripted()
        limiters = [SharedLimiter(coordinator, account="test", clock=VirtualClock()) for _ in range(5)]
        for limiter in limiters:
            assert limiter._bucket._client == ""
            (await limiter.acquire()).refund()
        for limiter in limiters:
            await limiter.aclose()
        return {report.client for report in coordinator.reports}

    names = virtual_time.run(main())
    assert len(names) == 5
    assert all(len(name) == 16 for name in names)


@pytest.mark.parametrize("wrong", [{"max_concurrency": 0}, {"sharers": 0}])
def test_numbers_below_one_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="1 or more"):
        SharedLimiter(Scripted(), account="test", **wrong)  # type: ignore[arg-type]  # as a user without checker would


def test_a_request_that_costs_several_gets_them_together() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> float:
        began = now()
        permits = await asyncio.gather(*(limiter.acquire(cost) for cost in (5, 1, 3)))
        waited = now() - began
        for permit in permits:
            permit.refund()
        return waited

    assert run(scene) <= 0.1


def test_who_cancels_all_tasks_does_not_stop_the_limiter() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> None:
        (await limiter.acquire()).refund()
        await asyncio.sleep(0.1)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.1)
        async with asyncio.timeout(1.0):
            (await limiter.acquire()).refund()

    run(scene)


def test_a_coordinator_that_takes_long_to_connect_but_not_to_answer_is_used_again() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> BucketState:
        (await limiter.acquire()).refund()
        await asyncio.sleep(0.2)
        connected = False

        async def connect() -> None:
            nonlocal connected
            if not connected:
                await asyncio.sleep(0.08)
                connected = True

        coordinator.instead = connect
        (await limiter.acquire()).refund()
        assert limiter.quota.state is BucketState.DEGRADED
        await asyncio.sleep(3.0)
        return limiter.quota.state

    assert run(scene) is BucketState.OPEN


def test_closing_that_is_cancelled_closes_the_connections_all_the_same() -> None:
    async def scene(limiter: SharedLimiter, coordinator: Scripted, events: list[Event]) -> bool:
        (await limiter.acquire()).refund()
        coordinator.instead = _never
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await limiter.aclose()
        return coordinator.is_closed

    assert run(scene)
