"""Worlds for limiters: the sandbox's own rate limiter enforces a quota, tasks press against it, in virtual time.

Everyone meets the same server. Only the server's word counts: what it accepted, what it refused, and when.
"""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeAlias

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
    def server_now(self) -> float:
        return self.server.simulator.server_time(self.now)

    @property
    def reset_after(self) -> float:
        """Seconds until the reset, exact, for peers whose own servers say it so."""
        return self.quota.reset - self.server_now


Send: TypeAlias = Callable[[], Awaitable[Answer]]


class Peer(Protocol):
    """A limiter as an application uses it: waits, sends, and learns from the answer what it can."""

    async def call(self, send: Send) -> Answer: ...

    async def close(self) -> None: ...


MakePeer: TypeAlias = Callable[[World, Clock], Peer]


class Server:
    """The simulator, and a log of what it decided.

    `overflowed` says when a token bucket was full, and how many tokens it would have got meanwhile.
    """

    def __init__(self, world: World, clock: Clock) -> None:
        self.world = world
        rule = QuotaRule(world.limit, world.window, world.algorithm)
        self.simulator = QuotaSimulator(rule, skew=world.skew)
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self.overflowed: list[tuple[float, float]] = []
        self._full_at = math.inf
        self._clock = clock
        self._changes = [(world.start + after, limit) for after, limit in world.changes]

    @property
    def answers(self) -> int:
        return len(self.accepted) + len(self.refused)

    def now(self) -> float:
        """The server's clock."""
        return self.simulator.server_time(self._clock.wall())

    def answer(self) -> Answer:
        now = self._clock.wall()
        while self._changes and self._changes[0][0] <= now:
            self.simulator.rule = attrs.evolve(self.simulator.rule, limit=self._changes.pop(0)[1])
        if now > self._full_at:
            per_second = self.simulator.rule.limit / self.simulator.rule.window
            self.overflowed.append((now + self.simulator.skew, (now - self._full_at) * per_second))
        quota = self.simulator.take(KEY, now)
        if self.simulator.rule.algorithm == "bucket":
            self._full_at = quota.reset - self.simulator.skew
        (self.accepted if quota.allowed else self.refused).append(now + self.simulator.skew)
        return Answer(200 if quota.allowed else 429, quota, now, self)


@attrs.frozen
class Run:
    """What the server saw. Times are in its own clock."""

    world: World
    began: float
    ended: float
    accepted: list[float]
    refused: list[float]
    overflowed: list[tuple[float, float]]

    @property
    def full_windows(self) -> list[tuple[int, int]]:
        """(number, accepted) of each fixed window from the second one seen to the last that was over."""
        window = self.world.window
        counts = Counter(math.floor(moment / window) for moment in self.accepted)
        first = math.floor(self.began / window) + 1
        return [(number, counts[number]) for number in range(first, math.floor(self.ended / window))]

    @property
    def utilisation(self) -> float:
        """The share of the quota that was used, over whole windows, the first one left out.

        Of a token bucket, what was lost for ever is what it would have got while it was full.
        """
        world = self.world
        if world.algorithm == "fixed":
            counts = [count for _, count in self.full_windows]
            return sum(counts) / (len(counts) * world.limit) if counts else math.nan
        begin = self.began + world.window
        whole = math.floor((self.ended - begin) / world.window)
        end = begin + whole * world.window
        inside = sum(1 for moment in self.accepted if begin <= moment < end)
        if whole < 1:
            return math.nan
        if world.algorithm == "sliding":
            return inside / (whole * world.limit)
        return inside / (inside + sum(tokens for moment, tokens in self.overflowed if begin <= moment < end))


def run(make: MakePeer, world: World) -> Run:
    """Saturate the world's server through a limiter."""

    async def main() -> Run:
        clock = limiter_time.VirtualClock(world.start)
        with limiter_time.in_place_of_the_machines(clock):
            peer = make(world, clock)
            seen = await saturate(peer, Server(world, clock))
            await peer.close()
        return seen

    return limiter_time.run(main())


async def saturate(peer: Peer, server: Server) -> Run:
    """Press until the world's time is over, or until there are more answers than it wants."""
    world, chance, enough = server.world, random.Random(server.world.seed), asyncio.Event()
    began = server.now()

    async def send() -> Answer:
        await asyncio.sleep(world.round_trip * chance.uniform(0.2, 0.8))
        answer = server.answer()
        await asyncio.sleep(world.round_trip * chance.uniform(0.2, 0.8))
        if server.answers >= world.most_answers:
            enough.set()
        return answer

    async def worker() -> None:
        while True:
            await peer.call(send)

    workers = [asyncio.create_task(worker()) for _ in range(world.tasks)]
    stop = asyncio.create_task(enough.wait())
    everyone: list[asyncio.Task[Any]] = [*workers, stop]
    done, _ = await asyncio.wait(everyone, timeout=world.seconds, return_when=asyncio.FIRST_COMPLETED)
    ended = server.now()
    for task in everyone:
        task.cancel()
    await asyncio.gather(*everyone, return_exceptions=True)
    for task in done - {stop}:
        task.result()  # a worker never ends: what ended it is raised here
    return Run(world, began, ended, server.accepted, server.refused, server.overflowed)
