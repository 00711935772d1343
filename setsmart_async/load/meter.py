"""Where a call's time goes: seen from beneath the client, at its transport, and from its events."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

import attrs

from setsmart_async.clock import Clock
from setsmart_async.observer import Event, QuotaWaited
from setsmart_async.policy.quota import read_quota
from setsmart_async.transports.base import Transport
from setsmart_async.wire import HttpRequest, HttpResponse


@attrs.define
class CallTimes:
    """What one call has met so far. Times in seconds."""

    waited: float = 0.0
    """For quota, or for a free slot."""
    server: float = 0.0
    """Between sending and the answer's last byte, all attempts together: server, network and connecting."""
    statuses: list[int] = attrs.field(factory=list[int])
    """The HTTP status of each attempt that was answered."""


_UNDER_WAY: Final[ContextVar[CallTimes | None]] = ContextVar("_UNDER_WAY", default=None)


def begin_call() -> CallTimes:
    """From here on, this task's requests belong to a new call."""
    times = CallTimes()
    _UNDER_WAY.set(times)
    return times


class Meter:
    """A transport, and the observer beside it, that note times and limits."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        """The transport stays its owner's to close."""
        self._transport = transport
        self._clock = clock
        self.requests: int = 0
        """How many were sent, those that failed too."""
        self.answered_at: float = clock.monotonic()
        """When the latest of them ended."""
        self.limits: list[tuple[float, int]] = []
        """What ``X-RateLimit-Limit`` said: from which moment of the clock on, how many; noted when it changes."""

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - see Transport
        """See `Transport.send`."""
        times, began = _UNDER_WAY.get(), self._clock.monotonic()
        self.requests += 1
        try:
            response = await self._transport.send(request, timeout=timeout)
        finally:
            self.answered_at = ended = self._clock.monotonic()
            if times is not None:
                times.server += ended - began
        if times is not None:
            times.statuses.append(response.status)
        limit = read_quota(response.status, response.headers).limit
        if limit is not None and (not self.limits or self.limits[-1][1] != limit):
            self.limits.append((ended, limit))
        return response

    async def aclose(self) -> None:
        """Closes nothing: the transport is its owner's."""

    def observe(self, event: Event) -> None:
        """The client's observer."""
        times = _UNDER_WAY.get()
        if times is not None and isinstance(event, QuotaWaited):
            times.waited += event.seconds
