"""One limiter for all clients of one API key in one event loop, without their being told of each other."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs

from setsmart_async.clock import Clock
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.wire import Origin

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
