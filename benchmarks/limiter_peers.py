"""Ours and the peers behind one interface, each used as its own documentation says.

Limiters that must be configured are told the right limit and window, and counted as the server counts where they have
a matching algorithm; those that read headers are fed them in the form that they know. Whoever gets a 429 asks its
limiter again. Imported by name, so that the type checkers need none of them.
"""

import asyncio
import importlib
import logging
import math
import random
from datetime import timedelta
from typing import Final

from limiter_worlds import KEY, Answer, MakePeer, Send, World

from setsmart_async.clock import Clock
from setsmart_async.limits.local import LocalLimiter

_aiolimiter = importlib.import_module("aiolimiter")
_asyncio_throttle = importlib.import_module("asyncio_throttle")
_asyncprawcore = importlib.import_module("asyncprawcore.rate_limit")
_hikari_buckets = importlib.import_module("hikari.impl.buckets")
_hikari_routes = importlib.import_module("hikari.internal.routes")
_pyrate = importlib.import_module("pyrate_limiter")
_pyrate_factory = importlib.import_module("pyrate_limiter.limiter_factory")
_throttled = importlib.import_module("throttled.asyncio")
logging.getLogger("hikari").setLevel(logging.CRITICAL)


class Ours:
    """Told nothing; reads the three documented headers and `Date`."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.limiter = LocalLimiter(clock=clock)

    async def call(self, send: Send) -> Answer:
        with await self.limiter.acquire() as permit:
            answer = await send()
            permit.observe(answer.status, answer.headers)
        return answer

    async def close(self) -> None: ...


class BackOff:
    """No limiter: exponential waits after a 429, for each call on its own, as most SDKs do (0.5 s to 8 s, jitter)."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._random = random.Random(world.seed)

    async def call(self, send: Send) -> Answer:
        wait = 0.5
        while (answer := await send()).status == 429:
            await asyncio.sleep(wait * (1 - 0.25 * self._random.random()))
            wait = min(2 * wait, 8.0)
        return answer

    async def close(self) -> None: ...


class Aiolimiter:
    """A leaky bucket, told limit and window."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.limiter = _aiolimiter.AsyncLimiter(world.limit, world.window)

    async def call(self, send: Send) -> Answer:
        async with self.limiter:
            return await send()

    async def close(self) -> None: ...


class PyrateLimiter:
    """A sliding log, or its token bucket where the server has one; told limit and window."""

    def __init__(self, world: World, clock: Clock) -> None:
        milliseconds = int(world.window * 1000)
        if world.algorithm == "bucket":
            self.limiter = _pyrate_factory.create_token_bucket_limiter(world.limit, milliseconds)
        else:
            self.limiter = _pyrate.Limiter(_pyrate.Rate(world.limit, milliseconds))

    async def call(self, send: Send) -> Answer:
        await self.limiter.try_acquire_async(KEY)
        return await send()

    async def close(self) -> None:
        self.limiter.close()


class ThrottledPy:
    """Fixed window, sliding window or GCRA as the server has it; told limit and window."""

    _ALGORITHMS: Final = {"fixed": "fixed_window", "sliding": "sliding_window", "bucket": "gcra"}

    def __init__(self, world: World, clock: Clock) -> None:
        quota = _throttled.rate_limiter.per_duration(timedelta(seconds=world.window), world.limit)
        using = self._ALGORITHMS[world.algorithm]
        # A timeout makes it wait instead of refusing.
        self.limiter = _throttled.Throttled(KEY, timeout=1e6, using=using, quota=quota, store=_throttled.MemoryStore())

    async def call(self, send: Send) -> Answer:
        await self.limiter.limit()
        return await send()

    async def close(self) -> None: ...


class AsyncioThrottle:
    """A sliding log that every waiter polls; told limit and window."""

    def __init__(self, world: World, clock: Clock) -> None:
        # Its 10 ms between polls; more in longer windows, so that a run takes seconds: 200 waiters poll often enough.
        interval = max(0.01, world.window / 50)
        self.limiter = _asyncio_throttle.Throttler(world.limit, world.window, retry_interval=interval)

    async def call(self, send: Send) -> Answer:
        async with self.limiter:
            return await send()

    async def close(self) -> None: ...


class Hikari:
    """Reads headers in Discord's form: resets to the millisecond, in unix seconds and in seconds from now."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.manager = _hikari_buckets.RESTBucketManager(max_rate_limit=1e6)
        self.manager.start()
        self.route = _hikari_routes.Route("GET", "/listings").compile()

    async def call(self, send: Send) -> Answer:
        async with self.manager.acquire_bucket(self.route, KEY):
            answer = await send()
            self.learn(answer)
        return answer

    def learn(self, answer: Answer) -> None:
        quota = answer.quota
        reset, after = round(quota.reset, 3), round(answer.reset_after, 3)
        self.manager.update_rate_limits(self.route, KEY, "bucket", quota.remaining, quota.limit, reset, after)

    async def close(self) -> None:
        await self.manager.close()


class HikariWholeSeconds(Hikari):
    """The same with what the documented headers and `Date` say: whole seconds."""

    def learn(self, answer: Answer) -> None:
        quota, reset = answer.quota, math.ceil(answer.quota.reset)
        after = max(1, reset - math.floor(answer.server_now))
        self.manager.update_rate_limits(self.route, KEY, "bucket", quota.remaining, quota.limit, reset, after)


class Asyncprawcore:
    """Reads headers in Reddit's form: used, remaining, whole seconds until the reset; told the window."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.limiter = _asyncprawcore.RateLimiter(window_size=math.ceil(world.window))

    async def call(self, send: Send) -> Answer:
        await self.limiter.delay()
        answer = await send()
        self.learn(answer)
        return answer

    def learn(self, answer: Answer) -> None:
        quota = answer.quota
        headers = {
            "x-ratelimit-remaining": str(quota.remaining),
            "x-ratelimit-used": str(quota.limit - quota.remaining),
            "x-ratelimit-reset": str(math.ceil(answer.reset_after)),
        }
        self.limiter.update(response_headers=headers)

    async def close(self) -> None: ...


OURS: Final = "setsmart_async"
BACK_OFF: Final = "back off on 429"
ROUNDED: Final = "hikari, whole seconds"
PEERS: Final[dict[str, MakePeer]] = {
    OURS: Ours,
    "hikari": Hikari,
    ROUNDED: HikariWholeSeconds,
    "asyncprawcore": Asyncprawcore,
    "aiolimiter": Aiolimiter,
    "pyrate-limiter": PyrateLimiter,
    "throttled-py": ThrottledPy,
    "asyncio-throttle": AsyncioThrottle,
    BACK_OFF: BackOff,
}
"""In the order of the tables: first those that learn the limit from headers, then those that must be told."""
NAMES: Final = tuple(name for name in PEERS if name != ROUNDED)
"""Those that every figure has a line for."""
TOLD: Final = frozenset({"aiolimiter", "pyrate-limiter", "throttled-py", "asyncio-throttle"})
