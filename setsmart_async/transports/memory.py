"""No network: requests go straight to a handler, such as the sandbox's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from setsmart_async.transports.base import MAX_RESPONSE_BYTES
from setsmart_async.transports.body import decoded_body
from setsmart_async.transports.under_way import UnderWay
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
        self._under_way = UnderWay()

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - see base
        """See `Transport.send`."""
        sending = self._under_way.begin(timeout)
        sending.has_left = True  # as on a network, nobody can tell where it is until there is an answer
        try:
            if self._latency:
                await asyncio.sleep(self._latency)
            answer = self._handler(request)
            sending.status = answer.status
            body = await decoded_body(answer.body, answer.headers, status=answer.status, limit=self._max_response_bytes)
        except asyncio.CancelledError:
            error = sending.error()
            if error is None:
                raise
        else:
            return answer if body is answer.body else replace(answer, body=body)
        finally:
            self._under_way.finish(sending)
        raise error

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._under_way.close()
