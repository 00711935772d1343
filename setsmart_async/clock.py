"""Time, passed in: so that tests own it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks and a sleep. `monotonic` must run as the event loop's own time does."""

    def monotonic(self) -> float:
        """Seconds on a clock that never steps; deadlines and waits use this one."""
        ...

    def wall(self) -> float:
        """Unix seconds; only ever shown or stored, never waited on."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for so many seconds."""
        ...


class SystemClock:
    """The machine's clocks and asyncio's sleep."""

    monotonic: staticmethod[[], float] = staticmethod(time.monotonic)
    """What asyncio's loops run by."""
    wall: staticmethod[[], float] = staticmethod(time.time)
    """`time.time`."""

    async def sleep(self, seconds: float) -> None:
        """`asyncio.sleep`."""
        await asyncio.sleep(seconds)
