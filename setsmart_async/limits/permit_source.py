"""What a waiting room asks of the bucket behind it."""

from __future__ import annotations

from typing import Protocol

from setsmart_async.limits.limiter import Permit
from setsmart_async.policy.bucket import BucketState
from setsmart_async.policy.quota import QuotaReading
from setsmart_async.policy.reset import ResetEstimate


class PermitSource(Protocol):
    """What may go now, and when the next: the methods of `policy.bucket.Bucket`, where each is explained."""

    limit: int | None
    """Requests per window; None: not known."""
    reset: ResetEstimate
    """When the next window begins."""

    @property
    def in_flight(self) -> int:
        """Cost of the requests under way."""
        ...

    @property
    def available(self) -> int:
        """Requests that may go now."""
        ...

    def take(self, now: float, cost: int = ..., held_back: float = ...) -> Permit | None:
        """A permit, when one may go now."""
        ...

    def next_time(self, now: float, cost: int = ..., held_back: float = ...) -> float | None:
        """When the next may go; None: something must happen first."""
        ...

    def wait_for(self, now: float, ahead: int) -> float:
        """Seconds that somebody with so many before them will wait, as far as is known."""
        ...

    def state(self, now: float) -> BucketState:
        """The state."""
        ...

    def refund(self, ticket: Permit) -> None:
        """It was never sent."""
        ...

    def lose(self, ticket: Permit) -> None:
        """It was sent, and its answer is lost."""
        ...

    def observe(self, ticket: Permit, now: float, status: int, reading: QuotaReading) -> None:
        """It was answered."""
        ...
