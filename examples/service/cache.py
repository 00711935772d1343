"""Ask once for many: a value that is kept for a while, and one question at a time for all who want it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import attrs

T = TypeVar("T")


@attrs.define
class _Flight(Generic[T]):
    """One question under way."""

    task: asyncio.Task[T]
    waiting: int = 0


class Cached(Generic[T]):
    """What `load` gives, for so many seconds.

    Of all who come while it is asked for, the first one asks and the rest wait with them. A failure is everybody's and
    is not kept. When the last of them has gone (a visitor who hangs up is cancelled), so is the question.
    """

    def __init__(
        self, load: Callable[[], Coroutine[Any, Any, T]], *, seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._load, self._seconds, self._now = load, seconds, now
        self._kept: tuple[float, T] | None = None
        self._flight: _Flight[T] | None = None

    async def get(self) -> T:
        """The value. Raises what `load` raises."""
        if self._kept is not None and self._now() < self._kept[0]:
            return self._kept[1]
        flight = self._flight
        if flight is None:
            flight = self._flight = _Flight(asyncio.create_task(self._load()))
        flight.waiting += 1
        try:
            value = await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.task.done() or not flight.waiting:
                flight.task.cancel()
                self._land(flight)
        return value

    def forget(self) -> None:
        """What is known now is out of date, and so is what is being asked for: who comes now asks anew."""
        self._kept = self._flight = None

    def _land(self, flight: _Flight[T]) -> None:
        if self._flight is not flight:
            return
        self._flight = None
        if flight.task.done() and not flight.task.cancelled() and flight.task.exception() is None:
            self._kept = (self._now() + self._seconds, flight.task.result())
