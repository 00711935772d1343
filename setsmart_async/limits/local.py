"""The waiting room of one process: one deque per priority, one timer, the permit delivered inside the future."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import attrs

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import ClientClosedError, ConfigurationError, RateLimitWaitError
from setsmart_async.limits.limiter import Permit, QuotaState
from setsmart_async.policy.bucket import Bucket, Ticket
from setsmart_async.policy.quota import read_quota
from setsmart_async.priority import Priority
from setsmart_async.wire import Headers

_SWEEP_FROM: Final = 64


@attrs.define(eq=False)
class _Waiter:
    future: asyncio.Future[Permit]
    cost: int


class LocalLimiter:
    """A limiter for the tasks of one event loop.

    Grants quota and concurrency together: whoever waits for quota holds no slot. Nobody polls: an answer, a freed
    slot or the one timer hands permits to the front of the queue, so order holds and no wake-up is lost.
    """

    def __init__(self, *, max_concurrency: int = 100, clock: Clock | None = None) -> None:
        """`max_concurrency` is the most requests under way at once."""
        if max_concurrency < 1:
            raise ConfigurationError("max_concurrency must be 1 or more.")
        self._clock: Clock = SystemClock() if clock is None else clock
        self._bucket = Bucket(wall_offset=self._clock.wall() - self._clock.monotonic())
        self._free_slots = max_concurrency
        self._queues: tuple[deque[_Waiter], ...] = tuple(deque() for _ in Priority)
        self._waiting = 0
        self._abandoned = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0

    @property
    def quota(self) -> QuotaState:
        """What is known now."""
        now = self._clock.monotonic()
        reset = self._bucket.reset_time()
        return QuotaState(
            state=self._bucket.state(now),
            limit=self._bucket.limit,
            remaining=self._bucket.available,
            reset_after=None if reset is None else max(0.0, reset - now),
            in_flight=self._bucket.in_flight,
            waiting=self._waiting,
        )

    async def acquire(
        self, cost: int = 1, *, priority: Priority = Priority.NORMAL, max_wait: float | None = None
    ) -> Permit:
        """See `RateLimiter.acquire`."""
        if cost < 1:
            raise ConfigurationError("The cost of a request must be 1 or more.")
        if not self._waiting:
            permit = self._grant(cost)
            if permit is not None:
                return permit
        return await self._wait(cost, priority, max_wait)

    def close(self) -> None:
        """Turn away everybody who waits, with `ClientClosedError`."""
        self._disarm()
        for queue in self._queues:
            for waiter in queue:
                if not waiter.future.done():
                    waiter.future.set_exception(ClientClosedError())
            queue.clear()
        self._waiting = self._abandoned = 0

    async def _wait(self, cost: int, priority: Priority, max_wait: float | None) -> Permit:
        began = self._clock.monotonic()
        self._refuse_long_wait(priority, max_wait)
        waiter = _Waiter(asyncio.get_running_loop().create_future(), cost)
        self._queues[priority].append(waiter)
        self._waiting += 1
        self._pump()
        try:
            async with asyncio.timeout(max_wait):
                permit = await waiter.future
        except asyncio.CancelledError:
            self._abandon(waiter)
            raise
        except TimeoutError:
            self._abandon(waiter)
            assert max_wait is not None  # noqa: S101 - only a set max_wait can time out
            raise RateLimitWaitError(self._expected_wait(priority), max_wait, reset_at=self._reset_at()) from None
        permit.waited = self._clock.monotonic() - began
        return permit

    def _refuse_long_wait(self, priority: Priority, max_wait: float | None) -> None:
        if max_wait is None:
            return
        wait = self._expected_wait(priority)
        if wait > max_wait:
            raise RateLimitWaitError(wait, max_wait, reset_at=self._reset_at())

    def _expected_wait(self, priority: Priority) -> float:
        ahead = sum(len(self._queues[level]) for level in Priority if level <= priority) - self._abandoned
        return self._bucket.wait_for(self._clock.monotonic(), max(0, ahead))

    def _reset_at(self) -> float | None:
        reset = self._bucket.reset_time()
        return None if reset is None else self._clock.wall() + reset - self._clock.monotonic()

    def _grant(self, cost: int) -> Permit | None:
        if self._free_slots == 0:
            return None
        ticket = self._bucket.take(self._clock.monotonic(), cost)
        if ticket is None:
            return None
        self._free_slots -= 1
        return Permit(self, ticket)

    def _pump(self) -> None:
        """Hand out what can be handed out, then set the timer for what can not."""
        while (waiter := self._front()) is not None:
            permit = self._grant(waiter.cost)
            if permit is None:
                self._arm(waiter)
                return
            self._forget_front()
            waiter.future.set_result(permit)
        self._disarm()

    def _front(self) -> _Waiter | None:
        """The waiter who is next; those who gave up are dropped on the way."""
        for queue in self._queues:
            while queue:
                if not queue[0].future.done():
                    return queue[0]
                queue.popleft()
                self._abandoned -= 1
        return None

    def _forget_front(self) -> None:
        next(queue for queue in self._queues if queue).popleft()
        self._waiting -= 1

    def _abandon(self, waiter: _Waiter) -> None:
        future = waiter.future
        if future.done() and not future.cancelled():
            if future.exception() is None:
                future.result().refund()
            return
        future.cancel()
        self._waiting -= 1
        self._abandoned += 1
        if self._abandoned > _SWEEP_FROM and self._abandoned > self._waiting:
            for queue in self._queues:
                alive = [waiting for waiting in queue if not waiting.future.done()]
                queue.clear()
                queue.extend(alive)
            self._abandoned = 0
        self._pump()

    def _arm(self, waiter: _Waiter) -> None:
        due = None if self._free_slots == 0 else self._bucket.next_time(self._clock.monotonic(), waiter.cost)
        if due is None:
            self._disarm()
        elif self._timer is None or due != self._timer_due:
            self._disarm()
            delay = max(0.0, due - self._clock.monotonic())
            self._timer_due = due
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()

    def settle_unsent(self, ticket: Ticket) -> None:
        """See `PermitLedger`."""
        self._bucket.refund(ticket)
        self._free()

    def settle_lost(self, ticket: Ticket) -> None:
        """See `PermitLedger`."""
        self._bucket.lose(ticket)
        self._free()

    def settle_observed(self, ticket: Ticket, status: int, headers: Headers) -> None:
        """See `PermitLedger`."""
        self._bucket.observe(ticket, self._clock.monotonic(), status, read_quota(status, headers))
        self._free()

    def _free(self) -> None:
        self._free_slots += 1
        if self._waiting or self._abandoned:
            self._pump()
