"""The loop that makes a call: admit, sign, send, learn, decode, decide. The only place that retries."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
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
    AttemptEnded,
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

    async def run(self, call: Call[T]) -> Reply[T]:
        """Make the call, again where the rules allow it.

        Raises the last attempt's `CallError`, with the attempts on it; `DeadlineExceededError` when time ran out.
        """
        self._bind_to_loop()
        deadline = call.options.deadline
        deadline_at = None if deadline is None else self._clock.monotonic() + deadline
        progress = Progress(next(self._call_ids), deadline_at, self._clock)
        while True:
            try:
                reply = await self._attempt(call, progress)
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

    async def _attempt(self, call: Call[T], progress: Progress) -> Reply[T]:
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
        response = await self._send(call, progress, permit, key)
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

    async def _send(self, call: Call[T], progress: Progress, permit: Permit, key: ApiKey) -> HttpResponse:
        left, allowed = progress.time_left, call.options.attempt_timeout
        by_deadline = left is not None and (allowed is None or left < allowed)
        is_told = self._observer is not None or LOGGER.isEnabledFor(AttemptEnded.level)
        progress.key, progress.sent_at = key, self._clock.monotonic()
        with permit:
            if is_told:
                self._tell_of_start(call, progress)
            try:
                response = await self._transport.send(
                    self._signer.signed(call, key), timeout=left if by_deadline else allowed
                )
            except CallError as error:
                if error.outcome is Outcome.NOT_SENT:
                    permit.refund()
                if is_told:
                    self._tell_of_end(call, progress, error=error)
                if by_deadline and isinstance(error, AttemptTimeoutError) and call.options.deadline is not None:
                    raise DeadlineExceededError(error.phase, call.options.deadline, outcome=error.outcome) from None
                raise
            permit.observe(response.status, response.headers)
        if is_told:
            self._tell_of_end(call, progress, response=response)
        return response

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

    def _tell_of_start(self, call: Call[T], progress: Progress) -> None:
        number = len(progress.attempts) + 1
        self.tell(AttemptStarted(operation=str(call.operation), call_id=progress.call_id, number=number))

    def _tell_of_end(
        self, call: Call[T], progress: Progress, *, response: HttpResponse | None = None, error: CallError | None = None
    ) -> None:
        event = AttemptEnded(
            operation=str(call.operation),
            call_id=progress.call_id,
            number=len(progress.attempts) + 1,
            seconds=self._clock.monotonic() - progress.sent_at,
            status=None if response is None else response.status,
            error=None if error is None else type(error).__name__,
            outcome=None if error is None else error.outcome,
            request_id=None if response is None else request_id_of(response.headers),
        )
        self.tell(event)


def _already_deleted(call: Call[T], progress: Progress) -> bool:
    """A DELETE whose earlier attempt may have worked, and now nothing is there: it has worked."""
    return call.operation.method == "DELETE" and progress.may_have_applied
