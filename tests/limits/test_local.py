"""The waiting room: order, wake-ups, cancellation, refusals. In virtual time: a lost wake-up raises."""

import asyncio
from collections.abc import Iterable

import pytest
import virtual_time
from virtual_time import VirtualClock

from setsmart_async import ConfigurationError, Permit, Priority, RateLimitWaitError
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.policy.bucket import BucketState
from setsmart_async.wire import Headers


def rate_headers(clock: VirtualClock, remaining: int, *, reset_in: float = 10.0, limit: int = 100) -> Headers:
    return Headers(
        [
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Remaining", str(remaining)),
            ("X-RateLimit-Reset", str(int(clock.wall() + reset_in))),
        ]
    )


async def limiter_with(remaining: int, *, max_concurrency: int = 100, limit: int = 100) -> LocalLimiter:
    clock = VirtualClock()
    limiter = LocalLimiter(max_concurrency=max_concurrency, clock=clock)
    with await limiter.acquire() as permit:
        permit.observe(200, rate_headers(clock, remaining, limit=limit))
    return limiter


def tasks_in_line(
    limiter: LocalLimiter, names: Iterable[str], log: list[str], *, priority: Priority = Priority.NORMAL
) -> list[asyncio.Task[Permit]]:
    async def one(name: str) -> Permit:
        permit = await limiter.acquire(priority=priority)
        log.append(name)
        return permit

    return [asyncio.create_task(one(name)) for name in names]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def cancel(tasks: Iterable[asyncio.Task[Permit]]) -> None:
    pending = [task for task in tasks if not task.done()]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


def test_first_come_first_served_inside_a_class() -> None:
    async def main() -> list[str]:
        limiter = await limiter_with(100, max_concurrency=1)
        held = await limiter.acquire()
        log: list[str] = []
        tasks = tasks_in_line(limiter, [f"{number}" for number in range(20)], log)
        await settle()
        held.refund()
        for task in tasks:
            (await task).refund()
        return log

    assert virtual_time.run(main()) == [f"{number}" for number in range(20)]


def test_higher_classes_go_first_and_each_class_gets_its_tenth() -> None:
    async def main() -> list[str]:
        limiter = await limiter_with(100, max_concurrency=1)
        held = await limiter.acquire()
        log: list[str] = []
        bulk = tasks_in_line(limiter, ["bulk"] * 3, log, priority=Priority.BULK)
        normal = tasks_in_line(limiter, ["normal"] * 3, log, priority=Priority.NORMAL)
        interactive = tasks_in_line(limiter, ["interactive"] * 25, log, priority=Priority.INTERACTIVE)
        await settle()
        held.refund()
        for _ in range(31):
            await settle()
            granted = [task for task in (*bulk, *normal, *interactive) if task.done()]
            for task in granted:
                task.result().refund()
        return log

    log = virtual_time.run(main())
    assert len(log) == 31
    assert log[:9] == ["interactive"] * 9
    assert "bulk" in log[:12]
    assert "normal" in log[:12]
    assert log.index("normal") < 25


def test_a_retry_goes_to_the_front_of_its_class() -> None:
    async def main() -> list[str]:
        limiter = await limiter_with(100, max_concurrency=1)
        held = await limiter.acquire()
        log: list[str] = []
        tasks = tasks_in_line(limiter, ["first", "second"], log)
        await settle()

        async def retry() -> Permit:
            permit = await limiter.acquire(again=True)
            log.append("retry")
            return permit

        tasks.append(asyncio.create_task(retry()))
        await settle()
        held.refund()
        for task in reversed(tasks):
            (await task).refund()
            await settle()
            for other in tasks:
                if other.done():
                    other.result().refund()
        return log

    assert virtual_time.run(main()) == ["retry", "first", "second"]


def test_a_web_request_finds_quota_in_a_window_that_a_sync_eats() -> None:
    async def main() -> float:
        clock = VirtualClock()
        limiter = await limiter_with(100)
        log: list[str] = []
        bulk = tasks_in_line(limiter, ["bulk"] * 120, log, priority=Priority.BULK)
        await settle()
        assert len(log) < 100
        for task in bulk:
            if task.done():
                task.result().observe(200, rate_headers(clock, 100 - len(log)))
        began = clock.monotonic()
        (await limiter.acquire(priority=Priority.INTERACTIVE)).refund()
        waited = clock.monotonic() - began
        await cancel(bulk)
        return waited

    assert virtual_time.run(main()) == 0.0


def test_bulk_work_never_holds_every_slot() -> None:
    async def main() -> int:
        limiter = await limiter_with(100, max_concurrency=20)
        log: list[str] = []
        bulk = tasks_in_line(limiter, ["bulk"] * 30, log, priority=Priority.BULK)
        await settle()
        (await limiter.acquire(priority=Priority.INTERACTIVE)).refund()
        await cancel(bulk)
        return len(log)

    assert virtual_time.run(main()) == 18


def test_concurrency_is_bounded_and_a_freed_slot_is_handed_on() -> None:
    async def main() -> None:
        limiter = await limiter_with(100, max_concurrency=2)
        first, _ = await limiter.acquire(), await limiter.acquire()
        third = asyncio.create_task(limiter.acquire())
        await settle()
        assert not third.done()
        assert limiter.quota.waiting == 1
        first.lose()
        assert isinstance(await third, Permit)

    virtual_time.run(main())


def test_the_timer_wakes_one_probe_at_the_reset_and_its_answer_wakes_the_rest() -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = await limiter_with(0)
        log: list[str] = []
        tasks = tasks_in_line(limiter, ["probe", "a", "b"], log)
        await clock.sleep(9.9)
        assert log == []
        await clock.sleep(1.2)
        assert log == ["probe"]
        assert limiter.quota.state is BucketState.PROBING
        tasks[0].result().observe(200, rate_headers(clock, 99))
        await settle()
        assert log == ["probe", "a", "b"]

    virtual_time.run(main())


def test_a_permit_tells_how_long_it_was_waited_for() -> None:
    async def main() -> float:
        limiter = await limiter_with(0)
        return (await limiter.acquire()).waited

    assert virtual_time.run(main()) == pytest.approx(10.0, abs=1.0)


class TestMaxWait:
    def test_a_wait_that_is_known_to_be_too_long_is_refused_at_once(self) -> None:
        async def main() -> tuple[RateLimitWaitError, float]:
            clock = VirtualClock()
            limiter = await limiter_with(0)
            began = clock.monotonic()
            with pytest.raises(RateLimitWaitError) as refusal:
                await limiter.acquire(max_wait=2.0)
            return refusal.value, clock.monotonic() - began

        error, waited = virtual_time.run(main())
        assert waited == 0.0
        assert error.wait == pytest.approx(10.0, abs=1.0)
        assert error.reset_at == pytest.approx(1_700_000_010.0, abs=1.0)
        assert "10" in str(error) or "9" in str(error)

    def test_a_wait_that_turns_out_to_be_too_long_ends_then(self) -> None:
        async def main() -> float:
            clock = VirtualClock()
            limiter = await limiter_with(100, max_concurrency=1)
            held = await limiter.acquire()
            began = clock.monotonic()
            with pytest.raises(RateLimitWaitError):
                await limiter.acquire(max_wait=2.0)
            waited = clock.monotonic() - began
            held.refund()
            assert limiter.quota.waiting == 0
            (await limiter.acquire()).refund()
            return waited

        assert virtual_time.run(main()) == pytest.approx(2.0)


class TestCancellation:
    def test_a_cancelled_wait_leaves_the_queue(self) -> None:
        async def main() -> None:
            limiter = await limiter_with(100, max_concurrency=1)
            held = await limiter.acquire()
            log: list[str] = []
            tasks = tasks_in_line(limiter, ["a", "b", "c"], log)
            await settle()
            await cancel([tasks[0]])
            held.refund()
            await settle()
            assert log == ["b"]
            assert limiter.quota.waiting == 1
            await cancel(tasks)

        virtual_time.run(main())

    def test_a_permit_that_was_granted_to_a_cancelled_task_goes_to_the_next(self) -> None:
        async def main() -> None:
            limiter = await limiter_with(100, max_concurrency=1)
            held = await limiter.acquire()
            log: list[str] = []
            tasks = tasks_in_line(limiter, ["a", "b"], log)
            await settle()
            held.refund()  # hands the slot to a, whose task has not run yet
            tasks[0].cancel()
            await settle()
            assert tasks[0].cancelled()
            assert log == ["b"]
            tasks[1].result().refund()
            assert limiter.quota.in_flight == 0

        virtual_time.run(main())

    def test_a_permit_left_without_an_outcome_counts_as_lost(self) -> None:
        async def main() -> None:
            limiter = await limiter_with(50)
            with await limiter.acquire():
                pass
            assert limiter.quota.in_flight == 0
            assert limiter.quota.remaining == 49

        virtual_time.run(main())

    def test_the_first_outcome_of_a_permit_counts(self) -> None:
        async def main() -> None:
            limiter = await limiter_with(50)
            with await limiter.acquire() as permit:
                permit.refund()
                permit.lose()
            assert limiter.quota.remaining == 50

        virtual_time.run(main())

    def test_thousands_of_cancelled_waits_leave_nothing_behind(self) -> None:
        async def main() -> None:
            limiter = await limiter_with(0)
            for _ in range(20):
                tasks = tasks_in_line(limiter, ["x"] * 200, [])
                await settle()
                await cancel(tasks)
            assert limiter.quota.waiting == 0
            assert sum(len(queue) for queue in limiter._queues) <= 200

        virtual_time.run(main())


@pytest.mark.parametrize("cost", [0, -1])
def test_a_cost_below_one_is_refused(cost: int) -> None:
    async def main() -> None:
        limiter = await limiter_with(10)
        with pytest.raises(ConfigurationError):
            await limiter.acquire(cost)

    virtual_time.run(main())


def test_a_cost_is_granted_whole() -> None:
    async def main() -> None:
        limiter = await limiter_with(30)
        (await limiter.acquire(20)).lose()
        assert limiter.quota.remaining == 10

    virtual_time.run(main())


def test_a_concurrency_below_one_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        LocalLimiter(max_concurrency=0)
