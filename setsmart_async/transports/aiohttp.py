"""The transport for production: aiohttp, with every kindness off that a client of an API must not have."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from setsmart_async.errors import (
    AttemptTimeoutError,
    BodyTruncatedError,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    Outcome,
    ProtocolError,
    TLSError,
    TransportError,
    WrongEventLoopError,
)
from setsmart_async.transports.base import MAX_RESPONSE_BYTES
from setsmart_async.transports.body import ACCEPT_ENCODING, decoded_body, outcome_of_lost_body, too_large
from setsmart_async.wire import Headers, HttpRequest, HttpResponse

if TYPE_CHECKING:
    import aiohttp

_CONNECT_TIMEOUT: Final = 10.0
_KEEPALIVE: Final = 10.0
_BODILESS: Final = frozenset({204, 205, 304})


class AiohttpTransport:
    """Carries requests over aiohttp. See `Transport` for what it promises.

    Writes that must not be repeated (`HttpRequest.fresh_connection`) get a connection of their own, for a pooled
    one may have been closed by the server a moment ago.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        connect_timeout: float = _CONNECT_TIMEOUT,
        keepalive_timeout: float = _KEEPALIVE,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        """Times in seconds. `ssl_context` replaces the system's trust store and TLS settings."""
        self._ssl_context = ssl_context
        self._connect_timeout = connect_timeout
        self._keepalive_timeout = keepalive_timeout
        self._max_response_bytes = max_response_bytes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Lock | None = None
        self._pooled: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None
        self._timeouts: dict[float | None, aiohttp.ClientTimeout] = {}
        self._closed = False

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - see base
        """See `Transport.send`."""
        import aiohttp

        session = await self._session(request)
        from yarl import URL

        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),
                headers={"Accept-Encoding": ACCEPT_ENCODING, **request.headers},
                data=request.body,
                allow_redirects=False,
                timeout=self._timeout(timeout),
            ) as response:
                return await self._read(response)
        except aiohttp.ClientError as fault:
            raise self._translated(fault) from None
        except TimeoutError:
            raise AttemptTimeoutError(f"No complete answer within {timeout:g} s.") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                # aiohttp ends requests that wait for a closed session as cancelled, which nobody asked for.
                raise ClientClosedError(outcome=Outcome.UNKNOWN) from None
            raise

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        self._closed = True
        sessions, self._pooled, self._fresh = (self._pooled, self._fresh), None, None
        for session in sessions:
            if session is not None:
                await session.close()
        if any(sessions):
            await asyncio.sleep(0)  # closed TLS connections need one turn of the loop to go

    async def _read(self, response: aiohttp.ClientResponse) -> HttpResponse:
        import aiohttp

        status, limit = response.status, self._max_response_bytes
        headers = Headers(
            (name.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for name, value in response.raw_headers
        )
        length = headers.get("content-length")
        if length is None and headers.get("transfer-encoding", "").lower() != "chunked" and status not in _BODILESS:
            response.close()
            raise ProtocolError(
                "The answer has neither a length nor chunks, so that its end can not be told from a broken connection.",
                outcome=outcome_of_lost_body(status),
            )
        try:
            if length is not None and int(length) <= limit:
                raw = await response.read()
            else:
                raw = await self._read_bounded(response)
        except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError) as fault:
            if isinstance(fault, TimeoutError):
                raise
            raise self._closed_or(
                BodyTruncatedError("The answer's body ends early.", outcome=outcome_of_lost_body(status))
            ) from None
        return HttpResponse(status=status, headers=headers, body=decoded_body(raw, headers, status=status, limit=limit))

    async def _read_bounded(self, response: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._max_response_bytes:
                response.close()
                raise too_large(self._max_response_bytes, response.status)
            chunks.append(chunk)
        return b"".join(chunks)

    async def _session(self, request: HttpRequest) -> aiohttp.ClientSession:
        if self._closed:
            raise ClientClosedError
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise WrongEventLoopError
            self._loop, self._opening = loop, asyncio.Lock()
        session = self._fresh if request.fresh_connection else self._pooled
        return session or await self._open(request)

    async def _open(self, request: HttpRequest) -> aiohttp.ClientSession:
        import aiohttp

        assert self._opening is not None  # noqa: S101 - set together with the loop
        async with self._opening:
            if self._ssl_context is None and request.origin.scheme == "https":
                # Reading the trust store takes tens of milliseconds: too long for a shared event loop.
                self._ssl_context = await asyncio.to_thread(ssl.create_default_context)
            if self._closed:
                raise ClientClosedError
            session = self._fresh if request.fresh_connection else self._pooled
            if session is not None:
                return session
            connector = aiohttp.TCPConnector(
                limit=0,  # the limiter grants quota and concurrency together; a second queue would hide here
                force_close=request.fresh_connection,
                ssl=self._ssl_context or True,
                keepalive_timeout=None if request.fresh_connection else self._keepalive_timeout,
            )
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                raise_for_status=False,
                skip_auto_headers=("User-Agent", "Content-Type"),
                middlewares=(self._send_once,),
            )
            if request.fresh_connection:
                self._fresh = session
            else:
                self._pooled = session
            return session

    async def _send_once(
        self,
        request: aiohttp.ClientRequest,
        handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
    ) -> aiohttp.ClientResponse:
        """Keep aiohttp from sending idempotent requests a second time by itself: it resends on these errors."""
        import aiohttp

        try:
            return await handler(request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as fault:
            raise self._translated(fault) from None

    def _timeout(self, seconds: float | None) -> aiohttp.ClientTimeout:
        import aiohttp

        timeout = self._timeouts.get(seconds)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(total=seconds, connect=self._connect_timeout, ceil_threshold=float("inf"))
            if len(self._timeouts) < 8:
                self._timeouts[seconds] = timeout
        return timeout

    def _translated(self, fault: aiohttp.ClientError) -> TransportError | ClientClosedError:
        """Our error for aiohttp's. Nothing of the original is kept: it holds the request's headers."""
        import aiohttp

        match fault:
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ServerFingerprintMismatch():
                return TLSError("The server's certificate is not trusted, has expired or is for another host.")
            case aiohttp.ClientConnectorSSLError():
                return TLSError("The server does not speak TLS as this client does.")
            case aiohttp.ClientConnectorDNSError():
                return ConnectError("The server's name does not resolve. Check the base URL and the network.")
            case aiohttp.ConnectionTimeoutError():
                return ConnectError(f"No connection within {self._connect_timeout:g} s.")
            case aiohttp.ClientConnectorError():
                return ConnectError("The server does not accept connections. Check the base URL and the network.")
            case aiohttp.ServerTimeoutError():
                return AttemptTimeoutError("The server has gone quiet.")
            case aiohttp.ClientConnectionError():
                return self._closed_or(ConnectionLostError("The connection broke before an answer came."))
            case _:
                return ProtocolError("The server's answer is not the HTTP that this client accepts.")

    def _closed_or(self, error: TransportError) -> TransportError | ClientClosedError:
        return ClientClosedError(outcome=error.outcome) if self._closed else error
