"""Again, when, or not at all: what the rules of `policy.retry` mean for one call that has just failed."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from setsmart_async.engine.call import Call
from setsmart_async.engine.key_ring import KeyRing
from setsmart_async.engine.progress import Progress
from setsmart_async.errors import ApiError, Attempt, CallError, ConnectionLostError, RateLimitError
from setsmart_async.policy.retry import Failure, RetryClass, failure_of
from setsmart_async.policy.retry_budget import RetryBudget
from setsmart_async.priority import Priority

_RETRY_AFTER_JITTER = 0.1


@attrs.frozen
class Retrying:
    """Decides for all calls of a client."""

    budget: RetryBudget
    keys: KeyRing
    random: Callable[[], float]
    """Numbers from 0 to 1."""

    async def delay(self, call: Call[object], progress: Progress, error: CallError) -> float | None:
        """Seconds until the next attempt, or None: this error is the call's. Keeps the attempt in `progress`."""
        number = len(progress.attempts) + 1
        status = error.status if isinstance(error, ApiError) else None
        attempt = Attempt(number=number, error=type(error).__name__, outcome=error.outcome, status=status)
        progress.attempts = (*progress.attempts, attempt)
        failure, retry = failure_of(error), call.options.retry
        if not retry.allows(failure, call.retry_class, number):
            return None
        if failure is Failure.KEY_REFUSED:
            delay = 0.0
            if progress.key is None or not await self.keys.replaced(progress.key, sent=progress.sent_at):
                return None
        elif number == 1 and _met_a_stale_connection(call, error):
            delay = 0.0  # the server closed an idle connection as this request went out: nothing is amiss
        else:
            delay = self._backoff(call, progress, error)
            if self._is_too_long(call, progress, error, delay) or not self._afford(progress, error):
                return None
        progress.last_error = error
        progress.attempts = (*progress.attempts[:-1], attrs.evolve(attempt, retried_after=delay))
        return delay

    def _backoff(self, call: Call[object], progress: Progress, error: CallError) -> float:
        if isinstance(error, RateLimitError):
            return 0.0  # the limiter has closed its gate: the wait is the queue's, and the same for every caller
        progress.waits = progress.waits or call.options.retry.waits()
        delay = self.random() * next(progress.waits)
        hint = error.retry_after if isinstance(error, ApiError) else None
        if hint is not None:
            delay = max(delay, hint) + _RETRY_AFTER_JITTER * self.random() * hint
        return delay

    def _is_too_long(self, call: Call[object], progress: Progress, error: CallError, delay: float) -> bool:
        hint = error.retry_after if isinstance(error, ApiError) else None
        left = progress.time_left
        if left is not None and max(delay, hint or 0.0) >= left:
            return True
        longest = call.options.retry.longest_interactive_wait
        return call.options.priority is Priority.INTERACTIVE and hint is not None and hint > longest

    def _afford(self, progress: Progress, error: CallError) -> bool:
        spent = self.budget.spend(throttled=isinstance(error, RateLimitError))
        if spent is None:
            error.retry_budget_exhausted = True
            return False
        progress.spent = spent
        return True


def _met_a_stale_connection(call: Call[object], error: CallError) -> bool:
    return call.retry_class is RetryClass.SAFE and isinstance(error, ConnectionLostError) and error.reused
