"""Webhooks in any ASGI application: Starlette's and FastAPI's ``app.mount("/webhooks", WebhookApp(receiver))``.

Below the framework's parsing, so that no middleware of an endpoint comes between the bytes and their signature.
Needs no library.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias, cast

from setsmart_async.webhooks import LARGEST_BODY, Answer, Intake, WebhookReceiver
from setsmart_async.webhooks.answer import BODY_SECONDS, TOO_SLOW

Message: TypeAlias = MutableMapping[str, Any]
"""As ASGI 3 defines it (https://asgi.readthedocs.io): what frameworks type their own by."""
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class WebhookApp:
    """An ASGI application that reads at most `largest` bytes, as sent, and gives them to the receiver.

    A body that takes longer than `body_seconds` is answered with 408. Close the receiver in the application's
    lifespan.
    """

    def __init__(
        self, receiver: WebhookReceiver, *, largest: int = LARGEST_BODY, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._receiver = receiver
        self._largest = largest
        self._body_seconds = body_seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request. Raises `ValueError` for a connection that is not HTTP."""
        if scope["type"] != "http":
            raise ValueError("WebhookApp serves HTTP alone: mount it inside an application.")
        raw = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
        intake = Intake(str(scope["method"]), headers, largest=self._largest)
        more = True
        try:
            async with asyncio.timeout(self._body_seconds):
                while more and intake.refusal is None:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    intake.add(message.get("body", b""))
                    more = bool(message.get("more_body", False))
        except TimeoutError:
            await _answer(TOO_SLOW, send)
            return
        await _answer(intake.refusal or await self._receiver.receive(intake.body, headers), send)


async def _answer(answer: Answer, send: Send) -> None:
    fields = {**answer.headers, "content-length": str(len(answer.body))}
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
