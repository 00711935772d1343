"""Whether the generator itself was late, which no server is to blame for."""

from __future__ import annotations

from typing import Final

import attrs

from setsmart_async.clock import Clock
from setsmart_async.load.histogram import Histogram

EVERY: Final = 0.01
"""Seconds between two looks at the event loop."""
TOLERATED: Final = 0.005
"""Seconds of lag that void nothing: event loops wake up to the millisecond, and other programs run too."""
TOLERATED_SHARE: Final = 0.1
"""Of what is measured: more lag than that, and the figure is the generator's as much as the server's."""


@attrs.frozen
class Lag:
    """How late the generator was."""

    loop: Histogram = attrs.field(factory=Histogram)
    """The event loop: how much later than asked for something ran on it."""
    starts: Histogram = attrs.field(factory=Histogram)
    """Calls of the open model: from when they were due to when they were made."""

    def percentile(self, percent: float) -> float:
        """The worse of the two, in seconds."""
        return max(self.loop.percentile(percent) or 0.0, self.starts.percentile(percent) or 0.0)

    def voids(self, percent: float, seconds: float) -> bool:
        """Whether a latency of so many seconds, at this percentile, can not be told from the generator's own lag."""
        return self.percentile(percent) > max(TOLERATED, TOLERATED_SHARE * seconds)


async def watch_loop(lag: Histogram, clock: Clock, begin: float) -> None:
    """Note, from `begin` on and until cancelled, how late the loop is at each multiple of `EVERY`.

    One that is blocked for a second is late for all the moments in it, not for one.
    """
    due = max(begin, clock.monotonic())
    while True:
        await clock.sleep(max(0.0, due - clock.monotonic()))
        now = clock.monotonic()
        while due <= now:
            lag.record(now - due)
            due += EVERY
