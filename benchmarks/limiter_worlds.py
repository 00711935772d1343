"""Worlds for limiters: the sandbox's own rate limiter enforces a quota, tasks press against it, in virtual time.

Everyone meets the same server. Only the server's word counts: what it accepted, what it refused, and when.
"""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias

import attrs
import limiter_time

from setsmart_async.clock import Clock
from setsmart_async.sandbox.quota import Algorithm, QuotaRule, QuotaSimulator, QuotaState
from setsmart_async.wire import Headers

KEY: Final = "key"
TASKS: Final = 200
START: Final = 1_700_000_003.3


@attrs.frozen(kw_only=True)
class World:
    """A server's rule and how it is met. Seconds everywhere."""

    algorithm: Algorithm = "fixed"
    limit: int = 100
    window: float = 10.0
    skew: float = 0.0
    """How far the server's clock is ahead."""
    round_trip: float = 0.05
    tasks: int = TASKS
    seconds: float = 60.0
    start: float = START
    changes: tuple[tuple[float, int], ...] = ()
    """(seconds after the start, new limit)."""
    most_answers: int = 1_000_000
    """The run ends early after so many: a storm of 429s needs no full hour to be seen."""
    seed: int = 1


@attrs.define
class Answer:
    """What a request got; the headers are made when somebody reads them."""

    status: int
    quota: QuotaState
    now: float
    server: "Server"

    @property
    def headers(self) -> Headers:
        return Headers(self.server.simulator.headers(self.quota, self.now))

    @property
    def reset_after(self) -> float:
        """Seconds until the reset, exact, for peers whose own servers say it so."""
        return self.quota.reset - self.now - self.server.simulator.skew


Send: TypeAlias = Callable[[], Awaitable[Answer]]


class Peer(Protocol):
    """A limiter as an application uses it: waits, sends, and learns from the answer what it can."""

    async def call(self, send: Send) -> Answer: ...

    async def close(self) -> None: ...


MakePeer: TypeAlias = Callable[[World, Clock], Peer]


class Server:
    """The simulator, and a log of what it decided."""

    def __init__(self, world: World, clock: Clock) -> None:
        rule = QuotaRule(world.limit, world.window, world.algorithm)
        self.simulator = QuotaSimulator(rule, skew=world.skew)
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self._clock = clock
        self._changes = [(world.start + after, limit) for after, limit in world.changes]

    @property
    def answers(self) -> int:
        return len(self.accepted) + len(self.refused)

    def answer(self) -> Answer:
        now = self._clock.wall()
        while self._changes and self._changes[0][0] <= now:
            self.simulator.rule = attrs.evolve(self.simulator.rule, limit=self._changes.pop(0)[1])
        quota = self.simulator.take(KEY, now)
        (self.accepted if quota.allowed else self.refused).append(now + self.simulator.skew)
        return Answer(200 if quota.allowed else 429, quota, now, self)


@attrs.frozen
class Run:
    """What the server saw. Times are in its own clock."""

    world: World
    accepted: list[float]
    refused: list[float]
    ended: float

    @property
    def full_windows(self) -> list[tuple[int, int]]:
        """(number, accepted) of each fixed window from the second one seen to the last that was over."""
        window = self.world.window
        counts = Counter(math.floor(moment / window) for moment in self.accepted)
        first = math.floor((self.world.start + self.world.skew) / window) + 1
        return [(number, counts[number]) for number in range(first, math.floor(self.ended / window))]

    @property
    def utilisation(self) -> float:
        """Accepted against allowed, over whole windows, the first one left out."""
        world = self.world
        if world.algorithm == "fixed":
            counts = [count for _, count in self.full_windows]
            return sum(counts) / (len(counts) * world.limit) if counts else math.nan
        begin = world.start + world.skew + world.window
        whole = math.floor((self.ended - begin) / world.window)
        end = begin + whole * world.window
        inside = sum(1 for moment in self.accepted if begin <= moment < end)
        return inside / (whole * world.limit) if whole > 0 else math.nan


def run(make: MakePeer, world: World) -> Run:
    """Saturate the world's server through a limiter."""
    return limiter_time.run(_saturate(make, world))


async def _saturate(make: MakePeer, world: World) -> Run:
    clock = limiter_time.VirtualClock(world.start)
    server, chance, enough = Server(world, clock), random.Random(world.seed), asyncio.Event()

    async def send() -> Answer:
        await asyncio.sleep(world.round_trip * chance.uniform(0.2, 0.8))
        answer = server.answer()
        await asyncio.sleep(world.round_trip * chance.uniform(0.2, 0.8))
        if server.answers >= world.most_answers:
            enough.set()
        return answer

    async def worker(peer: Peer) -> None:
        while True:
            await peer.call(send)

    with limiter_time.in_place_of_the_machines(clock):
        peer = make(world, clock)
        workers = [asyncio.create_task(worker(peer)) for _ in range(world.tasks)]
        stop = asyncio.create_task(enough.wait())
        done, _ = await asyncio.wait([*workers, stop], timeout=world.seconds, return_when=asyncio.FIRST_COMPLETED)
        ended = clock.wall() + world.skew
        for task in (*workers, stop):
            task.cancel()
        await asyncio.gather(*workers, stop, return_exceptions=True)
        await peer.close()
        for task in done - {stop}:
            task.result()  # a worker never ends: what ended it is raised here
    return Run(world, server.accepted, server.refused, ended)
