"""The loop that makes a call: admit, sign, send, learn, decode, decide. The only place that retries."""

from __future__ import annotations

import asyncio
import platform
import random
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import attrs

from setsmart_async.clock import Clock
from setsmart_async.config import CallOptions
from setsmart_async.contract import Dialect
from setsmart_async.engine.call import Call, Reply
from setsmart_async.errors import (
    ApiError,
    Attempt,
    AttemptTimeoutError,
    CallError,
    ClientClosedError,
    DeadlineExceededError,
    InvalidResponseError,
    NotFoundError,
    Outcome,
    RateLimitError,
    RateLimitWaitError,
    WrongEventLoopError,
)
from setsmart_async.keys import ApiKey
from setsmart_async.limits.limiter import Permit, QuotaState, RateLimiter
from setsmart_async.observer import AttemptEnded, Observer, QuotaWaited, RetryScheduled, tell
from setsmart_async.policy.retry import RetryClass, failure_of
from setsmart_async.policy.verdict import error_for, request_id_of
from setsmart_async.transports.base import Transport
from setsmart_async.version import __version__
from setsmart_async.wire import HttpRequest, HttpResponse, Origin

T = TypeVar("T")

USER_AGENT: Final = f"setsmart_async/{__version__} Python/{platform.python_version()}"


@attrs.define
class _Progress:
    """One call's state between its attempts."""

    deadline_at: float | None
    attempts: list[Attempt] = attrs.field(factory=list[Attempt])
    last_error: CallError | None = None
    waits: Iterator[float] | None = None

    @property
    def may_have_applied(self) -> bool:
        return any(attempt.outcome is not Outcome.REJECTED for attempt in self.attempts)


class Engine:
    """Runs calls for one origin and key, over one transport and one limiter."""

    def __init__(
        self,
        *,
        origin: Origin,
        api_key: ApiKey,
        transport: Transport,
        limiter_source: Callable[[], RateLimiter],
        clock: Clock,
        dialect: Dialect,
        observer: Observer | None = None,
        random_source: Callable[[], float] = random.random,
    ) -> None:
        self._origin = origin
        self._api_key = api_key
        self._transport = transport
        self._limiter_source = limiter_source
        self._limiter: RateLimiter | None = None
        self._clock = clock
        self._observer = observer
        self._random = random_source
        self._api_key_header = dialect.api_key_header
        self._headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._queued: set[asyncio.Task[object]] = set()
        self._turned_away: set[asyncio.Task[object]] = set()

    def close(self) -> None:
        """Refuse every further attempt, and turn away the calls that wait for quota."""
        self._closed = True
        for task in self._queued:
            self._turned_away.add(task)
            task.cancel()

    @property
    def quota(self) -> QuotaState | None:
        """What the limiter knows; None before the first call."""
        return None if self._limiter is None else self._limiter.quota

    async def run(self, call: Call[T]) -> Reply[T]:
        """Make the call, again where the rules allow it.

        Raises the last attempt's `CallError`, with the attempts on it; `DeadlineExceededError` when time ran out.
        """
        self._bind_to_loop()
        deadline = call.options.deadline
        progress = _Progress(None if deadline is None else self._clock.monotonic() + deadline)
        while True:
            try:
                return await self._attempt(call, progress)
            except CallError as error:
                error.operation = str(call.operation)
                if isinstance(error, NotFoundError) and _already_deleted(call, progress):
                    return Reply(
                        value=call.decode(HttpResponse(status=error.status)),
                        status=error.status,
                        headers=HttpResponse(status=error.status).headers,
                        failed_attempts=tuple(progress.attempts),
                    )
                delay = self._delay_before_next(call, progress, error)
                if delay is None:
                    error.attempts = tuple(progress.attempts)
                    raise
            if delay:
                await self._clock.sleep(delay)

    def _bind_to_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise WrongEventLoopError
            self._loop, self._limiter = loop, self._limiter_source()

    async def _attempt(self, call: Call[T], progress: _Progress) -> Reply[T]:
        with await self._admit(call, progress) as permit:
            if self._closed:
                permit.refund()
                raise ClientClosedError
            response = await self._send(call, progress, permit)
        error = error_for(response)
        if error is not None:
            raise error
        try:
            value = call.decode(response)
        except InvalidResponseError as fault:
            fault.request_id = request_id_of(response.headers)
            raise
        return Reply(
            value=value,
            status=response.status,
            headers=response.headers,
            failed_attempts=tuple(progress.attempts),
        )

    async def _admit(self, call: Call[T], progress: _Progress) -> Permit:
        options = call.options
        left = None if not options.queueing_counts else self._time_left(progress)
        tightest = min((limit for limit in (options.max_wait, left) if limit is not None), default=None)
        try:
            permit = await self._queue(options, tightest, again=bool(progress.attempts))
        except RateLimitWaitError as refusal:
            if progress.last_error is not None:
                raise progress.last_error from None
            if left is not None and tightest == left and options.deadline is not None:
                detail = f": quota is {refusal.wait:.1f} s away"
                raise DeadlineExceededError(
                    "queue", options.deadline, outcome=Outcome.NOT_SENT, detail=detail
                ) from None
            raise
        if permit.waited:
            if not options.queueing_counts and progress.deadline_at is not None:
                progress.deadline_at += permit.waited
            if self._observer is not None:
                tell(self._observer, QuotaWaited(operation=str(call.operation), seconds=permit.waited))
        return permit

    async def _queue(self, options: CallOptions, max_wait: float | None, *, again: bool) -> Permit:
        """Wait for a permit; a wait that `close` has ended raises `ClientClosedError`, not a cancellation."""
        task, limiter = asyncio.current_task(), self._limiter
        assert task is not None  # noqa: S101 - coroutines of asyncio run in tasks
        assert limiter is not None  # noqa: S101 - `run` has set it
        if self._closed:
            raise ClientClosedError
        self._queued.add(task)
        try:
            return await limiter.acquire(priority=options.priority, max_wait=max_wait, again=again)
        except asyncio.CancelledError:
            if task in self._turned_away and task.uncancel() == 0:
                raise ClientClosedError from None
            raise
        finally:
            self._queued.discard(task)
            self._turned_away.discard(task)

    async def _send(self, call: Call[T], progress: _Progress, permit: Permit) -> HttpResponse:
        left, allowed = self._time_left(progress), call.options.attempt_timeout
        by_deadline = left is not None and (allowed is None or left < allowed)
        began = self._clock.monotonic()
        try:
            response = await self._transport.send(self._signed(call), timeout=left if by_deadline else allowed)
        except CallError as error:
            if error.outcome is Outcome.NOT_SENT:
                permit.refund()
            else:
                permit.lose()
            self._report(call, progress, began, None, error)
            if by_deadline and isinstance(error, AttemptTimeoutError) and call.options.deadline is not None:
                raise DeadlineExceededError("send", call.options.deadline, outcome=error.outcome) from None
            raise
        permit.observe(response.status, response.headers)
        self._report(call, progress, began, response.status, None)
        return response

    def _signed(self, call: Call[T]) -> HttpRequest:
        headers = {**self._headers, self._api_key_header: self._api_key.reveal()}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        return HttpRequest(
            method=call.operation.method,
            origin=self._origin,
            target=call.target,
            headers=headers,
            body=call.body,
            fresh_connection=call.operation.retry_class is RetryClass.UNSAFE,
        )

    def _delay_before_next(self, call: Call[T], progress: _Progress, error: CallError) -> float | None:
        """Seconds until the next attempt, or None: this error is the call's."""
        if error is progress.last_error:
            return None
        number = len(progress.attempts) + 1
        status = error.status if isinstance(error, ApiError) else None
        attempt = Attempt(number=number, error=type(error).__name__, outcome=error.outcome, status=status)
        progress.attempts.append(attempt)
        retry = call.options.retry
        if self._closed or not retry.allows(failure_of(error), call.operation.retry_class, number):
            return None
        delay = self._backoff(retry.waits(), progress, error)
        left = self._time_left(progress)
        hint = error.retry_after if isinstance(error, ApiError) else None
        if left is not None and max(delay, hint or 0.0) >= left:
            return None
        progress.last_error = error
        progress.attempts[-1] = attrs.evolve(attempt, retried_after=delay)
        if self._observer is not None:
            tell(self._observer, RetryScheduled(operation=str(call.operation), number=number, delay=delay))
        return delay

    def _backoff(self, fresh_waits: Iterator[float], progress: _Progress, error: CallError) -> float:
        if isinstance(error, RateLimitError):
            return 0.0  # the limiter has closed its gate: the wait is the queue's, and the same for every caller
        progress.waits = progress.waits or fresh_waits
        delay = self._random() * next(progress.waits)
        if isinstance(error, ApiError) and error.retry_after is not None:
            delay += error.retry_after
        return delay

    def _time_left(self, progress: _Progress) -> float | None:
        """Seconds to the deadline, never quite 0, for 0 would mean no limit to some."""
        if progress.deadline_at is None:
            return None
        return max(0.001, progress.deadline_at - self._clock.monotonic())

    def _report(
        self, call: Call[T], progress: _Progress, began: float, status: int | None, error: CallError | None
    ) -> None:
        if self._observer is None:
            return
        event = AttemptEnded(
            operation=str(call.operation),
            number=len(progress.attempts) + 1,
            seconds=self._clock.monotonic() - began,
            status=status,
            error=None if error is None else type(error).__name__,
            outcome=None if error is None else error.outcome,
        )
        tell(self._observer, event)


def _already_deleted(call: Call[T], progress: _Progress) -> bool:
    """A DELETE whose earlier attempt may have worked, and now nothing is there: it has worked."""
    return call.operation.method == "DELETE" and progress.may_have_applied
