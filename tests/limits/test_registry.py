"""One limiter per event loop, origin and key; idle ones and those of closed loops are dropped."""

import asyncio

import pytest
import virtual_time
from virtual_time import VirtualClock

from setsmart_async.limits import registry
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.limits.registry import shared_limiter
from setsmart_async.wire import Origin

HERE = Origin("http", "127.0.0.1", 8080, "/v1")
THERE = Origin("http", "127.0.0.1", 8081, "/v1")


@pytest.fixture(autouse=True)
def _none_from_other_tests() -> None:
    registry._entries.clear()


def lent(clock: VirtualClock, origin: Origin = HERE, key: str = "a", concurrency: int = 10) -> LocalLimiter:
    return shared_limiter(origin, key, max_concurrency=concurrency, clock=clock)


def test_the_same_origin_and_key_get_the_same_limiter_and_others_another() -> None:
    async def main() -> None:
        clock = VirtualClock()
        assert lent(clock) is lent(clock)
        assert lent(clock) is not lent(clock, THERE)
        assert lent(clock) is not lent(clock, key="b")

    virtual_time.run(main())


def test_an_idle_limiter_is_dropped_and_a_busy_one_is_kept() -> None:
    async def main() -> None:
        clock = VirtualClock()
        idle, busy = lent(clock), lent(clock, key="busy")
        permit = await busy.acquire()
        await clock.sleep(601)
        assert lent(clock) is not idle
        assert lent(clock, key="busy") is busy
        permit.refund()

    virtual_time.run(main())


def test_a_closed_loop_leaves_nothing_behind() -> None:
    async def main() -> int:
        lent(VirtualClock())
        return len(registry._entries)

    assert [virtual_time.run(main()) for _ in range(5)] == [1, 1, 1, 1, 1]


def test_the_largest_concurrency_that_a_client_asks_for_holds_for_all() -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = lent(clock, concurrency=1)
        (await limiter.acquire()).lose()
        held = await limiter.acquire()
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        held.refund()
        probe = await waiting
        later = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        lent(clock, concurrency=5)
        probe.refund()
        (await later).refund()
        assert limiter.idle

    virtual_time.run(main())
