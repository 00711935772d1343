"""What is told of a call and its attempts: their events, made from what the engine knows."""

from __future__ import annotations

from setsmart_async.engine.call import Call
from setsmart_async.engine.progress import Progress
from setsmart_async.errors import CallError, Outcome
from setsmart_async.observer import AttemptEnded, AttemptStarted, CallEnded, CallStarted
from setsmart_async.policy.quota import read_quota
from setsmart_async.policy.verdict import request_id_of
from setsmart_async.wire import HttpResponse, Origin


def call_started(call: Call[object], progress: Progress, origin: Origin) -> CallStarted:
    """The call has been asked for."""
    return CallStarted(operation=str(call.operation), call_id=progress.call_id, origin=origin)


def call_ended(call: Call[object], progress: Progress, seconds: float, error: BaseException | None) -> CallEnded:
    """The call has come to its reply, or to this error."""
    return CallEnded(
        operation=str(call.operation),
        call_id=progress.call_id,
        seconds=seconds,
        error=None if error is None else type(error).__name__,
        outcome=error.outcome if isinstance(error, CallError) else None,
    )


def attempt_started(call: Call[object], progress: Progress) -> AttemptStarted:
    """The next attempt is about to be sent."""
    return AttemptStarted(operation=str(call.operation), call_id=progress.call_id, number=len(progress.attempts) + 1)


def attempt_answered(call: Call[object], progress: Progress, response: HttpResponse) -> AttemptEnded:
    """The attempt under way was answered."""
    quota = read_quota(response.status, response.headers)
    reset_after = quota.reset_after
    if reset_after is None and quota.reset is not None and quota.date is not None:
        reset_after = max(0.0, quota.reset - quota.date)
    return AttemptEnded(
        operation=str(call.operation),
        call_id=progress.call_id,
        number=len(progress.attempts) + 1,
        seconds=progress.clock.monotonic() - progress.sent_at,
        status=response.status,
        request_id=request_id_of(response.headers),
        quota_limit=quota.limit,
        quota_remaining=quota.remaining,
        quota_reset_after=reset_after,
    )


def attempt_failed(call: Call[object], progress: Progress, error: BaseException) -> AttemptEnded:
    """The attempt under way ended without a complete answer: what is not a `CallError` may have cancelled it."""
    return AttemptEnded(
        operation=str(call.operation),
        call_id=progress.call_id,
        number=len(progress.attempts) + 1,
        seconds=progress.clock.monotonic() - progress.sent_at,
        status=None,
        error=type(error).__name__,
        outcome=error.outcome if isinstance(error, CallError) else Outcome.UNKNOWN,
    )
