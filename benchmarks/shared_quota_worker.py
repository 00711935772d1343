"""One of the processes of `shared_quota.py`: presses against the sandbox through one limiter. Not run by hand."""

import asyncio
import importlib
import json
import resource
import sys
import time
from typing import Any, Final

import attrs
from redis.asyncio import Redis

from setsmart_async import (
    LocalLimiter,
    Permit,
    Priority,
    QuotaState,
    RateLimiter,
    RedisLimiter,
    SetSmart,
    SetSmartError,
)

_GCRA: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = due + interval - burst * interval - now
if wait > 0 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', due + interval), 'EX', 3600)
return '0'
"""


@attrs.frozen(kw_only=True)
class Options:
    """What `shared_quota.py` says."""

    strategy: str
    base_url: str
    key: str
    redis_url: str
    limit: int
    window: float
    tasks: int
    seconds: float


class Told:
    """A limiter that was told limit and window, and asks Redis for each request; what waits in it, waits in it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.redis = Redis.from_url(options.redis_url)

    async def ready(self) -> None:
        """Connect."""
        await self.redis.ping()

    async def wait(self) -> None:
        """Until one request may go."""
        raise NotImplementedError

    async def acquire(
        self, cost: int = 1, *, priority: Priority = Priority.NORMAL, max_wait: float | None = None, again: bool = False
    ) -> Permit:
        await self.wait()
        return Permit(1, cost, 0.0)

    def acquire_nowait(self, cost: int = 1, *, priority: Priority = Priority.NORMAL) -> Permit | None:
        return None

    @property
    def quota(self) -> QuotaState:
        return QuotaState.unknown()


class Gcra(Told):
    """One script call for each request and each try: what most articles on the matter propose."""

    async def ready(self) -> None:
        await super().ready()
        self.script = self.redis.register_script(_GCRA)

    async def wait(self) -> None:
        arguments = [self.options.window / self.options.limit, self.options.limit]
        while (seconds := float(await self.script(keys=["gcra"], args=arguments))) > 0:  # noqa: ASYNC110 - nobody here knows when
            await asyncio.sleep(seconds)


class Pyrate(Told):
    """pyrate-limiter's own bucket in Redis."""

    async def ready(self) -> None:
        pyrate_limiter = importlib.import_module("pyrate_limiter")

        await super().ready()
        rates = [pyrate_limiter.Rate(self.options.limit, int(self.options.window * 1000))]
        bucket: Any = await pyrate_limiter.RedisBucket.init(rates, self.redis, "pyrate")
        self.limiter = pyrate_limiter.Limiter(bucket)

    async def wait(self) -> None:
        await self.limiter.try_acquire_async("key")


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: redis-py 8.1 swallows cancellations, so that peers would go on for ever."""
    pending = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)
    for failure in (task.exception() for task in tasks if not task.cancelled()):
        if failure is not None:
            raise failure


async def press(options: Options) -> dict[str, object]:
    """Call until the end; what came of it."""
    limiter: RateLimiter
    if options.strategy == "ours":
        limiter = RedisLimiter(options.redis_url)
    elif options.strategy == "independent":
        limiter = LocalLimiter()
    else:
        limiter = told = {"gcra": Gcra, "pyrate": Pyrate}[options.strategy](options)
        await told.ready()
    done = failed = 0
    slowest = 0.0
    setsmart = SetSmart(options.key, base_url=options.base_url, limiter=limiter, deadline=None)

    async def worker() -> None:
        nonlocal done, failed, slowest
        while True:
            began = time.monotonic()
            try:
                await setsmart.properties.list(page_size=1).page()
                done += 1
            except SetSmartError:
                failed += 1
            slowest = max(slowest, time.monotonic() - began)

    print("ready", flush=True)
    start_at = float(sys.stdin.readline())
    await asyncio.sleep(start_at - time.time())
    before = resource.getrusage(resource.RUSAGE_SELF)
    async with setsmart:
        tasks = {asyncio.create_task(worker()) for _ in range(options.tasks)}
        await asyncio.sleep(start_at + options.seconds - time.time())
        await _ended(tasks)
        after = resource.getrusage(resource.RUSAGE_SELF)
        if isinstance(limiter, RedisLimiter):
            await limiter.aclose()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"done": done, "failed": failed, "cpu": cpu, "slowest": slowest}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(press(Options(**json.loads(sys.argv[1]))))), flush=True)
