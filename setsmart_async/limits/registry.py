"""The limiter of a client that was given none: one for all clients of an API key in one event loop, or Redis's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from setsmart_async.clock import Clock
from setsmart_async.config import REDIS_URL_VARIABLE
from setsmart_async.errors import ConfigurationError
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.observer import Observer
from setsmart_async.wire import Origin

if TYPE_CHECKING:
    from setsmart_async.limits.shared import SharedLimiter

_IDLE: Final = 600.0


@attrs.define
class _Entry:
    limiter: LocalLimiter
    lent_at: float


_entries: dict[tuple[asyncio.AbstractEventLoop, Origin, str], _Entry] = {}


def shared_limiter(origin: Origin, key_fingerprint: str, *, max_concurrency: int, clock: Clock) -> LocalLimiter:
    """The running loop's limiter for this origin and key; made when there is none.

    The largest `max_concurrency` that any client asks for holds for all of them. Limiters of closed loops are
    dropped, and so are those that have been idle and not asked for in 600 s.
    """
    loop, now = asyncio.get_running_loop(), clock.monotonic()
    for place, known in list(_entries.items()):
        if place[0].is_closed() or (now - known.lent_at > _IDLE and known.limiter.idle):
            del _entries[place]
    entry = _entries.get((loop, origin, key_fingerprint))
    if entry is None:
        entry = _Entry(LocalLimiter(max_concurrency=max_concurrency, clock=clock), now)
        _entries[loop, origin, key_fingerprint] = entry
    entry.limiter.widen(max_concurrency)
    entry.lent_at = now
    return entry.limiter


@attrs.define
class _Lent:
    limiter: SharedLimiter
    borrowers: int = 0


_lent: dict[tuple[asyncio.AbstractEventLoop, str, Origin, str], _Lent] = {}


def redis_url_from(environment: Mapping[str, str]) -> str:
    """The URL in ``SETSMART_REDIS_URL``; empty: none is set.

    Raises `ConfigurationError` for a URL that is no Redis's, and where the extra ``redis`` is missing.
    """
    url = environment.get(REDIS_URL_VARIABLE, "")
    if url:
        try:
            from setsmart_async.limits.redis import RedisCoordinator
        except ImportError as missing:
            raise ConfigurationError(f"{REDIS_URL_VARIABLE} is set: {missing}") from None
        RedisCoordinator(url)
    return url


def borrow_redis_limiter(
    url: str, origin: Origin, key_fingerprint: str, *, max_concurrency: int, observer: Observer | None
) -> SharedLimiter:
    """The running loop's `RedisLimiter` for this Redis, origin and key; made, with this observer, when there is none.

    Whoever borrows it must `give_back`: the last one closes it.
    """
    from setsmart_async.limits.redis import RedisLimiter

    loop = asyncio.get_running_loop()
    for place in [place for place in _lent if place[0].is_closed()]:
        del _lent[place]
    lent = _lent.get((loop, url, origin, key_fingerprint))
    if lent is None:
        limiter = RedisLimiter(url, max_concurrency=max_concurrency, observer=observer)
        limiter.bind(origin, key_fingerprint)
        lent = _lent[loop, url, origin, key_fingerprint] = _Lent(limiter)
    lent.limiter.widen(max_concurrency)
    lent.borrowers += 1
    return lent.limiter


async def give_back(limiter: SharedLimiter) -> None:
    """A borrower needs it no more."""
    for place, lent in _lent.items():
        if lent.limiter is limiter:
            lent.borrowers -= 1
            if not lent.borrowers:
                del _lent[place]
                await limiter.aclose()
            return
