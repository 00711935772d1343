"""What a limiter promises, and the permit that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import attrs

from setsmart_async.policy.bucket import BucketState, Ticket
from setsmart_async.priority import Priority
from setsmart_async.wire import Headers, Origin


@attrs.frozen(kw_only=True)
class QuotaState:
    """What a limiter knows, at one instant."""

    state: BucketState
    limit: int | None
    """Requests per window; None: not known yet, or the server does not say."""
    remaining: int
    """Requests that may go now; 0 while nothing is known."""
    reset_after: float | None
    """Seconds until the next window; 0 when it is due; None: unknown."""
    in_flight: int
    """Requests under way."""
    waiting: int
    """Calls waiting for quota or a slot."""
    waiting_by_priority: Mapping[Priority, int] = attrs.field(factory=dict[Priority, int])
    """The same, told apart."""
    clock_offset: float | None = None
    """Seconds that the server's clock is ahead of this machine's; None: no answer has carried a ``Date``."""

    @classmethod
    def unknown(cls) -> QuotaState:
        """Before the first call."""
        return cls(state=BucketState.COLD, limit=None, remaining=0, reset_after=None, in_flight=0, waiting=0)


class PermitLedger(Protocol):
    """Whoever gave a permit and takes its outcome."""

    def settle_unsent(self, permit: Permit) -> None:
        """The request was never sent."""
        ...

    def settle_lost(self, permit: Permit) -> None:
        """The request was sent, and its answer is lost."""
        ...

    def settle_observed(self, permit: Permit, status: int, headers: Headers) -> None:
        """The request was answered."""
        ...


class Permit(Ticket, eq=False):
    """The right to send one request. Has exactly one outcome: observed, refunded or lost; the first one counts.

    A context manager: leaving it without an outcome means lost, so that a cancelled request is accounted for.
    """

    ledger: PermitLedger | None = None
    """Whoever gave it; None once it has its outcome."""
    waited: float = 0.0
    """Seconds spent in the queue."""

    def observe(self, status: int, headers: Headers) -> None:
        """The request was answered."""
        ledger, self.ledger = self.ledger, None
        if ledger is not None:
            ledger.settle_observed(self, status, headers)

    def refund(self) -> None:
        """The request was never sent: nothing was used."""
        ledger, self.ledger = self.ledger, None
        if ledger is not None:
            ledger.settle_unsent(self)

    def lose(self) -> None:
        """The request was sent and its answer is lost: the server may have counted it."""
        ledger, self.ledger = self.ledger, None
        if ledger is not None:
            ledger.settle_lost(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.ledger is not None:
            self.lose()


class RateLimiter(Protocol):
    """Lets requests go so that the quota is used up and never overdrawn."""

    async def acquire(
        self,
        cost: int = 1,
        *,
        priority: Priority = Priority.NORMAL,
        max_wait: float | None = None,
        again: bool = False,
    ) -> Permit:
        """Wait for quota and a free slot, both granted together; first come, first served inside a priority.

        `cost` is in requests, `max_wait` in seconds; `again` puts a retry in front of its class. Raises
        `RateLimitWaitError` at once when the wait would be longer, and later when it turned out to be. A cancelled
        wait gives back what it had.
        """
        ...

    def acquire_nowait(self, cost: int = 1, *, priority: Priority = Priority.NORMAL) -> Permit | None:
        """A permit, if one may go at once; never passes by those who wait."""
        ...

    @property
    def quota(self) -> QuotaState:
        """What is known now."""
        ...


@runtime_checkable
class KeyedLimiter(Protocol):
    """A limiter that wants to know whose quota it keeps: the client that it is passed to says so."""

    def bind(self, origin: Origin, key_fingerprint: str) -> None:
        """The server, and the API key by its fingerprint. Raises `ConfigurationError` if it is another's already."""
        ...
