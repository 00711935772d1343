"""Clients that share one quota through the script in a real Redis, in virtual time.

The script takes its time from Redis; here that one word is replaced, and the time comes with the call. All else is
what runs in production: the server, the script, the limiters.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import attrs
import msgspec
import virtual_time
from limits.simulation import Load, SimulatedServer, Traffic, saturate
from redis import Redis
from virtual_time import VirtualClock

from setsmart_async import SharedLimiter
from setsmart_async.limits.coordinator import Lease, Report
from setsmart_async.limits.redis import shared_bucket_script

T = TypeVar("T")

START: Final = 1_700_000_003.3
_accounts = itertools.count()


class TimedRedis:
    """A `Coordinator` in a real Redis whose clock is the virtual one. Answers take `latency` seconds each way."""

    def __init__(self, redis: Redis, clock: VirtualClock, *, latency: float = 0.0005) -> None:
        self.redis = redis
        self.clock = clock
        self.latency = latency
        self.is_up = True
        self.behind = 0.0
        """How far Redis's clock is behind everybody's."""
        self.exchanges = 0
        script = shared_bucket_script()
        assert script.count("redis.call('TIME')") == 1
        self._script = redis.register_script(script.replace("redis.call('TIME')", "{ARGV[2], ARGV[3]}"))

    async def exchange(self, account: str, report: Report) -> Lease:
        await asyncio.sleep(self.latency)
        if not self.is_up:
            raise ConnectionError
        seconds, fraction = divmod(self.clock.wall() - self.behind, 1)
        answer: Any = self._script(
            keys=[account], args=[msgspec.msgpack.encode(report), int(seconds), int(fraction * 1e6)]
        )
        self.exchanges += 1
        await asyncio.sleep(self.latency)
        return msgspec.msgpack.decode(answer, type=Lease)

    async def aclose(self) -> None:
        """Nothing: the connection is the test's."""


@attrs.define
class World:
    """One server, one Redis, and limiters that share one account in it."""

    server: SimulatedServer
    coordinator: TimedRedis
    clock: VirtualClock
    account: str = attrs.field(factory=lambda: f"account {next(_accounts)}")
    limiters: list[SharedLimiter] = attrs.field(factory=list[SharedLimiter])

    def limiter(self, *, max_concurrency: int = 100, sharers: int = 16) -> SharedLimiter:
        """One more client."""
        limiter = SharedLimiter(
            self.coordinator,
            account=self.account,
            max_concurrency=max_concurrency,
            sharers=sharers,
            clock=self.clock,
        )
        self.limiters.append(limiter)
        return limiter

    async def press(self, clients: int, load: Load, *, seed: int = 1) -> list[Traffic]:
        """So many clients from one instant on; closed at the end."""
        limiters = [self.limiter() for _ in range(clients)]
        traffic = await asyncio.gather(
            *(
                saturate(limiter, self.server, self.clock, load, random.Random(seed + number))
                for number, limiter in enumerate(limiters)
            )
        )
        for limiter in limiters:
            await limiter.aclose()
        return traffic


@contextmanager
def connected(url: str) -> Iterator[Redis]:
    """A client for a Redis server's URL."""
    redis = Redis.from_url(url)
    try:
        redis.flushall()
        yield redis
    finally:
        redis.close()


def run(
    redis: Redis,
    server: SimulatedServer,
    main: Callable[[World], Awaitable[T]],
    *,
    start: float = START,
    latency: float = 0.0005,
) -> T:
    """Run a scene in virtual time."""

    async def scene() -> T:
        random.seed(1)  # the limiters' own: a run is to be the same again
        clock = VirtualClock(start)
        return await main(World(server, TimedRedis(redis, clock, latency=latency), clock))

    return virtual_time.run(scene())
