"""Time that passes only where somebody waits for it: retries and quota take no time in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from setsmart_async.limits.local import LocalLimiter

START: Final = 1_800_000_000.0
"""The unix time at which a `SkippingClock` begins: 2027-01-15 08:00 UTC."""


class SkippingClock:
    """A clock that stands until somebody waits, and then jumps to when the wait is over.

    Tasks that wait at the same time wait one after the other.
    """

    def __init__(self, start: float = START) -> None:
        self._now = start
        self.waited: float = 0.0
        """Seconds that were waited for, in all."""

    def monotonic(self) -> float:
        """The same as `wall`."""
        return self._now

    def wall(self) -> float:
        """Unix seconds."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Jump, and let other tasks run."""
        self.skip(seconds)
        await asyncio.sleep(0)

    def skip(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._now += max(0.0, seconds)
        self.waited += max(0.0, seconds)


class SkippingLimiter(LocalLimiter):
    """The limiter itself, whose timer makes the clock jump: it keeps to the quota, and takes no time."""

    def __init__(self, clock: SkippingClock, *, max_concurrency: int = 100) -> None:
        super().__init__(max_concurrency=max_concurrency, clock=clock)
        self._skipping = clock

    def _later(self, seconds: float, wake: Callable[[], None]) -> asyncio.Handle:
        """Once nothing is under way any more: an answer may come first, and make the wait shorter."""

        def jump() -> None:
            if self.quota.in_flight:
                self._timer = loop.call_later(0.0005, jump)
                return
            self._skipping.skip(seconds)
            wake()

        loop = asyncio.get_running_loop()
        return loop.call_soon(jump)
