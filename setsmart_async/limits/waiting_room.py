"""The waiting room in front of a bucket: a deque per priority, one timer, the permit delivered inside the future.

Nobody polls: an answer, a freed slot or the timer hands permits to the front of the queue, so that order holds and
no wake-up is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from setsmart_async.clock import Clock
from setsmart_async.errors import ConfigurationError, RateLimitWaitError
from setsmart_async.limits.limiter import Permit, QuotaState
from setsmart_async.limits.permit_source import PermitSource
from setsmart_async.policy.bucket import TRICKLED_SHARE
from setsmart_async.policy.quota import read_quota
from setsmart_async.priority import Priority
from setsmart_async.wire import Headers

_HELD_BACK: Final = (0.0, TRICKLED_SHARE, 2 * TRICKLED_SHARE)
"""For each priority the share of a window that it may use only spread until the reset, to leave some to others."""
_BULK_SLOTS: Final = 0.9
"""The share of the slots that bulk work may hold."""
_PATIENCE: Final = 9
"""A class that was passed over so often goes next: each class gets a tenth at least."""
_SWEEP_FROM: Final = 64


@attrs.define(eq=False)
class Waiter:
    """Somebody who waits for a permit."""

    future: asyncio.Future[Permit]
    cost: int
    priority: Priority


class WaitingRoom:
    """A `RateLimiter` for the tasks of one event loop, whatever the bucket: order, priorities, slots and waits.

    Grants quota and concurrency together, so that whoever waits for quota holds no slot.
    """

    def __init__(self, bucket: PermitSource, *, max_concurrency: int, wall_offset: float, clock: Clock) -> None:
        """`max_concurrency` is the most requests under way at once; `wall_offset` is unix minus monotonic seconds."""
        self._clock = clock
        self._wall_offset = wall_offset
        self._bucket = bucket
        self._slots = self._free_slots = max_concurrency
        self._kept_slots = _kept_slots(max_concurrency)
        self._queues: tuple[deque[Waiter], ...] = tuple(deque() for _ in Priority)
        self._monotonic = self._clock.monotonic
        self._waiting = [0 for _ in Priority]
        self._all_waiting = 0
        self._passed_over = [0 for _ in Priority]
        self._given_up = 0
        self._timer: asyncio.Handle | None = None
        self._timer_due = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and nobody waits."""
        return self._free_slots == self._slots and not self._all_waiting

    def widen(self, max_concurrency: int) -> None:
        """Allow at least so many requests at once."""
        if max_concurrency > self._slots:
            self._free_slots += max_concurrency - self._slots
            self._slots = max_concurrency
            self._kept_slots = _kept_slots(max_concurrency)
            self._pump()

    @property
    def quota(self) -> QuotaState:
        """What is known now."""
        now = self._clock.monotonic()
        reset, offset = self._bucket.reset.due, self._bucket.reset.server_clock.offset
        return QuotaState(
            state=self._bucket.state(now),
            limit=self._bucket.limit,
            remaining=self._bucket.available,
            reset_after=None if reset is None else max(0.0, reset - now),
            in_flight=self._bucket.in_flight,
            waiting=self._all_waiting,
            waiting_by_priority={priority: self._waiting[priority] for priority in Priority},
            clock_offset=None if offset is None else offset - self._wall_offset,
        )

    async def acquire(
        self,
        cost: int = 1,
        *,
        priority: Priority = Priority.NORMAL,
        max_wait: float | None = None,
        again: bool = False,
    ) -> Permit:
        """See `RateLimiter.acquire`."""
        permit = self.acquire_nowait(cost, priority=priority)
        return await self._wait(cost, priority, max_wait, again=again) if permit is None else permit

    def acquire_nowait(self, cost: int = 1, *, priority: Priority = Priority.NORMAL) -> Permit | None:
        """See `RateLimiter.acquire_nowait`."""
        if cost < 1:
            raise ConfigurationError("The cost of a request must be 1 or more.")
        if not self._all_waiting and self._free_slots > self._kept_slots[priority]:
            permit = self._bucket.take(self._monotonic(), cost, _HELD_BACK[priority])
            if permit is not None:
                self._free_slots -= 1
                permit.ledger = self
                return permit
        return None

    async def _wait(self, cost: int, priority: Priority, max_wait: float | None, *, again: bool) -> Permit:
        began = self._clock.monotonic()
        if max_wait is not None and (expected := self._expected_wait(priority)) > max_wait:
            raise RateLimitWaitError(expected, max_wait, reset_at=self._reset_at())
        waiter = Waiter(asyncio.get_running_loop().create_future(), cost, priority)
        queue = self._queues[priority]
        if again:
            queue.appendleft(waiter)
        else:
            queue.append(waiter)
        self._waiting[priority] += 1
        self._all_waiting += 1
        self._pump()
        try:
            if max_wait is None:
                permit = await waiter.future
            else:
                async with asyncio.timeout(max_wait):
                    permit = await waiter.future
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise
        except TimeoutError:
            self._give_up(waiter)
            expected = self._expected_wait(priority)
            raise RateLimitWaitError(expected, max_wait or 0.0, reset_at=self._reset_at()) from None
        permit.waited = self._clock.monotonic() - began
        return permit

    def _expected_wait(self, priority: Priority) -> float:
        ahead = sum(self._waiting[level] for level in Priority if level <= priority)
        return self._bucket.wait_for(self._clock.monotonic(), ahead)

    def _reset_at(self) -> float | None:
        reset = self._bucket.reset.due
        return None if reset is None else self._wall_offset + reset

    def _grant(self, cost: int, priority: Priority) -> Permit | None:
        if self._free_slots <= self._kept_slots[priority]:
            return None
        permit = self._bucket.take(self._monotonic(), cost, _HELD_BACK[priority])
        if permit is not None:
            self._free_slots -= 1
            permit.ledger = self
        return permit

    def _pump(self) -> None:
        """Hand out what can be handed out, then set the timer for what can not."""
        while candidates := self._candidates():
            for waiter in candidates:
                permit = self._grant(waiter.cost, waiter.priority)
                if permit is not None:
                    self._deliver(waiter, permit)
                    break
            else:
                self._arm(candidates)
                return
        self._disarm()

    def _candidates(self) -> list[Waiter]:
        """Who may go next: the lowest class that was passed over too often, then the highest that waits."""
        fronts = [front for priority in Priority if (front := self._front(priority)) is not None]
        starving = [waiter for waiter in fronts[1:] if self._passed_over[waiter.priority] >= _PATIENCE]
        return starving[-1:] + fronts[:1]

    def _first(self) -> Waiter | None:
        """The first of the most urgent class in which somebody waits."""
        fronts = (self._front(priority) for priority in Priority)
        return next((front for front in fronts if front is not None), None)

    def _front(self, priority: Priority) -> Waiter | None:
        """The first of a class; those who gave up are dropped on the way."""
        queue = self._queues[priority]
        while queue:
            if not queue[0].future.done():
                return queue[0]
            queue.popleft()
            self._given_up -= 1
        return None

    def _deliver(self, waiter: Waiter, permit: Permit) -> None:
        self._queues[waiter.priority].popleft()
        self._waiting[waiter.priority] -= 1
        self._all_waiting -= 1
        self._passed_over[waiter.priority] = 0
        for lower in range(waiter.priority + 1, len(self._queues)):
            if self._waiting[lower]:
                self._passed_over[lower] += 1
        waiter.future.set_result(permit)

    def _give_up(self, waiter: Waiter) -> None:
        """A wait has ended without a permit, or with one that nobody is left to use."""
        future = waiter.future
        if future.done() and not future.cancelled():
            if future.exception() is None:
                future.result().refund()
            return
        future.cancel()
        self._waiting[waiter.priority] -= 1
        self._all_waiting -= 1
        self._given_up += 1
        if self._given_up > max(_SWEEP_FROM, self._all_waiting):
            for queue in self._queues:
                still_waiting = [other for other in queue if not other.future.done()]
                queue.clear()
                queue.extend(still_waiting)
            self._given_up = 0
        self._pump()

    def _turn_away(self, error: Callable[[], Exception]) -> None:
        """Nobody waits any longer: each gets an error of its own."""
        for queue in self._queues:
            for waiter in queue:
                if not waiter.future.done():
                    waiter.future.set_exception(error())
            queue.clear()
        self._waiting = [0 for _ in Priority]
        self._all_waiting = self._given_up = 0
        self._disarm()

    def _arm(self, candidates: list[Waiter]) -> None:
        now = self._clock.monotonic()
        times = [
            self._bucket.next_time(now, waiter.cost, _HELD_BACK[waiter.priority])
            for waiter in candidates
            if self._free_slots > self._kept_slots[waiter.priority]
        ]
        due = min((time for time in times if time is not None), default=None)
        if due is None:
            self._disarm()
        elif self._timer is None or due != self._timer_due:
            self._disarm()
            self._timer_due = due
            self._timer = self._later(max(0.0, due - now), self._on_timer)

    def _later(self, seconds: float, wake: Callable[[], None]) -> asyncio.Handle:
        return asyncio.get_running_loop().call_later(seconds, wake)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()

    def settle_unsent(self, permit: Permit) -> None:
        """See `PermitLedger`."""
        self._bucket.refund(permit)
        self._free_slot()

    def settle_lost(self, permit: Permit) -> None:
        """See `PermitLedger`."""
        self._bucket.lose(permit)
        self._free_slot()

    def settle_observed(self, permit: Permit, status: int, headers: Headers) -> None:
        """See `PermitLedger`."""
        self._bucket.observe(permit, self._monotonic(), status, read_quota(status, headers))
        self._free_slots += 1
        if self._all_waiting:
            self._pump()

    def _free_slot(self) -> None:
        self._free_slots += 1
        if self._all_waiting:
            self._pump()


def _kept_slots(slots: int) -> tuple[int, ...]:
    """For each priority the slots that it leaves free."""
    return 0, 0, slots - max(1, round(slots * _BULK_SLOTS))
