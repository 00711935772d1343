"""The transport for those who already run httpx: httpx2 by default, or a client of yours of either library."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from setsmart_async.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectError,
    ProtocolError,
    TLSError,
    TransportError,
)
from setsmart_async.transports.base import MAX_RESPONSE_BYTES, NOT_PASSED_ON, checked_proxy, verifying
from setsmart_async.transports.body import ACCEPT_ENCODING, announced_length, announces_more, decoded_body, too_large
from setsmart_async.transports.connections import system_tls
from setsmart_async.transports.under_way import Sending, UnderWay
from setsmart_async.wire import Headers, HttpRequest, HttpResponse

if TYPE_CHECKING:
    import httpx2

_CONNECT_TIMEOUT: Final = 10.0
_KEEPALIVE: Final = 10.0
_VERSIONS: Final = ("HTTP/1.1", "HTTP/1.0")
_MOST_FIELDS: Final = 1_000
_NOT_CONNECTED: Final = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol")
_MALFORMED: Final = ("ProtocolError", "RemoteProtocolError", "LocalProtocolError", "DecodingError", "InvalidURL")


class HttpxTransport:
    """Carries requests over httpx2. See `Transport` for what it promises, and ``docs/transports.md`` for what it can.

    Its connections are its own, unless a client is handed in. It costs six to ten times the processor time of
    `AiohttpTransport`.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        connect_timeout: float = _CONNECT_TIMEOUT,
        keepalive_timeout: float = _KEEPALIVE,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        """`client` is an ``httpx2.AsyncClient`` or an ``httpx.AsyncClient``, which stays yours to set up and to close.

        Its TLS, proxies, pool and event hooks are then yours too; redirects, its credentials, default headers and
        cookies are not used. Times in seconds; `proxy` is an ``http://`` or ``https://`` URL. Raises
        `ConfigurationError` for settings that can not work together, and for a context that does not verify.
        """
        if client is not None and (ssl_context is not None or proxy is not None):
            raise ConfigurationError("Set up ssl_context and proxy on the httpx client that you hand in.")
        self._ssl_context = verifying(ssl_context)
        self._proxy = checked_proxy(proxy)
        self._connect_timeout = connect_timeout
        self._keepalive_timeout = keepalive_timeout
        self._max_response_bytes = max_response_bytes
        self._under_way = UnderWay()
        self._opening = asyncio.Lock()
        self._given = client
        self._pooled: httpx2.AsyncClient | None = client
        self._fresh: httpx2.AsyncClient | None = client

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - see base
        """See `Transport.send`."""
        sending = self._under_way.begin(timeout)
        try:
            return await self._exchange(request, sending)
        except asyncio.CancelledError as cancelled:
            error = sending.error()
            if error is None:
                raise cancelled.with_traceback(None)  # noqa: B904 - it is the same one, only bare
        except ConfigurationError:
            raise
        except Exception as fault:  # noqa: BLE001 - a client handed in may be of either library, over any transport
            error = sending.error() or _translated(fault, sending, has_proxy=self._proxy is not None)
        finally:
            self._under_way.finish(sending)
        # Out here and bare, for httpx's exceptions and frames hold the request's headers.
        raise error.with_traceback(None)

    async def aclose(self) -> None:
        """See `Transport.aclose`. A client that was handed in stays open."""
        await self._under_way.close()
        for client in (self._pooled, self._fresh):
            if client is not None and client is not self._given:
                with suppress(RuntimeError):  # the loop that its connections belonged to has ended, and they with it
                    await client.aclose()
        await asyncio.sleep(0)

    async def _exchange(self, request: HttpRequest, sending: Sending) -> HttpResponse:
        client = self._fresh if request.fresh_connection else self._pooled
        if client is None:
            client = await self._open(fresh=request.fresh_connection)
        library: Any = import_module(_library_of(client))
        sending.has_left = True  # unless a connection has to be made first
        outgoing = library.Request(
            request.method,
            request.url,
            headers={**request.headers, "Accept-Encoding": ACCEPT_ENCODING},
            content=request.body,
            extensions={"timeout": {"connect": self._connect_timeout}, "trace": _watching(sending)},
        )
        if outgoing.url.raw_path.decode() != request.origin.path + request.target:
            raise ConfigurationError("httpx would ask for another path than the one that was meant.")
        response = await client.send(outgoing, stream=True, auth=None, follow_redirects=False)
        try:
            return await self._read(response, request.method, sending)
        except BaseException:  # a cancellation too: what carried a failed exchange must not carry another
            await _break(response)
            raise
        finally:
            await response.aclose()

    async def _read(self, response: httpx2.Response, method: str, sending: Sending) -> HttpResponse:
        status, limit = response.status_code, self._max_response_bytes
        sending.status = status
        headers = Headers.from_raw(response.headers.raw)
        if response.http_version not in _VERSIONS or len(headers) > _MOST_FIELDS:
            raise ProtocolError(
                "The server's answer is not the HTTP that this client accepts.", outcome=sending.outcome
            )
        length = announced_length(headers, method=method, status=status, limit=limit)
        chunks: list[bytes] = []
        size = 0
        async with aclosing(_raw(response)) as raw:
            async for chunk in raw:
                size += len(chunk)
                if size > limit:
                    raise too_large(limit, status)
                chunks.append(chunk)
        if length is not None and size != length and not announces_more(headers, status) and method != "HEAD":
            raise sending.lost()
        sending.is_read = True
        if _is_followed(response) or announces_more(headers, status):
            await _break(response)
        return HttpResponse(
            status=status,
            headers=headers,
            body=await decoded_body(b"".join(chunks), headers, status=status, limit=limit),
        )

    async def _open(self, *, fresh: bool) -> httpx2.AsyncClient:
        async with self._opening:
            client = self._fresh if fresh else self._pooled
            if client is None:
                if self._ssl_context is None:
                    self._ssl_context = await asyncio.to_thread(system_tls)
                client = await asyncio.to_thread(self._client, 0 if fresh else None)
                if fresh:
                    self._fresh = client
                else:
                    self._pooled = client
            return client

    def _client(self, kept_alive: int | None) -> httpx2.AsyncClient:
        try:
            import httpx2
        except ImportError:
            raise ConfigurationError(
                "HttpxTransport needs httpx2: pip install 'setsmart_async[httpx]', or hand in an httpx.AsyncClient."
            ) from None
        proxy: httpx2.Proxy | str | None = self._proxy
        if self._proxy is not None and self._proxy.startswith("https:"):  # a context of its own otherwise
            proxy = httpx2.Proxy(self._proxy, ssl_context=self._ssl_context)
        return httpx2.AsyncClient(
            verify=self._ssl_context or True,
            trust_env=False,
            proxy=proxy,
            follow_redirects=False,
            timeout=None,  # the deadline is ours, and so is the time to connect, on each request
            limits=httpx2.Limits(
                max_connections=None,
                max_keepalive_connections=kept_alive,
                keepalive_expiry=self._keepalive_timeout,
            ),
        )


def _library_of(client: httpx2.AsyncClient) -> str:
    """``httpx`` or ``httpx2``, for a client's requests must be made by its own library."""
    names = [kind.__module__.partition(".")[0] for kind in type(client).__mro__]
    return next((name for name in names if name in ("httpx", "httpx2")), "httpx2")


async def _raw(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    """The body as it comes over the wire, without giving the connection back at its end."""
    async with AsyncExitStack() as stack:
        chunks: Any = aiter(cast("httpx2.AsyncByteStream", response.stream))
        if hasattr(chunks, "aclose"):
            stack.push_async_callback(chunks.aclose)
        async for chunk in chunks:
            yield chunk


async def _break(response: httpx2.Response) -> None:
    """Let the answer's connection carry nothing more."""
    stream = response.extensions.get("network_stream")
    if stream is not None:
        await stream.aclose()


def _is_followed(response: httpx2.Response) -> bool:
    """Whether something that nobody asked for came right behind the answer: the next caller would take it for theirs.

    httpcore does not say so. Where its insides are no longer what they were, this tells nothing; a test would.
    """
    inner: Any = response.stream
    for name in ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state"):
        inner = getattr(inner, name, None)
    return bool(getattr(inner, "trailing_data", (b"",))[0])


def _watching(sending: Sending) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """Tells from httpcore's trace whether a byte of the request can have left."""

    async def trace(event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            sending.has_left, sending.is_reused = False, False
        elif event.endswith("send_request_headers.started"):
            sending.has_left = info["request"].method != b"CONNECT"  # which asks a proxy for a tunnel

    return trace


def _translated(fault: Exception, sending: Sending, *, has_proxy: bool) -> TransportError | ClientClosedError:
    """Our error for httpx's, told apart by their names, which both libraries share. Nothing of it is kept."""
    if isinstance(fault, TransportError):
        return fault
    kinds = {kind.__name__ for kind in type(fault).__mro__}
    if not sending.has_left or kinds.intersection(_NOT_CONNECTED):
        return _not_connected(fault, has_proxy=has_proxy or "ProxyError" in kinds)
    if sending.status is not None:
        return sending.lost()
    if "RemoteProtocolError" in kinds and "disconnected without" in str(fault):
        return sending.lost()
    if kinds.intersection(_MALFORMED):
        return ProtocolError("The server's answer is not the HTTP that this client accepts.")
    return sending.lost()


def _not_connected(fault: Exception, *, has_proxy: bool) -> TransportError:
    causes = _causes(fault)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return TLSError("The server's certificate is not trusted, has expired or is for another host.")
    if any(isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError) for cause in causes):
        return TLSError("The server does not speak TLS as this client does.")
    if has_proxy:
        return ConnectError(NOT_PASSED_ON)
    if type(fault).__name__ == "ConnectTimeout":
        return ConnectError("The server does not answer connection attempts. Check the base URL and the network.")
    return ConnectError("The server does not accept connections. Check the base URL and the network.")


def _causes(fault: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while fault is not None and fault not in found:
        found.append(fault)
        fault = fault.__cause__ or fault.__context__
    return found
