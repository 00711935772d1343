"""The way into the waiting room, which closes with the client."""

from __future__ import annotations

import asyncio

from setsmart_async.config import CallOptions
from setsmart_async.errors import ClientClosedError
from setsmart_async.limits.limiter import Permit, RateLimiter


class Admission:
    """Gets permits from a limiter, which may be shared with other clients, for the calls of one client."""

    def __init__(self) -> None:
        self._closed = False
        self._queued: set[asyncio.Task[object]] = set()
        self._turned_away: set[asyncio.Task[object]] = set()

    @property
    def is_closed(self) -> bool:
        """Whether nobody is let in any more."""
        return self._closed

    def close(self) -> None:
        """Let nobody in any more, and turn away those that wait."""
        self._closed = True
        for task in self._queued:
            self._turned_away.add(task)
            task.cancel()

    async def permit(
        self, limiter: RateLimiter, options: CallOptions, max_wait: float | None, *, again: bool
    ) -> Permit:
        """Wait for a permit. A wait that `close` has ended raises `ClientClosedError`, not a cancellation."""
        if self._closed:
            raise ClientClosedError
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines of asyncio run in tasks
        self._queued.add(task)
        try:
            permit = await limiter.acquire(priority=options.priority, max_wait=max_wait, again=again)
        except asyncio.CancelledError:
            if task in self._turned_away and task.uncancel() == 0:
                raise ClientClosedError from None
            raise
        finally:
            self._queued.discard(task)
            self._turned_away.discard(task)
        if self.is_closed:
            permit.refund()
            raise ClientClosedError
        return permit
