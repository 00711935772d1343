"""The loop that makes a call: admit, sign, send, learn, decode, decide. The only place that retries."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from itertools import count
from typing import TypeVar

from setsmart_async.clock import Clock
from setsmart_async.contract import Dialect
from setsmart_async.engine.admission import Admission
from setsmart_async.engine.call import Call, Reply
from setsmart_async.engine.key_ring import KeyRing
from setsmart_async.engine.progress import Progress
from setsmart_async.engine.retrying import Retrying
from setsmart_async.engine.signing import Signer
from setsmart_async.engine.telling import attempt_answered, attempt_failed, attempt_started, call_ended, call_started
from setsmart_async.errors import (
    AttemptTimeoutError,
    CallError,
    ClientClosedError,
    DeadlineExceededError,
    ForkedClientError,
    InvalidResponseError,
    NotFoundError,
    Outcome,
    RateLimitWaitError,
    WrongEventLoopError,
)
from setsmart_async.keys import ApiKey
from setsmart_async.limits.limiter import Permit, QuotaState, RateLimiter
from setsmart_async.observer import (
    LOGGER,
    AttemptStarted,
    Event,
    KeyRefreshed,
    Observer,
    QuotaWaited,
    RetryScheduled,
    tell,
)
from setsmart_async.policy.retry_budget import RetryBudget
from setsmart_async.policy.verdict import error_for, request_id_of
from setsmart_async.transports.base import Transport
from setsmart_async.wire import HttpResponse, Origin

T = TypeVar("T")


class Engine:
    """Runs calls for one origin and account, over one transport and one limiter."""

    def __init__(
        self,
        *,
        origin: Origin,
        keys: KeyRing,
        transport: Transport,
        limiter_source: Callable[[ApiKey], RateLimiter],
        clock: Clock,
        dialect: Dialect,
        retry_budget: RetryBudget,
        observer: Observer | None = None,
        random_source: Callable[[], float] = random.random,
    ) -> None:
        self._keys = keys
        self._transport = transport
        self._limiter_source = limiter_source
        self._limiter: RateLimiter | None = None
        self._clock = clock
        self._observer = observer
        self._budget = retry_budget
        self._origin = origin
        self._signer = Signer(origin, dialect)
        self._retrying = Retrying(retry_budget, keys, random_source)
        self._rejects_with_503 = dialect.rejects_with_503
        self._admission = Admission()
        self._call_ids = count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    async def aclose(self) -> None:
        """Refuse every further attempt, and turn away the calls that wait for quota or for a key."""
        self._admission.close()
        await self._keys.aclose()

    @property
    def quota(self) -> QuotaState | None:
        """What the limiter knows; None before the first call."""
        return None if self._limiter is None else self._limiter.quota

    async def key(self) -> ApiKey:
        """The key in use. Raises `ApiKeyUnavailableError`."""
        self._bind_to_loop()
        return await self._keys.key()

    def tell(self, event: Event) -> None:
        """Log an event and tell the observer of it."""
        if self._observer is not None or LOGGER.isEnabledFor(event.level):
            tell(self._observer, event)

    def run(self, call: Call[T]) -> Coroutine[object, object, Reply[T]]:
        """Make the call, again where the rules allow it.

        Raises the last attempt's `CallError`, with the attempts on it; `DeadlineExceededError` when time ran out.
        """
        self._bind_to_loop()
        deadline = call.options.deadline
        deadline_at = None if deadline is None else self._clock.monotonic() + deadline
        progress = Progress(next(self._call_ids), deadline_at, self._clock)
        if self._observer is None and not LOGGER.isEnabledFor(AttemptStarted.level):
            return self._run(call, progress)  # not awaited here, see `_attempt`
        return self._run_and_tell(call, progress)

    async def _run_and_tell(self, call: Call[T], progress: Progress) -> Reply[T]:
        progress.is_told, began = True, self._clock.monotonic()
        self.tell(call_started(call, progress, self._origin))
        try:
            reply = await self._run(call, progress)
        except BaseException as error:  # a cancellation too: whoever saw it begin sees it end
            self.tell(call_ended(call, progress, self._clock.monotonic() - began, error))
            raise
        self.tell(call_ended(call, progress, self._clock.monotonic() - began, None))
        return reply

    async def _run(self, call: Call[T], progress: Progress) -> Reply[T]:
        while True:
            try:
                reply = self._read(call, await self._attempt(call, progress), progress)
            except CallError as error:
                if isinstance(error, NotFoundError) and _already_deleted(call, progress):
                    empty = HttpResponse(status=error.status)
                    return self._reply(call.decode(empty), empty, progress)
                delay = await self._delay_before_next(call, progress, error)
                if delay is None:
                    error.operation, error.call_id = str(call.operation), progress.call_id
                    error.attempts, error.idempotency_key = progress.attempts, call.idempotency_key
                    raise
            else:
                self._budget.put_back(progress.spent)
                return reply
            if delay:
                await self._clock.sleep(delay)

    def _bind_to_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise ForkedClientError if os.getpid() != self._process else WrongEventLoopError
            self._loop, self._process = loop, os.getpid()

    async def _attempt(self, call: Call[T], progress: Progress) -> HttpResponse:
        """Admit, sign, send, learn. One coroutine for all of it: another level costs each call 1 % of plain aiohttp."""
        key = self._keys.current() or await self._fetched_key(call, progress)
        limiter = self._limiter
        if limiter is None:
            limiter = self._limiter = self._limiter_source(key)
        if self._admission.is_closed:
            raise ClientClosedError
        permit = None if progress.attempts else limiter.acquire_nowait(priority=call.options.priority)
        if permit is None:
            permit = await self._admit(limiter, call, progress)
            key = self._keys.current() or key  # it may have been replaced meanwhile
        left, allowed = progress.time_left, call.options.attempt_timeout
        by_deadline = left is not None and (allowed is None or left < allowed)
        progress.key, progress.sent_at = key, self._clock.monotonic()
        with permit:
            if progress.is_told:
                self.tell(attempt_started(call, progress))
            try:
                response = await self._transport.send(
                    self._signer.signed(call, key), timeout=left if by_deadline else allowed
                )
            except BaseException as error:  # a cancellation too: whoever saw it begin sees it end
                if isinstance(error, CallError) and error.outcome is Outcome.NOT_SENT:
                    permit.refund()
                if progress.is_told:
                    self.tell(attempt_failed(call, progress, error))
                if by_deadline and isinstance(error, AttemptTimeoutError):
                    raise _out_of_time(call, error) from None
                raise
            permit.observe(response.status, response.headers)
        if progress.is_told:
            self.tell(attempt_answered(call, progress, response))
        return response

    def _read(self, call: Call[T], response: HttpResponse, progress: Progress) -> Reply[T]:
        """Decode, or raise the answer's error."""
        error = error_for(response)
        if error is not None:
            if self._rejects_with_503 and error.status == 503 and error.retry_after is not None:
                error.outcome = Outcome.REJECTED
            raise error
        try:
            value = call.decode(response)
        except InvalidResponseError as fault:
            fault.request_id = request_id_of(response.headers)
            raise fault.with_traceback(None)  # noqa: B904 - the same one, without the frames that hold the record
        return self._reply(value, response, progress)

    def _reply(self, value: T, response: HttpResponse, progress: Progress) -> Reply[T]:
        return Reply(
            value=value,
            status=response.status,
            headers=response.headers,
            call_id=progress.call_id,
            failed_attempts=progress.attempts,
        )

    async def _fetched_key(self, call: Call[T], progress: Progress) -> ApiKey:
        if self._admission.is_closed:
            raise ClientClosedError
        try:
            async with asyncio.timeout(progress.time_left):
                return await self._keys.key()
        except TimeoutError:
            raise DeadlineExceededError("key", call.options.deadline or 0.0, outcome=Outcome.NOT_SENT) from None

    async def _admit(self, limiter: RateLimiter, call: Call[T], progress: Progress) -> Permit:
        options = call.options
        left = None if not options.queueing_counts else progress.time_left
        max_wait = options.max_wait
        tightest = left if max_wait is None or (left is not None and left < max_wait) else max_wait
        try:
            permit = await self._admission.permit(limiter, options, tightest, again=bool(progress.attempts))
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
            self.tell(QuotaWaited(operation=str(call.operation), call_id=progress.call_id, seconds=permit.waited))
        return permit

    async def _delay_before_next(self, call: Call[T], progress: Progress, error: CallError) -> float | None:
        """Seconds until the next attempt, or None: this error is the call's."""
        if error is progress.last_error:
            return None
        key_before = progress.key
        delay = await self._retrying.delay(call, progress, error)
        if delay is None or self._admission.is_closed:
            return None
        operation, call_id = str(call.operation), progress.call_id
        key = self._keys.current()
        if key is not None and key_before is not None and key != key_before:
            fallback = self._keys.uses_fallback
            self.tell(
                KeyRefreshed(operation=operation, call_id=call_id, fingerprint=key.fingerprint, fallback=fallback)
            )
        number = len(progress.attempts)
        self.tell(
            RetryScheduled(operation=operation, call_id=call_id, number=number, delay=delay, error=type(error).__name__)
        )
        return delay


def _out_of_time(call: Call[T], error: AttemptTimeoutError) -> DeadlineExceededError:
    """What an attempt's timeout means when it was the deadline that had shortened it."""
    return DeadlineExceededError(error.phase, call.options.deadline or 0.0, outcome=error.outcome)


def _already_deleted(call: Call[T], progress: Progress) -> bool:
    """A DELETE whose earlier attempt may have worked, and now nothing is there: it has worked."""
    return call.operation.method == "DELETE" and progress.may_have_applied
