"""The run: makes calls when they are due, and hands what came of them to the recorder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, Literal

import attrs

from setsmart_async.clock import Clock
from setsmart_async.errors import ApiError, ConfigurationError, DeadlineExceededError, SetSmartError
from setsmart_async.load.lag import Lag, watch_loop
from setsmart_async.load.meter import CallTimes, begin_call
from setsmart_async.load.mix import Mix, MixEntry
from setsmart_async.load.recorder import UNFINISHED, EndedCall, Recorder
from setsmart_async.load.schedule import ClosedModel, OpenModel

MOST_UNDER_WAY: Final = 20_000
"""Calls without an answer, at which a run ends early: the rest would tell of the generator's memory."""

_MANY: Final = 10_000.0

Perform = Callable[[MixEntry], Awaitable[None]]
"""Makes one call of a kind; raises the errors of the call."""
Ending = Literal["complete", "interrupted", "overload"]
"""How a run ended: in its time, by `LoadRun.stop`, or with `MOST_UNDER_WAY` calls."""


@attrs.frozen(kw_only=True)
class LoadPlan:
    """What to do. Times in seconds. Raises `ConfigurationError` for what can not be done."""

    mix: Mix
    model: OpenModel | ClosedModel
    duration: float
    """How long is measured."""
    warm_up: float = 0.0
    """How long the same load runs before that, and is left out."""
    drain: float = 10.0
    """How long calls that are under way at the end may still take."""
    seed: int = 1
    """The same arrivals and kinds of calls, in the same order, for the same seed."""

    def __attrs_post_init__(self) -> None:
        if not self.duration > 0:
            raise ConfigurationError("--duration must be more than 0 seconds.")

    @property
    def calls(self) -> float:
        """About how many will be made; many, where answers decide it."""
        return self.model.rate * (self.warm_up + self.duration) if isinstance(self.model, OpenModel) else _MANY


class LoadRun:
    """One run of a plan. Made and run inside an event loop, once."""

    def __init__(self, plan: LoadPlan, perform: Perform, clock: Clock) -> None:
        self.recorder: Recorder = Recorder(plan.duration)
        """What came of the calls that have ended."""
        self.lag: Lag = Lag()
        """How late the generator was, from the end of the warm-up on."""
        self.ended: Ending = "complete"
        """How it ended."""
        self.measured_from: float = 0.0
        """The moment of the clock at which the warm-up ends."""
        self.measured: float = plan.duration
        """Seconds that were measured; fewer than planned when it ended early."""
        self._plan, self._perform, self._clock = plan, perform, clock
        random = Random(plan.seed)  # noqa: S311 - a load that can be repeated, no secret
        self._chooser = plan.mix.chooser(Random(random.random()))  # noqa: S311 - as above
        self._random = random
        self._under_way: set[asyncio.Task[None]] = set()
        self._pacing: asyncio.Task[None] | None = None
        self._no_more = False
        self._fault: BaseException | None = None

    @property
    def under_way(self) -> int:
        """Calls without an answer, or callers, now."""
        return len(self._under_way)

    @property
    def elapsed(self) -> float:
        """Seconds of what is measured that have passed; negative during the warm-up."""
        return self._clock.monotonic() - self.measured_from

    def stop(self) -> None:
        """Make no more calls: `run` ends when those under way have ended, or were cut off."""
        if self._pacing is not None and not self._pacing.done():
            self.ended = "interrupted"
            self._pacing.cancel()

    async def run(self) -> None:
        """Run to the end. Raises what is no error of a call: a fault in the program."""
        begin = self._clock.monotonic()
        self.measured_from = begin + self._plan.warm_up
        watch = asyncio.create_task(watch_loop(self.lag.loop, self._clock, self.measured_from))
        model = self._plan.model
        pace = self._open(begin, model) if isinstance(model, OpenModel) else self._closed(begin, model)
        self._pacing = asyncio.create_task(pace)
        try:
            await asyncio.wait({self._pacing})
            self._no_more = True
            self.recorder.duration = self.measured = min(self._plan.duration, max(0.0, self.elapsed))
        finally:
            watch.cancel()
            await self._drain()
        if self._fault is not None:
            raise self._fault
        if not self._pacing.cancelled():
            self._pacing.result()

    async def _open(self, begin: float, model: OpenModel) -> None:
        end = begin + self._plan.warm_up + self._plan.duration
        for offset in model.offsets(self._random):
            due = begin + offset
            if due >= end:
                break
            # Without a pause too: whoever is behind must not keep calls under way from going on.
            await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            if len(self._under_way) >= MOST_UNDER_WAY:
                self.ended = "overload"
                return
            self._start(self._call_when_due(due))
        await self._clock.sleep(max(0.0, end - self._clock.monotonic()))

    async def _call_when_due(self, due: float) -> None:
        if due >= self.measured_from:
            self.lag.starts.record(self._clock.monotonic() - due)
        await self._call(due)

    async def _closed(self, begin: float, model: ClosedModel) -> None:
        for _ in range(model.callers):
            self._start(self._call_again_and_again())
        await self._clock.sleep(begin + self._plan.warm_up + self._plan.duration - self._clock.monotonic())

    async def _call_again_and_again(self) -> None:
        while not self._no_more:
            await self._call(self._clock.monotonic())

    def _start(self, calling: Awaitable[None]) -> None:
        task = asyncio.ensure_future(calling)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._fault = fault
            if self._pacing is not None:
                self._pacing.cancel()

    async def _call(self, due: float) -> None:
        entry, times = self._chooser.next(), begin_call()
        error: str | None = None
        try:
            await self._perform(entry)
        except SetSmartError as failure:
            error = _kind(failure)
            if isinstance(failure, DeadlineExceededError) and failure.phase == "queue":
                self._waited_in_vain(due, times)
        except asyncio.CancelledError:
            error = UNFINISHED
            self._waited_in_vain(due, times)
            raise
        finally:
            latency = self._clock.monotonic() - due
            self.recorder.count(
                EndedCall(name=entry.name, due=due - self.measured_from, latency=latency, times=times, error=error)
            )

    def _waited_in_vain(self, due: float, times: CallTimes) -> None:
        """No event tells of a wait that was given up."""
        times.waited = max(0.0, self._clock.monotonic() - due - times.server)

    async def _drain(self) -> None:
        """Let calls under way end, within the plan's time, and cut off the rest."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=self._plan.drain)
        rest = set(self._under_way)
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest)


def _kind(error: SetSmartError) -> str:
    name = type(error).__name__
    if isinstance(error, ApiError):
        return f"{error.status} {name}"
    return f"{name} ({error.phase})" if isinstance(error, DeadlineExceededError) else name
