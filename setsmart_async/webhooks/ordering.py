"""The order guard: events about one record run one after the other, and none after a newer one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias
from weakref import WeakValueDictionary

from setsmart_async.clock import Clock
from setsmart_async.errors import WebhookStoreError
from setsmart_async.webhooks.events import Position
from setsmart_async.webhooks.store import ReplayStore
from setsmart_async.webhooks.uninterrupted import finished, uninterrupted
from setsmart_async.webhooks.verifier import LOGGER

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""Something to do, not begun."""

_LOOKS: Final = 20
_PAUSE: Final = 0.05


class SubjectBusyError(Exception):
    """Another process is handling an event about the same record; this one is tried again."""


class Ordering:
    """Runs work about a record in turn, among all who share the store, and remembers how far the record has come."""

    def __init__(self, store: ReplayStore, clock: Clock, *, patience: float, lease: float, keep: float) -> None:
        """Times are in seconds; `patience` is how long one may wait for its turn."""
        self._store = store
        self._clock = clock
        self._patience = patience
        self._lease = lease
        self._keep = keep
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, position: Position, work: Work, finish: Work) -> bool:
        """`work`, then `finish`, unless the record has been further: then `finish` alone, and False.

        Once `work` has ended well, a cancellation waits for the rest. Raises `SubjectBusyError`, and what they
        raise. Events of the same position all run: which of them is newer, nobody knows.
        """
        subject = position.subject
        turn = self._turns.setdefault(subject, asyncio.Lock())
        try:
            async with asyncio.timeout(self._patience):
                await turn.acquire()
        except TimeoutError:
            raise SubjectBusyError("other events about the same record are before it") from None
        try:
            token = await self._turn_among_processes(subject)
            try:
                newest = await self._store.newest(subject)
                newer = newest is None or position.value >= newest
                if newer:
                    await work()
                await finished(self._settle(position if newer else None, finish))
                return newer
            finally:
                await finished(self._release(subject, token))
        finally:
            turn.release()

    async def _settle(self, position: Position | None, finish: Work) -> None:
        if position is not None:
            await self._store.advance(position.subject, position.value, now=self._clock.wall(), keep=self._keep)
        await finish()

    async def _turn_among_processes(self, subject: str) -> str:
        for look in range(_LOOKS):
            taking = self._store.claim(f"turn:{subject}", now=self._clock.wall(), lease=self._lease)
            claim, cancelled = await uninterrupted(taking)
            if cancelled:
                if claim.token is not None:
                    await uninterrupted(self._release(subject, claim.token))
                raise asyncio.CancelledError
            if claim.token is not None:
                return claim.token
            if look < _LOOKS - 1:
                await self._clock.sleep(_PAUSE)
        raise SubjectBusyError("another process is handling an event about the same record")

    async def _release(self, subject: str, token: str) -> None:
        try:
            await self._store.release(f"turn:{subject}", token)
        except WebhookStoreError as fault:
            LOGGER.warning("Webhook turn not given back, its lease will end: %s", fault)
