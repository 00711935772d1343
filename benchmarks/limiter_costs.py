"""What an uncontended acquire costs: CPU time as a ratio to a bucket written by hand, in the same round.

Everybody in turn, round after round: other work on the machine moves the times, much less the ratios.
"""

import asyncio
import gc
import importlib
import statistics
import time
from collections import deque
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from itertools import cycle, islice
from typing import Any, Final, TypeAlias

from limiter_peers import BACK_OFF, NAMES, OURS, PEERS
from limiter_report import Row, Say, Timed
from limiter_worlds import KEY, World

from setsmart_async.clock import SystemClock
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.wire import Headers

Spin: TypeAlias = Callable[[], Awaitable[None]]
Prepare: TypeAlias = Callable[[int], Awaitable[Spin]]

BY_HAND: Final = "a deque by hand"
_PLENTY: Final = 1_000_000_000
_WORLD: Final = World(limit=_PLENTY, window=3600.0)
_DISTINCT: Final = 250
"""Answers made beforehand: few enough to be as near in memory as one that has just arrived."""
_STEADY: Final = 0.001
"""A window in which the deque by hand drops as many as it appends."""


class DequeBucket:
    """What one writes by hand: the times of the last requests, and a sleep when there are too many."""

    def __init__(self, limit: int, window: float) -> None:
        self._limit, self._window = limit, window
        self._sent: deque[float] = deque()

    async def acquire(self) -> None:
        sent = self._sent
        while True:
            now = time.monotonic()
            while sent and sent[0] <= now - self._window:
                sent.popleft()
            if len(sent) < self._limit:
                sent.append(now)
                return
            await asyncio.sleep(sent[0] + self._window - now)


def _real_headers(remaining: int, now: int) -> Headers:
    """An answer's headers as a transport hands them over."""
    return Headers(
        [
            ("Date", formatdate(now, usegmt=True)),
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Length", "18231"),
            ("Connection", "keep-alive"),
            ("X-RateLimit-Limit", str(_PLENTY)),
            ("X-RateLimit-Remaining", str(remaining)),
            ("X-RateLimit-Reset", str(now + 3_600)),
            ("X-Request-Id", f"req-{remaining}"),
            ("Vary", "Accept-Encoding"),
        ]
    )


async def _seeded(max_concurrency: int) -> LocalLimiter:
    limiter = LocalLimiter(max_concurrency=max_concurrency, clock=SystemClock())
    with await limiter.acquire() as permit:
        permit.observe(200, _real_headers(_PLENTY, int(time.time())))
    return limiter


async def _by_hand(calls: int) -> Spin:
    acquire = DequeBucket(_PLENTY, _STEADY).acquire

    async def spin() -> None:
        for _ in range(calls):
            await acquire()

    return spin


async def _ours_acquire(calls: int) -> Spin:
    """As a call does it: at once where one may go at once, else by waiting."""
    limiter = await _seeded(_PLENTY)
    at_once, acquire = limiter.acquire_nowait, limiter.acquire

    async def spin() -> None:
        for _ in range(calls):
            _ = at_once() or await acquire()

    return spin


async def _ours_give_back(calls: int) -> Spin:
    limiter = await _seeded(100)
    at_once, acquire = limiter.acquire_nowait, limiter.acquire

    async def spin() -> None:
        for _ in range(calls):
            with at_once() or await acquire() as permit:
                permit.refund()

    return spin


async def _ours_learn(calls: int) -> Spin:
    limiter = await _seeded(100)
    at_once, acquire = limiter.acquire_nowait, limiter.acquire
    now = int(time.time())
    answers = [_real_headers(_PLENTY - number, now) for number in range(1, _DISTINCT + 1)]

    async def spin() -> None:
        for headers in islice(cycle(answers), calls):
            with at_once() or await acquire() as permit:
                permit.observe(200, headers)

    return spin


def _peer_acquire(name: str) -> Prepare:
    """Those that are told the limit: `acquire` is all that they do."""

    async def prepare(calls: int) -> Spin:
        limiter: Any = vars(PEERS[name](_WORLD, SystemClock()))["limiter"]
        method = {"pyrate-limiter": "try_acquire_async", "throttled-py": "limit"}.get(name, "acquire")
        acquire = getattr(limiter, method)

        async def spin() -> None:
            for _ in range(calls):
                await acquire()

        return spin

    return prepare


def _hikari(*, learn: bool) -> Prepare:
    async def prepare(calls: int) -> Spin:
        manager = importlib.import_module("hikari.impl.buckets").RESTBucketManager(max_rate_limit=1e6)
        manager.start()
        route = importlib.import_module("hikari.internal.routes").Route("GET", "/listings").compile()
        reset = time.time() + 3600.0
        manager.update_rate_limits(route, KEY, "bucket", _PLENTY - 1, _PLENTY, reset, 3600.0)

        async def spin() -> None:
            for number in range(calls):
                async with manager.acquire_bucket(route, KEY):
                    if learn:
                        manager.update_rate_limits(route, KEY, "bucket", _PLENTY - number - 2, _PLENTY, reset, 3600.0)

        return spin

    return prepare


async def _asyncprawcore(calls: int) -> Spin:
    limiter = importlib.import_module("asyncprawcore.rate_limit").RateLimiter(window_size=3600)
    answers = [
        {"x-ratelimit-remaining": str(_PLENTY - n), "x-ratelimit-used": str(n), "x-ratelimit-reset": "0"}
        for n in range(_DISTINCT)
    ]

    async def spin() -> None:
        for headers in islice(cycle(answers), calls):
            await limiter.delay()
            limiter.update(response_headers=headers)

    return spin


_SPINS: Final[dict[tuple[str, int], Prepare]] = {
    (BY_HAND, 0): _by_hand,
    (OURS, 0): _ours_acquire,
    (OURS, 1): _ours_give_back,
    (OURS, 2): _ours_learn,
    ("hikari", 1): _hikari(learn=False),
    ("hikari", 2): _hikari(learn=True),
    ("asyncprawcore", 2): _asyncprawcore,
    **{(name, 0): _peer_acquire(name) for name in ("aiolimiter", "pyrate-limiter", "throttled-py", "asyncio-throttle")},
}
"""By (limiter, column)."""
_COLUMNS: Final = ("acquire", "acquire, give back", "acquire, learn from the answer's headers")
_GOALS: Final = (2.0, None, 6.0)


def _acquire_costs(say: Say, quick: bool) -> list[Row]:
    """All of them, interleaved."""
    rounds, calls = (5, 2_000) if quick else (15, 20_000)
    seconds: dict[tuple[str, int], list[float]] = {place: [] for place in _SPINS}
    for number in range(rounds + 1):
        for place, prepare in _SPINS.items():
            took = asyncio.run(_timed(prepare, calls))
            if number:  # the first round warms up
                seconds[place].append(took / calls)
    say(f"G5 by hand: {1e6 * statistics.median(seconds[BY_HAND, 0]):.2f} µs")
    return [_row(name, seconds) for name in (OURS, *(name for name in NAMES if name not in (OURS, BACK_OFF)), BY_HAND)]


async def _timed(prepare: Prepare, calls: int) -> float:
    spin = await prepare(calls)
    gc.collect()
    began = time.process_time()
    await spin()
    return time.process_time() - began


def _row(name: str, seconds: dict[tuple[str, int], list[float]]) -> Row:
    cells: list[str] = []
    data: dict[str, object] = {}
    met: bool | None = None
    for column, (title, goal) in enumerate(zip(_COLUMNS, _GOALS, strict=True)):
        times = seconds.get((name, column))
        if times is None:
            cells.append("-")
            continue
        ratios = [one / hand for one, hand in zip(times, seconds[BY_HAND, 0], strict=True)]
        ratio = statistics.median(ratios)
        cells.append(f"{ratio:.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
        data[title] = {"ratio": ratio, "ratios": ratios, "microseconds": 1e6 * statistics.median(times)}
        if goal is not None:
            met = met is not False and ratio <= goal
    return Row(name, tuple(cells), data, met)


FIGURE: Final = Timed(
    name="G5",
    title="CPU of an uncontended acquire, as a ratio to a deque bucket written by hand: median (range)",
    columns=_COLUMNS,
    goal="acquire ≤ 2, with headers ≤ 6",
    rows=_acquire_costs,
)
