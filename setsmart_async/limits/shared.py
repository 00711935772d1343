"""The limiter of many processes: a waiting room around leased permits, and the one task that talks to the coordinator.

The task sends a report when somebody waits and there is no permit, when an answer has brought news, and as a sign of
life: one at a time, and none within 2 ms of the last, so that one report speaks for all who came meanwhile.
"""

from __future__ import annotations

import asyncio
import math
import random
from types import TracebackType
from typing import Final, Self

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import ClientClosedError, ConfigurationError, CoordinatorError, WrongEventLoopError
from setsmart_async.limits.coordinator import Coordinator, Lease, Report, answer_in_time, new_client_id
from setsmart_async.limits.demand import demand
from setsmart_async.limits.leased_bucket import LeasedBucket
from setsmart_async.limits.limiter import Permit
from setsmart_async.limits.waiting_room import WaitingRoom
from setsmart_async.observer import CoordinatorLost, CoordinatorRestored, Observer, tell
from setsmart_async.priority import Priority
from setsmart_async.wire import Headers, Origin

DECISION: Final = 0.05
"""Seconds without an answer after which the coordinator counts as lost."""
_FIRST_CONTACT: Final = 1.0
_GATHERING: Final = 0.002
_SIGN_OF_LIFE: Final = 1.0
_IDLE_SIGN_OF_LIFE: Final = 20.0
_GIVE_BACK: Final = 0.05
_AHEAD: Final = 0.1
_SHORTEST_BACKOFF: Final = 0.1
_LONGEST_BACKOFF: Final = 1.0
_NEVER: Final = float("-inf")


class SharedLimiter(WaitingRoom):
    """A `RateLimiter` whose quota is shared through a `Coordinator`."""

    _bucket: LeasedBucket

    def __init__(
        self,
        coordinator: Coordinator,
        *,
        account: str | None = None,
        max_concurrency: int = 100,
        sharers: int = 16,
        observer: Observer | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`account` names the quota; None: `bind` will. Nothing is connected yet, and no event loop is needed.

        `max_concurrency` is the most requests of this process under way at once. `sharers` is how many clients there
        may be, for the case that the coordinator is never reached. `observer` is told `CoordinatorLost` and
        `CoordinatorRestored`. Raises `ConfigurationError`.
        """
        if max_concurrency < 1 or sharers < 1:
            raise ConfigurationError("max_concurrency and sharers must be 1 or more.")
        clock = SystemClock() if clock is None else clock
        wall_offset = clock.wall() - clock.monotonic()
        bucket = LeasedBucket(wall_offset=wall_offset, sharers=sharers, random_source=random.random)
        super().__init__(bucket, max_concurrency=max_concurrency, wall_offset=wall_offset, clock=clock)
        self._coordinator = coordinator
        self._is_named = account is not None
        self._account = account
        self._observer = observer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._sleeper: asyncio.Future[None] | None = None
        self._sleeps_until = 0.0
        self._is_closed = False
        self._began = self._last_sync = _NEVER
        self._retry_at = _NEVER
        self._backoff = _SHORTEST_BACKOFF
        self._was_reached = False
        self._asked: Priority | None = None

    @property
    def sharers(self) -> int:
        """Clients that shared the quota when the coordinator was last reached."""
        return self._bucket.sharers

    def bind(self, origin: Origin, key_fingerprint: str) -> None:
        """Use the quota of this API key, unless an account was named; clients call this.

        Raises `ConfigurationError` when it is another's already.
        """
        account = f"{origin}#{key_fingerprint}"
        if self._is_named or account == self._account:
            return
        if self._account is not None:
            raise ConfigurationError("A limiter shares the quota of one API key and base URL: make one for each.")
        self._account = account

    def acquire_nowait(self, cost: int = 1, *, priority: Priority = Priority.NORMAL) -> Permit | None:
        """See `RateLimiter.acquire_nowait`: a permit that is leased already.

        Raises `ClientClosedError`, `WrongEventLoopError`, and `CoordinatorError` when the coordinator has failed.
        """
        if asyncio.get_running_loop() is not self._loop or self._is_closed or self._failure is not None:
            self._begin()
        return super().acquire_nowait(cost, priority=priority)

    def _begin(self) -> None:
        """The first permit is asked for: here, in this process and loop, the limiter lives from now on."""
        if self._is_closed:
            raise ClientClosedError
        if self._failure is not None:
            raise self._failed()
        if self._account is None:
            raise ConfigurationError("Pass the limiter to a SetSmart client, or give it an account=.")
        if self._loop is not None:
            raise WrongEventLoopError
        self._loop = asyncio.get_running_loop()
        self._bucket.name_client(new_client_id())  # here, and not before a fork
        self._began = self._monotonic()

    async def aclose(self) -> None:
        """Give back what is held, and close the connection; those who wait get `ClientClosedError`."""
        if self._is_closed:
            return
        self._is_closed = True
        self._turn_away(ClientClosedError)
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.cancel()
        try:
            if owner is not None:
                await asyncio.wait({owner})
                if self._was_reached and self._bucket.lost_at is None:
                    report = self._bucket.report(self._monotonic(), [0 for _ in Priority], leaving=True)
                    await self._answer(report)
        finally:  # also when closing is cancelled: it is not tried again
            await self._coordinator.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def settle_unsent(self, permit: Permit) -> None:
        """See `PermitLedger`."""
        super().settle_unsent(permit)
        self._nudge()

    def settle_lost(self, permit: Permit) -> None:
        """See `PermitLedger`."""
        super().settle_lost(permit)
        self._nudge()

    def settle_observed(self, permit: Permit, status: int, headers: Headers) -> None:
        """See `PermitLedger`."""
        super().settle_observed(permit, status, headers)
        self._nudge()

    def _pump(self) -> None:
        super()._pump()
        self._nudge()

    def _wants(self) -> list[int]:
        """How much to ask for, by priority: what waits and has or will soon have a slot, less what is on hand."""
        ahead = 0.0
        if self._bucket.round_trip:
            ahead = self._bucket.in_flight * min(1.0, _AHEAD / self._bucket.round_trip)
        room = self._free_slots + math.ceil(ahead)
        return demand(self._waiting, self._first(), room=room, on_hand=self._bucket.on_hand)

    def _least(self) -> int:
        first = self._first()
        return max(1, (1 if first is None else first.cost) - self._bucket.on_hand)

    def _next_report(self) -> float:
        """When the next report is due; may have passed."""
        bucket = self._bucket
        if bucket.lost_at is not None or not self._was_reached:
            return self._retry_at
        due = min(
            bucket.report_due,
            self._last_sync + (_SIGN_OF_LIFE if bucket.in_flight or bucket.on_hand else _IDLE_SIGN_OF_LIFE),
        )
        if not self._all_waiting:
            if bucket.on_hand:
                due = min(due, self._last_sync + _GIVE_BACK)
        elif (wanted := sum(wants := self._wants())) and (
            bucket.on_hand < min(self._all_waiting, self._free_slots)
            or 2 * bucket.on_hand < wanted
            or ((first := self._first()) is not None and bucket.on_hand < first.cost)
        ):  # not for every single one that is drawn ahead: only once two thirds of them are
            ask = bucket.ask_at
            urgent = next(priority for priority in Priority if wants[priority])
            if ask is None or self._asked is None or urgent < self._asked:
                ask = _NEVER
            due = min(due, ask)
        return max(due, self._last_sync + _GATHERING)

    def _nudge(self) -> None:
        """Something has happened: the next report may be due earlier."""
        if self._is_closed or self._failure is not None:
            return
        if self._owner is None:
            if not self._all_waiting:
                return
            self._owner = asyncio.get_running_loop().create_task(self._own(), name="setsmart_async shared quota")
            self._owner.add_done_callback(self._ended)
        elif self._sleeper is not None and self._next_report() < self._sleeps_until and not self._sleeper.done():
            self._sleeper.set_result(None)

    def _ended(self, owner: asyncio.Task[None]) -> None:
        """The task has ended; by itself it never should, and nobody would be served any more."""
        if owner.cancelled():
            if owner is self._owner:  # somebody has cancelled all tasks; whoever waits still, or will, needs another
                self._owner = None
                self._nudge()
        elif (failure := owner.exception()) is not None:
            self._failure = failure
            self._turn_away(self._failed)

    def _failed(self) -> CoordinatorError:
        error = CoordinatorError(type(self._failure).__name__)
        error.__cause__ = self._failure
        return error

    async def _own(self) -> None:
        while not self._is_closed:
            while (due := self._next_report()) > self._monotonic():
                await self._sleep_until(due)
            await self._report()

    async def _sleep_until(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        self._sleeper, self._sleeps_until = loop.create_future(), due
        timer = loop.call_later(due - self._monotonic(), _wake, self._sleeper)
        try:
            await self._sleeper
        finally:
            timer.cancel()
            self._sleeper = None

    async def _report(self) -> None:
        wants = self._wants()
        began = self._last_sync = self._monotonic()
        report = self._bucket.report(began, wants, least=self._least())
        lease = await self._answer(report)
        now = self._monotonic()
        if lease is None:
            self._bucket.put_back(report)
            self._be_without(now)
            return
        lost_at = self._bucket.lost_at
        if lost_at is not None and now - began > DECISION:
            # Connecting took that long. The connection is kept, so the next answer shows whether it is fast enough.
            self._bucket.put_back(report)
            self._be_without(now)
            return
        self._was_reached = True
        self._backoff = _SHORTEST_BACKOFF
        self._bucket.accept(lease, began, now)
        if lost_at is not None:
            tell(self._observer, CoordinatorRestored(seconds=now - lost_at, sharers=self.sharers))
        self._asked = next((priority for priority in Priority if wants[priority]), None)
        if self._all_waiting:
            super()._pump()

    async def _answer(self, report: Report) -> Lease | None:
        patience = DECISION
        if self._bucket.lost_at is not None:  # nobody waits for this one, and it may have to connect
            patience = _FIRST_CONTACT
        elif not self._was_reached:
            patience = max(DECISION, self._began + _FIRST_CONTACT - self._monotonic())
        account = self._account or ""
        return await answer_in_time(self._coordinator, account, report, patience=patience, monotonic=self._monotonic)

    def _be_without(self, now: float) -> None:
        first = self._bucket.lost_at is None
        if not self._was_reached and now < self._began + _FIRST_CONTACT:
            self._retry_at = now + _SHORTEST_BACKOFF * random.random()  # noqa: S311 - spreads load, is no secret
            return
        if first:
            self._bucket.degrade(now)
            self._backoff = _SHORTEST_BACKOFF
            tell(self._observer, CoordinatorLost(sharers=self.sharers))
            if self._all_waiting:
                super()._pump()
        else:
            self._backoff = min(2 * self._backoff, _LONGEST_BACKOFF)
        spread = random.random() if first else random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, is no secret
        self._retry_at = now + self._backoff * spread


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
