"""The transport for production: aiohttp, with every kindness off that a client of an API must not have."""

from __future__ import annotations

import asyncio
import ssl
from importlib import import_module
from typing import TYPE_CHECKING, Final

from setsmart_async.errors import (
    ClientClosedError,
    ConnectError,
    ProtocolError,
    TLSError,
    TransportError,
)
from setsmart_async.transports.aiohttp_requests import Outgoing
from setsmart_async.transports.base import (
    MAX_RESPONSE_BYTES,
    NOT_PASSED_ON,
    checked_proxy,
    verifying,
)
from setsmart_async.transports.body import (
    announced_length,
    announces_more,
    decoded_body,
    is_encoded,
    too_large,
)
from setsmart_async.transports.connections import Lending, system_tls
from setsmart_async.transports.under_way import Sending, UnderWay
from setsmart_async.wire import Headers, HttpRequest, HttpResponse

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

_CONNECT_TIMEOUT: Final = 10.0
_KEEPALIVE: Final = 10.0


class AiohttpTransport:
    """Carries requests over aiohttp. See `Transport` for what it promises.

    Writes that must not be repeated (`HttpRequest.fresh_connection`) get a connection of their own, for a pooled
    one may have been closed by the server a moment ago.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        connect_timeout: float = _CONNECT_TIMEOUT,
        keepalive_timeout: float = _KEEPALIVE,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        """Times in seconds. `ssl_context` replaces the system's trust store and TLS settings.

        `proxy` is an ``http://`` or ``https://`` URL; the environment's proxies are never used. Raises
        `ConfigurationError` for a context that does not verify the server, and for a URL that is none.
        """
        self._ssl_context = verifying(ssl_context)
        self._proxy = checked_proxy(proxy)
        self._connect_timeout = connect_timeout
        self._keepalive_timeout = keepalive_timeout
        self._max_response_bytes = max_response_bytes
        self._under_way = UnderWay()
        self._opening = asyncio.Lock()
        self._pooled: Outgoing | None = None
        self._fresh: Outgoing | None = None

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - see base
        """See `Transport.send`."""
        sending = self._under_way.begin(timeout)
        try:
            return await self._exchange(request, sending)
        except asyncio.CancelledError as cancelled:
            error = sending.error()
            if error is None:
                raise cancelled.with_traceback(None)  # noqa: B904 - it is the same one, only bare
        except _faults() as fault:
            error = sending.error() or _translated(fault, sending, has_proxy=self._proxy is not None)
        finally:
            self._under_way.finish(sending)
        # Out here and bare, for aiohttp's exceptions and frames hold the request's headers.
        raise error.with_traceback(None)

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._under_way.close()
        for outgoing in (self._pooled, self._fresh):
            if outgoing is not None:
                await outgoing.close()
        await asyncio.sleep(0)  # connections that were cut need one turn of the loop to go

    async def _exchange(self, request: HttpRequest, sending: Sending) -> HttpResponse:
        outgoing = self._fresh if request.fresh_connection else self._pooled
        if outgoing is None or (self._ssl_context is None and request.origin.scheme == "https"):
            outgoing = await self._open(request)
        response: aiohttp.ClientResponse | None = None
        try:
            response = await outgoing.send(request, self._ssl_context)
            return await self._read(response, request.method, sending)
        except BaseException:  # a cancellation too: what carried a failed exchange must not carry another
            if response is not None:
                response.close()
            if sending.connection is not None:
                sending.connection.cut()
            raise

    async def _read(self, response: aiohttp.ClientResponse, method: str, sending: Sending) -> HttpResponse:
        status, limit = response.status, self._max_response_bytes
        sending.status = status
        headers = Headers.from_raw(response.raw_headers)
        length = announced_length(headers, method=method, status=status, limit=limit)
        raw = await (self._read_bounded(response) if length is None else response.read())
        sending.is_read = True
        if sending.connection is not None:
            sending.connection.settle(may_go_on=not announces_more(headers, status))
        body = await decoded_body(raw, headers, status=status, limit=limit) if is_encoded(headers) else raw
        return HttpResponse(status=status, headers=headers, body=body)

    async def _read_bounded(self, response: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._max_response_bytes:
                raise too_large(self._max_response_bytes, response.status)
            chunks.append(chunk)
        await response.wait_for_close()  # until what is left of the request is given up
        return b"".join(chunks)

    async def _open(self, request: HttpRequest) -> Outgoing:
        async with self._opening:
            if self._pooled is None and self._fresh is None:
                await asyncio.to_thread(_load_aiohttp)
            if self._ssl_context is None and request.origin.scheme == "https":
                self._ssl_context = await asyncio.to_thread(system_tls)
            outgoing = self._fresh if request.fresh_connection else self._pooled
            if outgoing is None:
                outgoing = self._outgoing(force_close=request.fresh_connection)
                if request.fresh_connection:
                    self._fresh = outgoing
                else:
                    self._pooled = outgoing
            return outgoing

    def _outgoing(self, *, force_close: bool) -> Outgoing:
        connector = _watched_connector(
            self._under_way,
            force_close=force_close,
            keepalive_timeout=None if force_close else self._keepalive_timeout,
        )
        return Outgoing(connector, proxy=self._proxy, connect_timeout=self._connect_timeout)


def _load_aiohttp() -> None:
    """Import it, which takes tenths of a second: too long for a shared event loop."""
    import_module("aiohttp")


def _watched_connector(
    under_way: UnderWay, *, force_close: bool, keepalive_timeout: float | None
) -> aiohttp.TCPConnector:
    """A connector that tells each request under way what carries it, and lends nothing that has spoken unasked."""
    import aiohttp

    lending = Lending(under_way.connection_lost)

    class WatchedConnector(aiohttp.TCPConnector):
        async def connect(
            self,
            req: aiohttp.ClientRequest,
            traces: list[Trace],
            timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
        ) -> Connection:
            sending = under_way.current()
            if sending.connection is not None:
                raise sending.lost()  # aiohttp's session would send idempotent requests a second time, by itself
            while True:
                connection = await super().connect(req, traces, timeout)
                protocol, transport = connection.protocol, connection.transport
                if protocol is None or transport is None:
                    return connection  # gone already: aiohttp notices before it writes
                loan = lending.lend(protocol, transport)
                if loan is not None:
                    sending.carried_by(loan)
                    connection.add_callback(loan.take_back)
                    return connection
                connection.close()

    return WatchedConnector(limit=0, force_close=force_close, keepalive_timeout=keepalive_timeout)


def _faults() -> tuple[type[Exception], ...]:
    """What comes out of aiohttp, and of this file. A function, for aiohttp is imported late."""
    import aiohttp
    from aiohttp.http import HttpProcessingError

    return TransportError, aiohttp.ClientError, HttpProcessingError, OSError


def _translated(fault: Exception, sending: Sending, *, has_proxy: bool) -> TransportError | ClientClosedError:
    """Our error for aiohttp's. Nothing of the original is kept."""
    import aiohttp

    if isinstance(fault, TransportError):
        return fault
    if isinstance(fault, aiohttp.ClientConnectorError) or not sending.has_left:
        return _not_connected(fault, has_proxy=has_proxy)
    if sending.status is not None or isinstance(fault, OSError | aiohttp.ClientConnectionError):
        return sending.lost()
    return ProtocolError("The server's answer is not the HTTP that this client accepts.")


def _not_connected(fault: Exception, *, has_proxy: bool) -> TransportError:
    import aiohttp

    match fault:
        case aiohttp.ClientConnectorCertificateError():
            return TLSError("The server's certificate is not trusted, has expired or is for another host.")
        case aiohttp.ClientConnectorSSLError():
            return TLSError("The server does not speak TLS as this client does.")
        case _ if has_proxy:
            return ConnectError(NOT_PASSED_ON)
        case aiohttp.ClientConnectorDNSError():
            return ConnectError("The server's name does not resolve. Check the base URL and the network.")
        case aiohttp.ConnectionTimeoutError():
            return ConnectError("The server does not answer connection attempts. Check the base URL and the network.")
        case _:
            return ConnectError("The server does not accept connections. Check the base URL and the network.")
