"""Virtual time for limiters: a loop whose clock jumps to the next timer, and the machine's clocks replaced by it."""

import asyncio
import selectors
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from setsmart_async.clock import Clock

T = TypeVar("T")

_TICK: Final = 1e-6
"""What each turn of the loop takes: some limiters wait for a clock that must not stand still."""
_READING: Final = 1e-5
"""What a peer's look at the clock takes: one that spins until its time has come would never see it come."""
_READ_CLOCKS: Final = ("aiolimiter", "asyncio_throttle", "asyncprawcore", "hikari", "pyrate_limiter", "throttled")


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("Every task waits, and nothing is due.")
        self.now += max(_TICK, timeout)
        return []  # no sockets and no threads here: nobody is asked


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def pass_time(self, seconds: float) -> None:
        self._jumping.now += seconds


class VirtualClock:
    """The running virtual loop's time; its wall clock shows `wall_start` now."""

    def __init__(self, wall_start: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._wall_offset = wall_start - self._loop.time()

    def monotonic(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return self._wall_offset + self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


@contextmanager
def in_place_of_the_machines(clock: Clock) -> Iterator[None]:
    """Let the peers, which read the machine's clocks, read this one."""
    loop = asyncio.get_running_loop()

    def passing(read: Callable[[], float]) -> Callable[[], float]:
        def look() -> float:
            if isinstance(loop, VirtualLoop):
                loop.pass_time(_READING)
            return read()

        return look

    instead: dict[int, Callable[[], float]] = {
        id(time.time): passing(clock.wall),
        id(time.time_ns): passing(lambda: int(clock.wall() * 1e9)),
        id(time.monotonic): passing(clock.monotonic),
        id(time.monotonic_ns): passing(lambda: int(clock.monotonic() * 1e9)),
    }
    modules = [time, *(module for name, module in sys.modules.items() if name.partition(".")[0] in _READ_CLOCKS)]
    places = [
        (module, name, value) for module in modules for name, value in vars(module).items() if id(value) in instead
    ]
    for module, name, value in places:
        setattr(module, name, instead[id(value)])
    try:
        yield
    finally:
        for module, name, value in places:
            setattr(module, name, value)
