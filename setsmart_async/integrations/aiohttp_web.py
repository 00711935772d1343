"""For aiohttp applications: one client for all requests, answers to its errors, and webhooks.

.. code-block:: python

    app = web.Application(middlewares=[answer_errors])
    app.cleanup_ctx.append(client_context())
    app.router.add_post("/webhooks", webhook_handler(receiver))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from aiohttp import web

from setsmart_async.client import SetSmart
from setsmart_async.errors import ConfigurationError, SetSmartError
from setsmart_async.integrations.responses import answer
from setsmart_async.webhooks import LARGEST_BODY, Answer, HeaderFields, Intake
from setsmart_async.webhooks.answer import BODY_SECONDS, TOO_SLOW

SETSMART: Final = web.AppKey("SETSMART", SetSmart)
"""Where the application keeps its client: ``app[SETSMART]``. Put one of your own there to close it yourself."""


def client_context(
    open_client: Callable[[], SetSmart] = SetSmart,
) -> Callable[[web.Application], AsyncIterator[None]]:
    """One client for the application: ``app.cleanup_ctx.append(client_context())``.

    It is there before the first request, and closed when those under way have ended or `shutdown_timeout` is over.
    `open_client` makes it, as `SetSmart` does; a function, for an application may run more than once, as in tests.
    """

    async def context(app: web.Application) -> AsyncIterator[None]:
        async with open_client() as client:
            app[SETSMART] = client
            yield

    return context


def client_of(request: web.Request) -> SetSmart:
    """The client of this application, or of one that it was added to with ``add_subapp``.

    Raises `ConfigurationError` when there is none.
    """
    client: SetSmart | None = request.config_dict.get(SETSMART)
    if client is None:
        raise ConfigurationError("This application has no client: app.cleanup_ctx.append(client_context()).")
    return client


@web.middleware
async def answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Middleware that answers the errors of this library, see `integrations.responses`; all others pass.

    An error after the beginning of a streamed answer passes too: the connection ends then, and nobody takes what was
    sent for the whole.
    """
    try:
        return await handler(request)
    except (SetSmartError, ExceptionGroup) as error:
        problem = answer(error) if request.writer.output_size == 0 else None
        if problem is None:
            raise
        return web.Response(status=problem.status, body=problem.body, headers=problem.headers)


class TakesDeliveries(Protocol):
    """What a `WebhookReceiver` does."""

    async def receive(self, body: bytes, headers: HeaderFields, /) -> Answer:
        """What to answer."""
        ...


def webhook_handler(
    receiver: TakesDeliveries, *, largest: int = LARGEST_BODY, body_seconds: float = BODY_SECONDS
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler that reads at most `largest` bytes, as sent, and gives them to the receiver.

    A body that takes longer than `body_seconds` is answered with 408. Close the receiver in ``app.on_cleanup``.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        intake = Intake(request.method, request.headers.items(), largest=largest)
        try:
            async with asyncio.timeout(body_seconds):
                while intake.refusal is None and (chunk := await request.content.readany()):
                    intake.add(chunk)
        except TimeoutError:
            return _response(TOO_SLOW)
        if intake.refusal is not None:
            return _response(intake.refusal)
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
        return _response(await receiver.receive(intake.body, pairs))

    return handle


@asynccontextmanager
async def serving(receiver: TakesDeliveries, *, port: int) -> AsyncGenerator[str, None]:
    """Serve deliveries at any path of this machine alone, port 0 takes a free one; gives the URL.

    Raises `ConfigurationError` when the port is taken.
    """
    app = web.Application()
    app.router.add_route("*", r"/{path:[\s\S]*}", webhook_handler(receiver))
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as fault:
            raise ConfigurationError(f"Nothing can listen on port {port} of 127.0.0.1 ({fault.strerror}).") from None
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def _response(answer: Answer) -> web.StreamResponse:
    response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    if "connection" in answer.headers:
        response.force_close()
    return response
