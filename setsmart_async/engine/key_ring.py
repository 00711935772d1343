"""The API key in use: fetched from its provider, replaced when it is refused, without a failed call in between."""

from __future__ import annotations

import asyncio
import inspect
from math import inf
from typing import Final

from setsmart_async.clock import Clock
from setsmart_async.errors import ApiKeyUnavailableError, ClientClosedError
from setsmart_async.keys import ApiKey, KeyProvider
from setsmart_async.observer import LOGGER

_MAX_AGE: Final = 60.0


class KeyRing:
    """The keys of one client, in one event loop.

    A key that is known is used at once, and a newer one fetched beside the calls when it is a minute old. Only a 401
    makes a call wait for its provider, which is asked for all waiting calls together.
    """

    def __init__(
        self,
        *,
        first: ApiKey | None,
        provider: KeyProvider | None,
        fallback: ApiKey | None,
        clock: Clock,
    ) -> None:
        self._key = first
        self._provider = provider
        self._own = first
        self._fallback = fallback
        self._clock = clock
        self._fetching: asyncio.Task[None] | None = None
        self._asked_at = -inf
        self._stale_at = inf if provider is None or first is None else clock.monotonic() + _MAX_AGE
        self._problem = ""

    def current(self) -> ApiKey | None:
        """The key to use now; None: there is none before `key` has been awaited."""
        if self._fetching is None and self._stale_at < inf and self._clock.monotonic() >= self._stale_at:
            self._start_fetching()
        return self._key

    async def key(self) -> ApiKey:
        """The key to use now. Raises `ApiKeyUnavailableError` when the provider has none."""
        key = self.current()
        if key is None:
            await self._fetch()
            key = self._key
        if key is None:
            raise ApiKeyUnavailableError(f"The key provider {self._problem}. Check it, or pass the API key itself.")
        return key

    async def replaced(self, refused: ApiKey, *, sent: float) -> bool:
        """A request sent at `sent` (monotonic seconds) with this key met a 401: whether there is another key by now.

        The fallback is taken when the provider, or the key that was passed in, is what was refused; and the other way
        round when the fallback is refused in turn.
        """
        if self._key is not None and self._key != refused:
            return True
        if self._provider is not None and self._asked_at <= sent:
            await self._fetch()
        other = self._fallback if self._own == refused or self._own is None else self._own
        if other is None or other == refused:
            return False
        self._key = other
        return True

    @property
    def uses_fallback(self) -> bool:
        """Whether the key in use is the fallback."""
        return self._key is not None and self._key == self._fallback and self._key != self._own

    async def aclose(self) -> None:
        """Ask the provider nothing more."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    async def _fetch(self) -> None:
        fetching, task = self._fetching or self._start_fetching(), asyncio.current_task()
        try:
            await asyncio.shield(fetching)  # whoever gives up takes it from nobody else
        except asyncio.CancelledError:
            if fetching.cancelled() and task is not None and not task.cancelling():
                raise ClientClosedError from None
            raise

    def _start_fetching(self) -> asyncio.Task[None]:
        self._fetching = asyncio.get_running_loop().create_task(self._ask(), name="setsmart_async key provider")
        return self._fetching

    async def _ask(self) -> None:
        """Ask the provider once. What goes wrong is told to those who have no other key."""
        provider = self._provider
        self._problem = "was never asked"
        try:
            given = provider() if provider is not None else None
            if inspect.isawaitable(given):
                given = await given
            if given is not None:
                self._own = self._key = given if isinstance(given, ApiKey) else ApiKey(given, source="the key provider")
        except Exception as fault:  # noqa: BLE001 - a user's provider may raise anything
            self._problem = f"raised {type(fault).__name__}"
            LOGGER.warning("key provider raised %s", type(fault).__name__)
        finally:
            self._asked_at = self._clock.monotonic()
            self._stale_at = self._asked_at + _MAX_AGE
            self._fetching = None
