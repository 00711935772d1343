"""How a request goes out through aiohttp: past its session, whose kindnesses an API's client must not have.

What `ClientSession.request` does above aiohttp's own request, connector and response (redirects, cookies, ``.netrc``,
proxies, sending again) is all switched off here, and costs a third of plain aiohttp all the same: 85 µs of processor
time for a small GET through it, 56 µs without (`benchmarks/overhead.py`). But only the session's interface is
promised. So the direct way is for the releases of aiohttp that it is tested with; any other one goes the session's,
and so does a proxy. The transport contract holds both to the same promises.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from setsmart_async.transports.body import ACCEPT_ENCODING
from setsmart_async.wire import HttpRequest, Origin

if TYPE_CHECKING:
    import aiohttp
    import yarl
    from multidict import CIMultiDict

DIRECT_WITH: Final = ("3.14.",)
"""The releases of aiohttp whose request, connector and response are known."""
_LARGE_BODY: Final = 256 * 1024
_WITHOUT_TYPE: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})  # to these aiohttp adds no Content-Type


class Outgoing:
    """Sends requests with one connector. What it raises is aiohttp's, or what the connector raises."""

    def __init__(
        self,
        connector: aiohttp.BaseConnector,
        *,
        proxy: str | None,
        connect_timeout: float,
    ) -> None:
        """`connect_timeout` is in seconds. Must be called in the event loop that is to be used."""
        import aiohttp

        self._library = aiohttp
        self._loop = asyncio.get_running_loop()
        self._connector = connector
        self._proxy = proxy
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_timeout, ceil_threshold=float("inf"))
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            raise_for_status=False,
        )
        self.is_direct: bool = proxy is None and aiohttp.__version__.startswith(DIRECT_WITH)
        """Whether requests go past the session."""
        self._base: tuple[Origin, yarl.URL] | None = None
        self._fields: tuple[Mapping[str, str], CIMultiDict[str]] | None = None

    async def send(self, request: HttpRequest, ssl_context: ssl.SSLContext | None) -> aiohttp.ClientResponse:
        """Send it; the answer's header has come, its body not yet."""
        if not self.is_direct:
            return await self._send_by_session(request, ssl_context)
        fields = self._fields_of(request)
        outgoing = self._library.ClientRequest(
            request.method,
            self._url(request),
            headers=fields,
            skip_auto_headers=_not_to_add(request.method, fields),
            data=None if request.body is None else _in_pieces(request.body),
            loop=self._loop,
            response_class=self._library.ClientResponse,
            session=self._session,
            ssl=ssl_context or True,
        )
        try:
            connection = await self._connector.connect(outgoing, [], self._timeout)
        except TimeoutError:
            raise self._library.ConnectionTimeoutError from None
        protocol, response = connection.protocol, None
        try:
            assert protocol is not None  # noqa: S101 - it was lent a moment ago
            protocol.set_response_params(
                skip_payload=request.method == "HEAD", read_until_eof=True, auto_decompress=False
            )
            response = await outgoing.send(connection)
            return await response.start(connection)
        except BaseException:  # a cancellation too: the connection must go back to nobody
            if response is not None:
                response.close()
            connection.close()
            raise

    async def _send_by_session(
        self, request: HttpRequest, ssl_context: ssl.SSLContext | None
    ) -> aiohttp.ClientResponse:
        fields = self._fields_of(request)
        return await self._session.request(
            request.method,
            self._url(request),
            headers=fields,
            skip_auto_headers=_not_to_add(request.method, fields),
            data=None if request.body is None else _in_pieces(request.body),
            allow_redirects=False,
            ssl=ssl_context or True,
            proxy=self._proxy,
        )

    async def close(self) -> None:
        """Let go of every connection."""
        await self._session.close()

    def _url(self, request: HttpRequest) -> yarl.URL:
        """The request's URL exactly as it was written; what URLs without a query share is parsed once."""
        if "?" in request.target:
            return _parsed(request.url)
        base = self._base
        if base is None or base[0] is not request.origin:
            base = self._base = request.origin, _parsed(str(request.origin))
        return base[1].with_path(base[0].path + request.target, encoded=True)

    def _fields_of(self, request: HttpRequest) -> CIMultiDict[str]:
        """The request's header as aiohttp has it: made once for a mapping that can not change, as the engine's are."""
        given, known = request.headers, self._fields
        if known is not None and known[0] is given:
            return known[1]
        from multidict import CIMultiDict

        fields = CIMultiDict(given)
        fields.setdefault("Accept-Encoding", ACCEPT_ENCODING)
        if type(given) is MappingProxyType:
            self._fields = given, fields
        return fields


def _parsed(url: str) -> yarl.URL:
    from yarl import URL

    return URL(url, encoded=True)


def _not_to_add(method: str, fields: Mapping[str, str]) -> tuple[str, ...] | None:
    """Fields that aiohttp must not add by itself; None where it would not, for being told so takes it 4 µs."""
    is_complete = "User-Agent" in fields and (method in _WITHOUT_TYPE or "Content-Type" in fields)
    return None if is_complete else ("User-Agent", "Content-Type")


def _in_pieces(body: bytes) -> bytes | BytesIO:
    """The body, such that aiohttp does not hold up the loop with writing it."""
    return BytesIO(body) if len(body) > _LARGE_BODY else body
