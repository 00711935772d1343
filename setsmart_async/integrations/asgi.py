"""For any ASGI application, without a library: webhooks, and an end to work that nobody waits for.

``app.mount("/webhooks", WebhookApp(receiver))`` in Starlette and FastAPI: below the framework's parsing, so that no
middleware of an endpoint comes between the bytes and their signature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any, TypeAlias, cast

from setsmart_async.webhooks import LARGEST_BODY, Answer, Intake, WebhookReceiver
from setsmart_async.webhooks.answer import BODY_SECONDS, TOO_SLOW

Message: TypeAlias = MutableMapping[str, Any]
"""As ASGI 3 defines it (https://asgi.readthedocs.io): what frameworks type their own by."""
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


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


class CancelOnDisconnect:
    """Middleware that cancels a request whose visitor has hung up: ``app.add_middleware(CancelOnDisconnect)``.

    ASGI servers let the application work on. Cancelled, its calls give back their place in the queue and their
    connection, and the quota goes to those who still wait. By default only for the `methods` that change nothing (RFC
    9110, 9.2.1): a write that has begun is better ended than left in doubt. Add it last, for then it is outermost, and
    no other middleware stands between it and the server.
    """

    def __init__(self, app: AsgiApp, *, methods: Collection[str] = ("GET", "HEAD")) -> None:
        self._app = app
        self._methods = frozenset(methods)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection; what is not HTTP passes untouched."""
        if scope["type"] == "http" and scope["method"] in self._methods:
            await _Visit(receive, send).watch(self._app, scope)
        else:
            await self._app(scope, receive, send)


class _Visit:
    """One request, and whether somebody waits for its answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._messages = asyncio.Queue[Message | Exception](maxsize=1)  # more is read when this was taken
        self._is_over = False
        self._is_answered = False
        self._is_cancelled = False

    async def watch(self, app: AsgiApp, scope: Message) -> None:
        task = cast("asyncio.Task[object]", asyncio.current_task())
        before = task.cancelling()
        watching = asyncio.create_task(self._watch(task))
        try:
            await app(scope, self._next_message, self._send_on)
        except asyncio.CancelledError:
            # As in asyncio.timeout: this class's own cancellation ends here, anybody else's goes on.
            if not self._is_cancelled or task.uncancel() > before:
                raise
        else:
            if self._is_cancelled:
                task.uncancel()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, task: asyncio.Task[object]) -> None:
        message: Message | Exception
        while True:
            try:
                message = await self._receive()
            except Exception as fault:  # noqa: BLE001 - whatever it raises is raised to the application, which asked
                message = fault
            if not isinstance(message, Exception) and message["type"] != "http.disconnect":
                await self._messages.put(message)
                continue
            self._is_over = True
            if not self._messages.full():  # else the application finds out behind the message that it has not taken
                self._messages.put_nowait(message)
            if not isinstance(message, Exception) and not self._is_answered:
                self._is_cancelled = task.cancel()
            return

    async def _next_message(self) -> Message:
        if self._is_over and self._messages.empty():
            return {"type": "http.disconnect"}
        message = await self._messages.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def _send_on(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._is_answered = True  # servers call the end of an answer a disconnect too, and work may follow it
        await self._send(message)


async def _answer(answer: Answer, send: Send) -> None:
    fields = {**answer.headers, "content-length": str(len(answer.body))}
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
