"""Verify, claim, handle, remember: each event takes effect once, and an older one never after a newer.

What is promised, and what is not: a handler that raises, is cancelled or dies with its process is called again when
the sender repeats the delivery; one that ended well is not. Between its end and the store's "done" a kill can fall:
a handler whose effect must not happen twice even then writes it so that a repetition changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import ConfigurationError, WebhookStoreError, WebhookVerificationError
from setsmart_async.records.webhook import WebhookEvent, WebhookEventType
from setsmart_async.webhooks.answer import ACCEPTED, TRY_AGAIN, Answer
from setsmart_async.webhooks.background import Background, BackgroundQueue, Claimed
from setsmart_async.webhooks.events import position_of, read_event
from setsmart_async.webhooks.ordering import Ordering, SubjectBusyError
from setsmart_async.webhooks.store import MemoryReplayStore, ReplayStore
from setsmart_async.webhooks.uninterrupted import finished, uninterrupted
from setsmart_async.webhooks.verifier import LOGGER, HeaderFields, VerifiedDelivery, WebhookVerifier

Handler: TypeAlias = Callable[[WebhookEvent], Awaitable[None]]
"""What is done about an event. Returning means that it took effect; raising, that it shall be tried again."""
HandOver: TypeAlias = Callable[[VerifiedDelivery, WebhookEvent], Awaitable[None]]
"""Puts a delivery where it survives this process, such as a table or a queue; then `WebhookReceiver.handle` may
be called by whoever takes it from there."""
H = TypeVar("H", bound=Handler)


class WebhookReceiver:
    """Takes deliveries: ``answer = await receiver.receive(body, headers)``; the adapters in `integrations` do that.

    Register one handler for each type of event with `on`, and one for all other types with ``on("*")``. By default
    the handler ends before the sender is answered; `background` answers first, and `hand_over` once the event is
    kept elsewhere. Belongs to one event loop; close it, or use it as a context manager.
    """

    def __init__(
        self,
        verifier: WebhookVerifier,
        *,
        store: ReplayStore | None = None,
        background: Background | None = None,
        hand_over: HandOver | None = None,
        handler_timeout: float = 20.0,
        lease: float = 60.0,
        keep: float = 7 * 86_400.0,
        clock: Clock | None = None,
    ) -> None:
        """Times are in seconds.

        `lease`: after how long a claim of a process that died can be taken again; `keep`: how long an event is known
        as handled, no less than the sender repeats it (3 days are usual).
        """
        if background is not None and hand_over is not None:
            raise ConfigurationError("Choose `background` or `hand_over`, not both.")
        if not 0 < handler_timeout < lease / 2:
            # Else a second process could begin while the first is still at it.
            raise ConfigurationError("A webhook receiver's `handler_timeout` is above 0 and below half its `lease`.")
        if keep < lease:
            raise ConfigurationError("A webhook receiver's `keep` is no less than its `lease`.")
        self._verifier = verifier
        self._store = store or MemoryReplayStore()
        self._clock = clock or SystemClock()
        self._hand_over = hand_over
        self._handler_timeout = handler_timeout
        self._lease = lease
        self._keep = keep
        self._handlers: dict[str, tuple[Handler, bool]] = {}
        self._ordering = Ordering(self._store, self._clock, patience=handler_timeout, lease=lease, keep=keep)
        self._queue: BackgroundQueue | None = None
        if background is not None:
            self._queue = BackgroundQueue(background, self._clock, self._run_claimed, self._renew, self._release)
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    def on(self, event_type: str, *, any_order: bool = False) -> Callable[[H], H]:
        """Register a handler: ``@receiver.on("reservation.created")``; ``"*"`` takes the types without one.

        A handler is not called for an event that is older than one already handled about the same record, unless
        `any_order`. Raises `ConfigurationError` for a second handler of one type: a failure of one would repeat
        the other's effect.
        """
        name = str(WebhookEventType(event_type))
        if name in self._handlers:
            raise ConfigurationError(f"There is a handler for {name!r} already: call both from one.")

        def register(handler: H) -> H:
            self._handlers[name] = (handler, any_order)
            return handler

        return register

    async def receive(self, body: bytes, headers: HeaderFields) -> Answer:
        """What to answer. `body` is the request's, as received; of `headers` pairs show the most.

        Raises nothing but `ConfigurationError`, for a body that is not bytes.
        """
        if self._closing:
            return TRY_AGAIN
        self._under_way += 1
        self._idle.clear()
        try:
            delivery = self._verifier.verify(body, headers)
            return await self._take(delivery, read_event(delivery))
        except WebhookVerificationError:
            return Answer(self._verifier.scheme.refusal)
        except WebhookStoreError as fault:
            LOGGER.warning("Webhook delivery not taken: %s", fault)
            return TRY_AGAIN
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def handle(self, event: WebhookEvent) -> None:
        """Call the event's handler, in its record's order: for events that were handed over.

        Raises what the handler raises, and `TimeoutError` when it took longer than `handler_timeout`.
        """
        await self._handle(event, _nothing)

    async def aclose(self, *, grace: float = 30.0) -> None:
        """Take nothing more, let what is under way end for up to `grace` seconds, and close the store.

        What has not ended by then is cancelled and given back. May be called twice.
        """
        self._closing = True
        try:
            async with asyncio.timeout(grace):
                await self._idle.wait()
                if self._queue is not None:
                    await self._queue.join()
        except TimeoutError:
            LOGGER.warning("Webhook handlers were still running after %g seconds", grace)
        finally:
            if self._queue is not None:
                await finished(self._queue.aclose())
            await finished(self._store.aclose())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _take(self, delivery: VerifiedDelivery, event: WebhookEvent) -> Answer:
        key = f"delivery:{delivery.id or event.id}"
        claim, cancelled = await uninterrupted(self._store.claim(key, now=self._clock.wall(), lease=self._lease))
        if claim.token is None:
            if cancelled:
                raise asyncio.CancelledError
            return ACCEPTED if claim.done else TRY_AGAIN
        claimed = Claimed(key, claim.token, event)
        if cancelled:
            await finished(self._release(claimed))
            raise asyncio.CancelledError
        if self._queue is not None:
            if self._queue.put(claimed):
                return ACCEPTED
            await finished(self._release(claimed))
            LOGGER.warning("Webhook event of type %s not taken: the queue is full", event.type)
            return TRY_AGAIN
        if await self._run_claimed(claimed, self._hand_over and self._hand_over(delivery, event)):
            return ACCEPTED
        await finished(self._release(claimed))
        return TRY_AGAIN

    async def _run_claimed(self, claimed: Claimed, hand_over: Awaitable[None] | None = None) -> bool:
        """Whether it took effect; the claim of what did not is kept, for another attempt or to be given back."""

        async def done() -> None:
            now = self._clock.wall()
            if not await self._store.done(claimed.key, claimed.token, now=now, keep=self._keep):
                LOGGER.warning("Webhook event of type %s: its lease ended first", claimed.event.type)

        try:
            if hand_over is None:
                await self._handle(claimed.event, done)
            else:
                async with asyncio.timeout(self._handler_timeout):
                    await hand_over
                await finished(done())
        except asyncio.CancelledError:
            await uninterrupted(self._release(claimed))
            raise
        except (SubjectBusyError, WebhookStoreError) as fault:
            LOGGER.warning("Webhook event of type %s put off: %s", claimed.event.type, fault)
            return False
        except Exception:  # noqa: BLE001 - whatever a handler raises: it is called again, and the sender hears nothing
            LOGGER.exception("The handler for webhook events of type %s failed", claimed.event.type)
            return False
        return True

    async def _handle(self, event: WebhookEvent, finish: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Call the handler, then `finish`: nothing comes between the two, a cancellation neither."""
        chosen = self._handlers.get(str(event.type)) or self._handlers.get("*")
        if chosen is None:
            LOGGER.info("Webhook event of type %s has no handler", event.type)
            await finished(finish())
            return
        handler, any_order = chosen

        async def work() -> None:
            async with asyncio.timeout(self._handler_timeout):
                await handler(event)

        position = None if any_order else position_of(event)
        if position is None:
            await work()
            await finished(finish())
        elif not await self._ordering.run(position, work, finish):
            LOGGER.info("Webhook event of type %s skipped: a newer one was handled before", event.type)

    async def _renew(self, claimed: Claimed) -> bool:
        return await self._store.renew(claimed.key, claimed.token, now=self._clock.wall(), lease=self._lease)

    async def _release(self, claimed: Claimed) -> None:
        try:
            await self._store.release(claimed.key, claimed.token)
        except WebhookStoreError as fault:
            LOGGER.warning("Webhook claim not given back, its lease will end: %s", fault)


async def _nothing() -> None:
    pass
