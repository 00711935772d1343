"""The sandbox over HTTP, on loopback: the same handler behind a socket."""

from __future__ import annotations

import asyncio
import errno
import ssl
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from setsmart_async.errors import AttemptTimeoutError, ConfigurationError, TransportError
from setsmart_async.sandbox.answers import RefusedError, error_answer
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.console import OPENAPI_PATH, STATS_PATH, TRIGGER_PATH, Console
from setsmart_async.sandbox.sender import WebhookSender
from setsmart_async.wire import HttpRequest, HttpResponse, Origin

__all__ = ["BASE_PATH", "LARGEST_BODY", "OPENAPI_PATH", "STATS_PATH", "TRIGGER_PATH", "SandboxServer"]

BASE_PATH: Final = "/v1"
"""Where the API begins, as at the documented production URL."""
LARGEST_BODY: Final = 1024 * 1024
"""The largest body of a request, in bytes; beyond it the answer is 413."""

_SHUTDOWN_SECONDS: Final = 1.0
_LONGEST_SILENCE: Final = 300.0
_SILENCE_STEP: Final = 0.05


class SandboxServer:
    """Serves a `SandboxApi` on a loopback address: ``async with SandboxServer(api) as server: server.url``.

    Keeps no access log. Beside the API there is the live page, at the root; see `sandbox.console`.
    """

    def __init__(
        self,
        api: SandboxApi,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        ssl_context: ssl.SSLContext | None = None,
        sender: WebhookSender | None = None,
    ) -> None:
        """`port` 0 takes a free one; `latency` is in seconds, half before and half after each request is handled.

        With an `ssl_context`, which holds the server's certificate, it serves https. A `sender` makes `TRIGGER_PATH`
        work; it is started and closed elsewhere.

        Raises `ConfigurationError` for a host that is not this machine alone.
        """
        if not Origin("http", host, port).is_loopback:
            raise ConfigurationError(
                f"The sandbox serves this machine only: {host!r} is no loopback address; use 127.0.0.1 or ::1."
            )
        if not 0 <= port <= 65_535:
            raise ConfigurationError("The sandbox's port must be from 0 (any free one) to 65535.")
        if not 0 <= latency < 3600:
            raise ConfigurationError("The sandbox's latency must be from 0 to 3600 seconds.")
        self._api = api
        # The name can mean two addresses, on which port 0 would be two different ports.
        self._host = "127.0.0.1" if host == "localhost" else host
        self._port = port
        self._latency = latency
        self._ssl_context = ssl_context
        self._console = Console(api, sender)
        self._runner: web.AppRunner | None = None
        self._origin: Origin | None = None

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:8080/v1``. Raises `ConfigurationError` before `start`."""
        return str(self._running_at())

    @property
    def page_url(self) -> str:
        """Where the live page is. Raises `ConfigurationError` before `start`."""
        origin = self._running_at()
        return f"{Origin(origin.scheme, origin.host, origin.port)}/"

    @property
    def stats_url(self) -> str:
        """Where the counters are. Raises `ConfigurationError` before `start`."""
        origin = self._running_at()
        return f"{Origin(origin.scheme, origin.host, origin.port)}{STATS_PATH}"

    async def start(self) -> None:
        """Listen. Raises `ConfigurationError` when that is not possible: the port is taken, or not allowed."""
        if self._runner is not None:
            raise ConfigurationError("This sandbox server is running already.")
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._handle)
        app.on_response_prepare.append(_without_date)
        # A compressed body is no JSON to this API, and can not swell to more than LARGEST_BODY either.
        runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port, ssl_context=self._ssl_context).start()
        except OSError as fault:
            await runner.cleanup()
            raise _cannot_listen(fault, self._host, self._port) from None
        self._runner = runner
        scheme = "http" if self._ssl_context is None else "https"
        self._origin = Origin(scheme, self._host, runner.addresses[0][1], BASE_PATH)

    async def aclose(self) -> None:
        """Stop listening and close every connection. May be called twice."""
        runner, self._runner, self._origin = self._runner, None, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _running_at(self) -> Origin:
        if self._origin is None:
            raise ConfigurationError("The sandbox server is not running: use it with `async with`, or call start().")
        return self._origin

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        target = request.raw_path
        if not target.startswith(f"{BASE_PATH}/"):
            return _sent(await self._beside_the_api(request, target))
        try:
            body = await request.read() if request.body_exists else None
        except (ConnectionError, web.RequestPayloadError):
            return _cut_off(request)
        except web.HTTPRequestEntityTooLarge:
            text = f"A request's body may have {LARGEST_BODY} bytes."
            return _sent(error_answer(RefusedError(413, "payload_too_large", text), "req_unread"))
        if self._latency:
            await asyncio.sleep(self._latency / 2)
        question = HttpRequest(
            method=request.method,
            origin=self._running_at(),
            target=target.removeprefix(BASE_PATH),
            headers=request.headers,
            body=body,
        )
        try:
            answer = self._api.handle(question, client_address=request.remote or "")
        except AttemptTimeoutError:  # a planned silence, until the client has had enough
            await _silence(request)
            return _cut_off(request)
        except TransportError:  # an intercept plays a broken network
            return _cut_off(request)
        if self._latency:
            await asyncio.sleep(self._latency / 2)
        return _sent(answer)

    async def _beside_the_api(self, request: web.Request, target: str) -> HttpResponse:
        is_json = request.content_type == "application/json"
        return self._console.answer(request.method, target, await request.read(), is_json=is_json, url=self.url)


async def _silence(request: web.Request) -> None:
    for _ in range(round(_LONGEST_SILENCE / _SILENCE_STEP)):
        if request.transport is None or request.transport.is_closing():
            return
        await asyncio.sleep(_SILENCE_STEP)


def _cut_off(request: web.Request) -> web.StreamResponse:
    """Break the connection; what this returns is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


class _Undated(web.Response):
    """Keeps aiohttp from dating it."""


def _sent(answer: HttpResponse) -> web.Response:
    kind = web.Response if "date" in answer.headers else _Undated
    return kind(status=answer.status, headers=answer.headers.pairs(), body=answer.body)


async def _without_date(_: web.Request, response: web.StreamResponse) -> None:
    if isinstance(response, _Undated):
        del response.headers["Date"]


def _cannot_listen(fault: OSError, host: str, port: int) -> ConfigurationError:
    if fault.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} on {host} is taken: stop what listens there, or choose another port (0 takes a free one)."
        )
    return ConfigurationError(f"The sandbox can not listen on port {port} of {host} ({fault.strerror}).")
