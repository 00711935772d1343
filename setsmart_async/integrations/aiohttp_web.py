"""Webhooks in an aiohttp application: ``app.router.add_post("/webhooks", webhook_handler(receiver))``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from setsmart_async.webhooks import LARGEST_BODY, Answer, Intake, WebhookReceiver
from setsmart_async.webhooks.answer import BODY_SECONDS, TOO_SLOW


def webhook_handler(
    receiver: WebhookReceiver, *, largest: int = LARGEST_BODY, body_seconds: float = BODY_SECONDS
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


def _response(answer: Answer) -> web.StreamResponse:
    response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    if "connection" in answer.headers:
        response.force_close()
    return response
