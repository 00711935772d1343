"""Webhooks in an aiohttp application: ``app.router.add_post("/webhooks", webhook_handler(receiver))``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web

from setsmart_async.errors import ConfigurationError
from setsmart_async.webhooks import LARGEST_BODY, Answer, HeaderFields, Intake
from setsmart_async.webhooks.answer import BODY_SECONDS, TOO_SLOW


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
