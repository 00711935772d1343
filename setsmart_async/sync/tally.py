"""Counting what a client does, for a sync's result."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import attrs

from setsmart_async.errors import Outcome
from setsmart_async.observer import AttemptEnded, Event, QuotaWaited, RetryScheduled


@attrs.frozen(kw_only=True)
class CallCounts:
    """What a client has done so far."""

    requests: int = 0
    """Requests sent, as far as can be known: those that found no connection are left out."""
    rate_limited: int = 0
    """Answers with status 429."""
    retries: int = 0
    """Attempts that were repeated."""
    waited_for_quota: float = 0.0
    """Seconds in which at least one call waited for quota: calls that wait together count once."""


class Tally:
    """An observer that counts: pass one to `SetSmart` as its observer and to `Sync`."""

    def __init__(self, *, monotonic: Callable[[], float] = monotonic) -> None:
        """`monotonic` gives seconds on a clock that never steps."""
        self._monotonic = monotonic
        self._waits: list[tuple[float, float]] = []
        self._requests = self._rate_limited = self._retries = 0

    def __call__(self, event: Event) -> None:
        """See `observer`."""
        match event:
            case AttemptEnded():
                self._requests += event.outcome is not Outcome.NOT_SENT
                self._rate_limited += event.status == 429
            case RetryScheduled():
                self._retries += 1
            case QuotaWaited():
                self._add_wait(event.seconds)
            case _:
                pass  # not counted

    @property
    def counts(self) -> CallCounts:
        """Everything up to now."""
        return CallCounts(
            requests=self._requests,
            rate_limited=self._rate_limited,
            retries=self._retries,
            waited_for_quota=sum((end - start for start, end in self._waits), 0.0),
        )

    def _add_wait(self, seconds: float) -> None:
        """Events come as waits end, so a new one can only overlap the last ones."""
        end = self._monotonic()
        start = end - seconds
        while self._waits and self._waits[-1][1] >= start:
            start = min(start, self._waits.pop()[0])
        self._waits.append((start, end))
