"""Ten thousand waiters at a thousand grants a second, in real time: CPU, the loop's lag, the cost of cancelling them.

The load itself is kept light, or it would be what is measured: a request costs one future, and answers come in batches
every 5 ms. What is left of it is the floor.
"""

import asyncio
import gc
import statistics
import time
from collections import deque
from typing import Final

import attrs
from limiter_peers import BACK_OFF, NAMES, PEERS
from limiter_report import Row, Say, Timed
from limiter_worlds import Answer, MakePeer, Send, Server, World

from setsmart_async.clock import Clock, SystemClock

_WAITERS: Final = 10_000
_WORLD: Final = World(limit=1_000, window=1.0)
_HEARTBEAT: Final = 0.005
FLOOR: Final = "floor: no limiter"


class _Floor:
    """What the crowd costs with no limiter at all: every 5 ms the next few go, first come first served."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._task = asyncio.create_task(self._let_go())

    async def _let_go(self) -> None:
        begun, gone = time.perf_counter(), 0
        while True:
            due = int((time.perf_counter() - begun) * _WORLD.limit / _WORLD.window)
            for _ in range(due - gone):
                self._waiting.popleft().set_result(None)
            gone = due
            await asyncio.sleep(_HEARTBEAT)

    async def call(self, send: Send) -> Answer:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting
        return await send()

    async def close(self) -> None:
        self._task.cancel()


@attrs.frozen
class Crowd:
    """One round of one limiter."""

    granted_per_second: float
    cpu_share: float
    lag_p50: float
    lag_p99: float
    cancel_per_waiter: float
    refused: int


class _Wire:
    """Requests under way; their answers come in batches."""

    def __init__(self) -> None:
        self._server = Server(_WORLD, SystemClock())
        self._under_way: list[asyncio.Future[Answer]] = []
        self.accepted = self._server.accepted
        self.refused = self._server.refused

    async def send(self) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._under_way.append(future)
        return await future

    async def answer(self, seconds: float) -> list[float]:
        """Answer whatever is under way every 5 ms; how late each of these wake-ups was."""
        lags: list[float] = []
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            await asyncio.sleep(_HEARTBEAT)
            lags.append(time.perf_counter() - now - _HEARTBEAT)
            ready, self._under_way = self._under_way, []
            for future in ready:
                future.set_result(self._server.answer())
        return lags


async def _crowd(make: MakePeer, *, warm_up: float, seconds: float) -> Crowd:
    peer, wire = make(_WORLD, SystemClock()), _Wire()

    async def worker() -> None:
        while True:
            await peer.call(wire.send)

    workers = [asyncio.create_task(worker()) for _ in range(_WAITERS)]
    gc.collect()
    await wire.answer(warm_up)
    accepted, wall, cpu = len(wire.accepted), time.perf_counter(), time.process_time()
    lags = await wire.answer(seconds)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    accepted = len(wire.accepted) - accepted

    began = time.process_time()
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    cancelling = (time.process_time() - began) / _WAITERS
    await peer.close()
    percentiles = statistics.quantiles(lags, n=100) if len(lags) > 1 else lags * 99
    return Crowd(accepted / wall, cpu / wall, percentiles[49], percentiles[98], cancelling, len(wire.refused))


def _crowd_costs(say: Say, quick: bool) -> list[Row]:
    """All of them, interleaved."""
    rounds, warm_up, seconds = (1, 1.2, 2.0) if quick else (5, 2.2, 4.0)
    makers: dict[str, MakePeer] = {name: PEERS[name] for name in NAMES if name != BACK_OFF}
    makers[FLOOR] = _Floor
    seen: dict[str, list[Crowd]] = {name: [] for name in makers}
    for number in range(rounds):
        for name, make in makers.items():
            seen[name].append(asyncio.run(_crowd(make, warm_up=warm_up, seconds=seconds)))
        say(f"G6 round {number + 1} of {rounds}")
    return [_row(name, crowds, seen[FLOOR]) for name, crowds in seen.items()]


def _row(name: str, crowds: list[Crowd], floors: list[Crowd]) -> Row:
    names = [field.name for field in attrs.fields(Crowd)]
    middle = {name_: statistics.median(getattr(one, name_) for one in crowds) for name_ in names}
    above_floor = statistics.median(
        crowd.cpu_share - floor.cpu_share for crowd, floor in zip(crowds, floors, strict=True)
    )
    cells = (
        f"{middle['granted_per_second']:,.0f}",
        f"{100 * middle['cpu_share']:.1f} %",
        f"{100 * above_floor:+.1f} %",
        f"{1000 * middle['lag_p50']:.1f} ms",
        f"{1000 * middle['lag_p99']:.1f} ms",
        f"{1e6 * middle['cancel_per_waiter']:.0f} µs",
        f"{middle['refused']:,.0f}",
    )
    met = above_floor <= 0.05 and middle["lag_p50"] <= 0.001 and middle["cancel_per_waiter"] <= 30e-6
    data: dict[str, object] = {
        **middle,
        "cpu_share_above_floor": above_floor,
        "rounds": [attrs.asdict(one) for one in crowds],
    }
    return Row(name, cells, data, None if name == FLOOR else met)


FIGURE: Final = Timed(
    name="G6",
    title="10,000 waiters at 1,000 grants/s: median of the rounds",
    columns=(
        "grants/s",
        "CPU, share of a core",
        "of it above the floor",
        "loop lag p50",
        "loop lag p99",
        "cancel, per waiter",
        "429s",
    ),
    goal="≤ 5 % of a core above what the load itself takes, lag p50 ≤ 1 ms, cancel ≤ 30 µs",
    rows=_crowd_costs,
)
