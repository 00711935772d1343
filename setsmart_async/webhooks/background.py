"""Answer first, handle after: a bounded queue in memory, and the tasks that empty it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import attrs

from setsmart_async.clock import Clock
from setsmart_async.records.webhook import WebhookEvent
from setsmart_async.webhooks.uninterrupted import uninterrupted
from setsmart_async.webhooks.verifier import LOGGER

_PAUSE: Final = 1.0


@attrs.frozen(kw_only=True)
class Background:
    """Answer as soon as there is room in the queue.

    A process that is killed loses what it held, for the sender has been told that it arrived. Where that matters,
    handle before answering (the default), or hand over.
    """

    capacity: int = attrs.field(default=1000, validator=attrs.validators.ge(1))
    """Events that may wait; with more, the answer is 503."""
    workers: int = attrs.field(default=4, validator=attrs.validators.ge(1))
    """Handlers that run at once."""
    attempts: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    """How often a handler is called that raises, a second and more apart: the sender will not send it again."""


@attrs.frozen
class Claimed:
    """An event, and the claim under which it is handled."""

    key: str
    """In the replay store."""
    token: str
    """Of the claim."""
    event: WebhookEvent
    """What the handler gets."""


class BackgroundQueue:
    """The queue and its workers, in one event loop. `handle` answers whether it went well."""

    def __init__(
        self,
        settings: Background,
        clock: Clock,
        handle: Callable[[Claimed], Awaitable[bool]],
        renew: Callable[[Claimed], Awaitable[bool]],
        release: Callable[[Claimed], Coroutine[Any, Any, None]],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._handle = handle
        self._renew = renew
        self._release = release
        self._queue = asyncio.Queue[Claimed](settings.capacity)
        self._workers: list[asyncio.Task[None]] = []

    def put(self, claimed: Claimed) -> bool:
        """Whether there was room for it."""
        try:
            self._queue.put_nowait(claimed)
        except asyncio.QueueFull:
            return False
        while len(self._workers) < self._settings.workers:
            self._workers.append(asyncio.create_task(self._work()))
        return True

    async def join(self) -> None:
        """Wait until all of it is handled."""
        await self._queue.join()

    async def aclose(self) -> None:
        """Stop the workers, and give back the claims of what still waits."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()
        while not self._queue.empty():
            await self._abandon(self._queue.get_nowait())

    async def _work(self) -> None:
        while True:
            claimed = await self._queue.get()
            try:
                await self._attempt(claimed)
            except asyncio.CancelledError:
                await uninterrupted(self._release(claimed))
                raise
            except Exception:  # noqa: BLE001 - a worker that ended would leave the queue to fill up
                LOGGER.exception("Webhook event of type %s was not handled", claimed.event.type)
            finally:
                self._queue.task_done()

    async def _attempt(self, claimed: Claimed) -> None:
        for number in range(1, self._settings.attempts + 1):
            # Its lease may have ended while it waited, and another process may have taken it.
            if not await self._renew(claimed):
                return
            if await self._handle(claimed):
                return
            if number < self._settings.attempts:
                await self._clock.sleep(_PAUSE * 2 ** (number - 1))
        LOGGER.error("Webhook event of type %s given up after %d attempts", claimed.event.type, self._settings.attempts)
        await self._release(claimed)

    async def _abandon(self, claimed: Claimed) -> None:
        LOGGER.warning("Webhook event of type %s was still waiting at the close", claimed.event.type)
        await self._release(claimed)
