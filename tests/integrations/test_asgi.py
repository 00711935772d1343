"""A visitor who hangs up: what was asked on their behalf is cancelled, and nothing else is."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI, Request, Response

from setsmart_async.integrations.asgi import AsgiApp, CancelOnDisconnect, Message, Receive, Send

REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}
GONE: Message = {"type": "http.disconnect"}
BEGINNING: Message = {"type": "http.response.start", "status": 200, "headers": []}
END: Message = {"type": "http.response.body", "body": b"done"}


class Server:
    """The server's side of one request: what it tells the application, and what it is sent."""

    def __init__(self, *messages: Message) -> None:
        self.messages = asyncio.Queue[Message]()
        self.sent: list[Message] = []
        for message in messages:
            self.messages.put_nowait(message)

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.messages.put_nowait(GONE)  # as uvicorn and hypercorn do

    def ask(self, app: AsgiApp, method: str = "GET", **settings: tuple[str, ...]) -> asyncio.Task[None]:
        scope: Message = {"type": "http", "method": method, "headers": []}

        async def run() -> None:
            await CancelOnDisconnect(app, **settings)(scope, self.messages.get, self.send)

        return asyncio.create_task(run())


class Work:
    """An application that waits for ever, and says how it ended."""

    def __init__(self, begin: Callable[[Receive], Awaitable[object]] | None = None) -> None:
        self.begun = asyncio.Event()
        self.was_cancelled = False
        self._begin = begin

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if self._begin is not None:
            await self._begin(receive)
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def read_all(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


@pytest.mark.parametrize("begin", [None, read_all], ids=["the body unread", "the body read"])
def test_the_work_is_cancelled_when_the_visitor_has_gone(begin: Callable[[Receive], Awaitable[object]] | None) -> None:
    async def main() -> None:
        server, work = Server(REQUEST), Work(begin)
        asking = server.ask(work)
        await work.begun.wait()
        server.messages.put_nowait(GONE)
        await asking  # which is not cancelled itself: the server has nothing to be told
        assert work.was_cancelled
        assert asking.cancelling() == 0
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_a_write_is_not_cancelled_unless_asked_for() -> None:
    async def main() -> None:
        server, work = Server(REQUEST), Work()
        asking = server.ask(work, "POST")
        await work.begun.wait()
        server.messages.put_nowait(GONE)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not asking.done()
        asking.cancel()
        server, work = Server(REQUEST), Work()
        asking = server.ask(work, "POST", methods=("POST",))
        await work.begun.wait()
        server.messages.put_nowait(GONE)
        await asking
        assert work.was_cancelled

    asyncio.run(main())


def test_work_behind_the_answer_is_not_cancelled() -> None:
    async def main() -> None:
        done = list[str]()

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            await send(BEGINNING)
            await send({**END, "more_body": False})
            for _ in range(5):
                await asyncio.sleep(0)
            done.append("background task")

        server = Server(REQUEST)
        await server.ask(app)
        assert done == ["background task"]
        assert server.sent == [BEGINNING, {**END, "more_body": False}]

    asyncio.run(main())


def test_the_body_comes_through_in_order_and_the_disconnect_behind_it() -> None:
    async def main() -> None:
        seen, body_read = list[Message](), asyncio.Event()

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            try:
                while True:
                    seen.append(await receive())
                    if not seen[-1].get("more_body"):
                        body_read.set()
            except asyncio.CancelledError:
                seen.extend([await receive(), await receive()])
                raise

        parts = [{"type": "http.request", "body": bytes([65 + n]), "more_body": n < 4} for n in range(5)]
        server = Server(*parts)
        asking = server.ask(app)
        await body_read.wait()
        server.messages.put_nowait(GONE)
        await asking
        assert seen == [*parts, GONE, GONE]

    asyncio.run(main())


def test_the_servers_own_cancellation_goes_on() -> None:
    async def main() -> None:
        server, work = Server(REQUEST), Work()
        asking = server.ask(work)
        await work.begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert work.was_cancelled

    asyncio.run(main())


def test_both_at_once_is_the_servers() -> None:
    async def main() -> None:
        server, work = Server(REQUEST), Work()
        asking = server.ask(work)
        await work.begun.wait()
        server.messages.put_nowait(GONE)
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(main())


def test_work_that_will_not_be_cancelled_ends_as_it_likes() -> None:
    async def main() -> None:
        begun = asyncio.Event()

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await send(BEGINNING)

        server = Server(REQUEST)
        asking = server.ask(app)
        await begun.wait()
        server.messages.put_nowait(GONE)
        await asking
        assert server.sent == [BEGINNING]
        assert asking.cancelling() == 0

    asyncio.run(main())


def test_work_that_fails_says_so_and_leaves_nobody_watching() -> None:
    async def main() -> None:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            raise LookupError

        with pytest.raises(LookupError):
            await Server(REQUEST).ask(app)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_what_receiving_raises_is_raised_to_the_application() -> None:
    async def main() -> None:
        async def broken() -> Message:
            raise ConnectionResetError

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            with pytest.raises(ConnectionResetError):
                await receive()
            await send(BEGINNING)

        server = Server()
        await CancelOnDisconnect(app)({"type": "http", "method": "GET"}, broken, server.send)
        assert server.sent == [BEGINNING]

    asyncio.run(main())


def test_it_reaches_an_endpoint_through_the_frameworks_own_middleware() -> None:
    async def main() -> None:
        work = Work()
        app = FastAPI()

        @app.middleware("http")
        async def inner(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
            return await call_next(request)

        @app.get("/")
        async def endpoint(request: Request) -> None:
            await work(request.scope, request.receive, Server().send)

        app.add_middleware(CancelOnDisconnect)
        server = Server(REQUEST)
        scope: Message = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
        asking = asyncio.ensure_future(app(scope, server.messages.get, server.send))
        await work.begun.wait()
        server.messages.put_nowait(GONE)
        await asking
        assert work.was_cancelled
        assert server.sent == []
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_what_is_not_http_passes_untouched() -> None:
    async def main() -> None:
        server, seen = Server(), list[object]()

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            seen.extend([scope["type"], receive, send])

        receive, send = server.messages.get, server.send
        await CancelOnDisconnect(app)({"type": "lifespan"}, receive, send)
        assert seen == ["lifespan", receive, send]

    asyncio.run(main())
