"""Calls that had no time left, or would have waited too long."""

from __future__ import annotations

from setsmart_async.errors.base import CallError, Outcome, Phase, SetSmartError


class DeadlineExceededError(CallError, TimeoutError):
    """The call's deadline ran out; `phase` says where. Also a `TimeoutError`."""

    def __init__(self, phase: Phase, deadline: float, *, outcome: Outcome = Outcome.UNKNOWN, detail: str = "") -> None:
        super().__init__(
            f"The deadline of {deadline:g} s ran out in the phase '{phase}'{detail}. "
            "Raise `deadline`, or pass None to wait as long as it takes.",
            outcome=outcome,
        )
        self.phase: Phase = phase
        self.deadline = deadline


class RateLimitWaitError(CallError):
    """Waiting for quota would take longer than `max_wait`; refused before waiting.

    `wait` is the wait it would have been, in seconds; `reset_at` the reset in unix seconds, when known.
    """

    default_outcome = Outcome.NOT_SENT

    def __init__(self, wait: float, max_wait: float, *, reset_at: float | None = None) -> None:
        super().__init__(
            f"Quota is {wait:.1f} s away, and at most {max_wait:g} s were allowed. Raise `max_wait`, or try again then."
        )
        self.wait = wait
        self.max_wait = max_wait
        self.reset_at = reset_at


class CoordinatorError(SetSmartError):
    """The coordinator of a shared quota failed in a way that is no lost connection; the cause says how."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The shared quota's coordinator failed with {kind}, see the cause; the limiter has stopped. A coordinator "
            "may raise ConnectionError only."
        )
        self.kind = kind
