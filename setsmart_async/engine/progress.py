"""One call's state between its attempts."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from setsmart_async.clock import Clock
from setsmart_async.errors import Attempt, CallError, Outcome
from setsmart_async.keys import ApiKey


@attrs.define
class Progress:
    """How far a call has come. Times are in seconds of the monotonic clock."""

    call_id: int
    """1 for the client's first call."""
    deadline_at: float | None
    """When its time is up; None: never."""
    clock: Clock
    attempts: tuple[Attempt, ...] = ()
    """Those that have failed."""
    last_error: CallError | None = None
    """What the last attempt met, when the call goes on in spite of it."""
    waits: Iterator[float] | None = None
    """The upper ends of the waits to come."""
    spent: int = 0
    """What the last retry took out of the budget."""
    key: ApiKey | None = None
    """What the last attempt was signed with."""
    sent_at: float = 0.0
    """When the last attempt was sent."""
    is_told: bool = False
    """Whether somebody, an observer or a log, is told what happens."""

    @property
    def may_have_applied(self) -> bool:
        """Whether an earlier attempt may have taken effect."""
        return any(attempt.outcome is not Outcome.REJECTED for attempt in self.attempts)

    @property
    def time_left(self) -> float | None:
        """Seconds to the deadline, never quite 0, for 0 would mean no limit to some; None: no deadline."""
        if self.deadline_at is None:
            return None
        return max(0.001, self.deadline_at - self.clock.monotonic())
