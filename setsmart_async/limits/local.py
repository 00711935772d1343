"""The limiter of one process: a waiting room around a bucket of its own."""

from __future__ import annotations

import random

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import ConfigurationError
from setsmart_async.limits.limiter import Permit
from setsmart_async.limits.waiting_room import WaitingRoom
from setsmart_async.policy.bucket import Bucket


class LocalLimiter(WaitingRoom):
    """A limiter for the tasks of one event loop.

    Grants quota and concurrency together, so that whoever waits for quota holds no slot. Use it with one client, or
    pass it to several with the same API key.
    """

    def __init__(self, *, max_concurrency: int = 100, sharers: int = 1, clock: Clock | None = None) -> None:
        """`max_concurrency` is the most requests under way at once.

        With `sharers` above 1, so many programs use the same API key without knowing of each other: this one then
        takes at most its part of each window.
        """
        if max_concurrency < 1 or sharers < 1:
            raise ConfigurationError("max_concurrency and sharers must be 1 or more.")
        clock = SystemClock() if clock is None else clock
        wall_offset = clock.wall() - clock.monotonic()
        bucket = Bucket(Permit, random_source=random.random, wall_offset=wall_offset, sharers=sharers)
        super().__init__(bucket, max_concurrency=max_concurrency, wall_offset=wall_offset, clock=clock)
