"""No network: requests go straight to a handler, such as the sandbox's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from setsmart_async.errors import AttemptTimeoutError, ClientClosedError, WrongEventLoopError
from setsmart_async.transports.base import MAX_RESPONSE_BYTES
from setsmart_async.transports.body import decoded_body
from setsmart_async.wire import HttpRequest, HttpResponse


class MemoryTransport:
    """A transport whose server is a function from request to answer.

    `latency` is in seconds; the handler runs when it has passed, as a server would see the request. What the
    handler raises comes out unchanged: a handler that raises a `TransportError` plays a broken network.
    """

    def __init__(
        self,
        handler: Callable[[HttpRequest], HttpResponse],
        *,
        latency: float = 0.0,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        self._handler = handler
        self._latency = latency
        self._max_response_bytes = max_response_bytes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed: asyncio.Event | None = None
        self._is_closed = False

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - see base
        """See `Transport.send`."""
        if self._is_closed:
            raise ClientClosedError
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise WrongEventLoopError
            self._loop = loop
        if self._latency:
            await self._travel(timeout)
        answer = self._handler(request)
        body = decoded_body(answer.body, answer.headers, status=answer.status, limit=self._max_response_bytes)
        return answer if body is answer.body else HttpResponse(status=answer.status, headers=answer.headers, body=body)

    async def _travel(self, timeout: float | None) -> None:  # noqa: ASYNC109 - see base
        if self._closed is None:
            self._closed = asyncio.Event()
        latency = self._latency if timeout is None else min(self._latency, timeout)
        try:
            async with asyncio.timeout(latency):
                await self._closed.wait()
        except TimeoutError:
            if latency < self._latency:
                raise AttemptTimeoutError(f"No answer within {timeout:g} s.") from None
            return
        raise ClientClosedError

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        self._is_closed = True
        if self._closed is not None:
            self._closed.set()
