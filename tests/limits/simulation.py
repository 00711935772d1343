"""A limiter against a server that enforces its limit for real, in virtual time: hours of windows in milliseconds."""

import asyncio
import math
import random
from collections import Counter

import attrs
from virtual_time import VirtualClock

from setsmart_async.limits.limiter import RateLimiter
from setsmart_async.sandbox.quota import Algorithm, QuotaRule, QuotaSimulator
from setsmart_async.wire import Headers


@attrs.define
class SimulatedServer:
    """The sandbox's rate limiter without the sandbox; `skew` seconds ahead of the client's wall clock."""

    algorithm: Algorithm
    limit: int
    window: float
    skew: float = 0.0
    dates: bool = True
    accepted: list[float] = attrs.field(factory=list[float])
    """When, in the server's time, a request was let through."""
    refused: list[float] = attrs.field(factory=list[float])
    simulator: QuotaSimulator = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        rule = QuotaRule(self.limit, self.window, self.algorithm)
        self.simulator = QuotaSimulator(rule, skew=self.skew, send_date=self.dates)

    def change_limit(self, limit: int) -> None:
        """From now on another limit holds."""
        self.limit = limit
        self.simulator.rule = attrs.evolve(self.simulator.rule, limit=limit)

    def answer(self, wall: float) -> tuple[int, Headers]:
        """One request, at the client's wall time."""
        state = self.simulator.take("key", wall)
        (self.accepted if state.allowed else self.refused).append(wall + self.skew)
        return (200 if state.allowed else 429), Headers(self.simulator.headers(state, wall))

    def full_windows(self) -> dict[int, int]:
        """What each window but the first and the last accepted (fixed windows)."""
        counts = Counter(math.floor(moment / self.window) for moment in self.accepted)
        inner = range(min(counts) + 1, max(counts))
        return {number: counts[number] for number in inner}

    def utilisation(self) -> float:
        """Accepted against allowed, from the end of the first window to the begin of the last."""
        if self.algorithm == "fixed":
            windows = self.full_windows()
            return sum(windows.values()) / (len(windows) * self.limit)
        begin, end = self.accepted[0] + self.window, self.accepted[-1] - self.window
        inside = sum(1 for moment in self.accepted if begin <= moment < end)
        # A burst at either end would count for or against us by chance: what may be late by a window is not counted.
        return inside / ((end - begin) / self.window * self.limit)


@attrs.define
class Traffic:
    """What happened on the client's side."""

    granted: int = 0
    observed: int = 0
    lost: int = 0
    unsent: int = 0
    cancelled: int = 0


@attrs.frozen(kw_only=True)
class Load:
    """How the tasks behave. Times in seconds, rates from 0 to 1."""

    tasks: int = 100
    seconds: float = 60.0
    round_trip: float = 0.05
    lost: float = 0.0
    cancelled: float = 0.0


async def saturate(
    limiter: RateLimiter, server: SimulatedServer, clock: VirtualClock, load: Load, chance: random.Random
) -> Traffic:
    """Tasks that ask for permits as fast as they get them, until the time is over."""
    traffic = Traffic()
    end = clock.monotonic() + load.seconds

    async def request() -> None:
        with await limiter.acquire() as permit:
            traffic.granted += 1
            try:
                await clock.sleep(load.round_trip * chance.uniform(0.2, 0.8))
                status, headers = server.answer(clock.wall())
                await clock.sleep(load.round_trip * chance.uniform(0.2, 0.8))
            except asyncio.CancelledError:
                traffic.lost += 1
                raise
            if chance.random() < load.lost:
                traffic.lost += 1
            else:
                traffic.observed += 1
                permit.observe(status, headers)

    async def worker() -> None:
        while clock.monotonic() < end:
            if chance.random() < load.cancelled:
                task = asyncio.create_task(request())
                await clock.sleep(chance.uniform(0.0, 2 * load.round_trip))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                traffic.cancelled += 1
            else:
                await request()

    async with asyncio.TaskGroup() as group:
        for _ in range(load.tasks):
            group.create_task(worker())
    return traffic
