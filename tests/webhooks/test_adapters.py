"""R-54 and R-55: inside the real frameworks, over real sockets: raw bytes in, and never too many of them."""

import asyncio
import contextlib
import gzip
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from aiohttp import web
from fastapi import FastAPI, Request, Response
from litestar import Litestar, asgi
from starlette.applications import Starlette
from starlette.routing import Mount
from webhooks.made import SetClock, delivery, event_body, receiver

from setsmart_async import WebhookEvent
from setsmart_async.integrations.aiohttp_web import webhook_handler
from setsmart_async.integrations.asgi import WebhookApp
from setsmart_async.webhooks import LARGEST_BODY, WebhookReceiver

Serve = Callable[..., contextlib.AbstractAsyncContextManager[int]]
KIND = {"content-type": "application/json"}


@contextlib.asynccontextmanager
async def in_aiohttp(webhooks: WebhookReceiver, **settings: Any) -> AsyncIterator[int]:
    app = web.Application(client_max_size=1024)  # which does not bind a handler that streams
    app.router.add_route("*", "/webhooks/", webhook_handler(webhooks, **settings))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def under_uvicorn(app: Any) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        with contextlib.ExitStack() as stack:
            stack.enter_context(pytest.MonkeyPatch.context()).setattr(server, "capture_signals", contextlib.nullcontext)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            try:
                yield int(listening.getsockname()[1])
            finally:
                server.should_exit = True
                await serving


def in_starlette(webhooks: WebhookReceiver, **settings: Any) -> contextlib.AbstractAsyncContextManager[int]:
    return under_uvicorn(Starlette(routes=[Mount("/webhooks", WebhookApp(webhooks, **settings))]))


def in_fastapi(webhooks: WebhookReceiver, **settings: Any) -> contextlib.AbstractAsyncContextManager[int]:
    app = FastAPI()

    @app.middleware("http")
    async def untouched(request: Request, call_next: Any) -> Response:
        answer: Response = await call_next(request)
        return answer

    app.mount("/webhooks", WebhookApp(webhooks, **settings))
    return under_uvicorn(app)


def in_litestar(webhooks: WebhookReceiver, **settings: Any) -> contextlib.AbstractAsyncContextManager[int]:
    mounted = asgi("/webhooks", is_mount=True, copy_scope=True)(WebhookApp(webhooks, **settings).__call__)
    return under_uvicorn(Litestar(route_handlers=[mounted], openapi_config=None))


@pytest.fixture(params=[in_aiohttp, in_starlette, in_fastapi, in_litestar])
def serve(request: pytest.FixtureRequest) -> Serve:
    made: Serve = request.param
    return made


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(head[9:12]), await reader.readexactly(length)


async def ask(
    port: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    method: str = "POST",
    length: str | None = "",
) -> tuple[int, bytes]:
    """One request of exactly these bytes; `length` None leaves it out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = {"host": "localhost", **KIND, **(headers or {})}
    if length is not None:
        fields["content-length"] = length or str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"{method} /webhooks/ HTTP/1.1\r\n{lines}\r\n".encode() + body)
    try:
        return await answer_of(reader)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def collecting(**settings: Any) -> tuple[WebhookReceiver, list[str]]:
    webhooks, seen = receiver(**settings), list[str]()

    @webhooks.on("*")
    async def handle(event: WebhookEvent) -> None:
        await asyncio.sleep(0)
        seen.append(event.id)

    return webhooks, seen


def test_r55_the_raw_body_reaches_the_verifier(serve: Serve) -> None:
    """Odd spacing, key order and escapes, which any parsing and writing again would lose."""

    async def main() -> None:
        webhooks, seen = collecting()
        body = b'{ "type":"reservation.updated",\r\n\t"id" : "evt_\\u0031", "data":{"b":1.50,"a":1e2}}\n'
        async with serve(webhooks) as port:
            assert await ask(port, *delivery(body)) == (200, b'{"status":"accepted"}')
            assert await ask(port, *delivery(body)) == (200, b'{"status":"accepted"}')
            assert await ask(port, body) == (400, b'{"status":"refused"}')
            form = b"payload=%7B%7D"
            headers = delivery(form)[1] | {"content-type": "application/x-www-form-urlencoded"}
            assert (await ask(port, form, headers))[0] == 400
        assert seen == ["evt_1"]

    asyncio.run(main())


def test_r53_a_hundred_copies_over_sockets(serve: Serve) -> None:
    async def main() -> None:
        webhooks, seen = collecting()
        async with serve(webhooks) as port:
            answers = await asyncio.gather(*(ask(port, *delivery(event_body())) for _ in range(100)))
        assert {status for status, _ in answers} <= {200, 503}
        assert 200 in {status for status, _ in answers}
        assert seen == ["evt_1"]

    asyncio.run(main())


def test_r49_every_refusal_is_the_same(serve: Serve) -> None:
    async def main() -> None:
        webhooks, seen = collecting()
        body, headers = delivery(event_body())
        forged = [
            {},
            headers | {"webhook-signature": "v1,x"},
            headers | {"webhook-timestamp": "1"},
            headers | {"webhook-id": "a.b"},
            headers | {"Webhook-ID": "msg_1"},
        ]
        async with serve(webhooks) as port:
            assert {await ask(port, body, sent) for sent in forged} == {(400, b'{"status":"refused"}')}
            assert (await ask(port, method="GET"))[0] == 405
        assert seen == []

    asyncio.run(main())


def test_r54_too_large_or_compressed(serve: Serve) -> None:
    async def main() -> None:
        webhooks, seen = collecting()
        async with serve(webhooks) as port:
            assert (await ask(port, length="1000000000"))[0] == 413
            assert (await ask(port, length=str(LARGEST_BODY + 1)))[0] == 413
            body, headers = delivery(gzip.compress(event_body()))
            assert (await ask(port, body, headers | {"content-encoding": "gzip"}))[0] == 415
            # 400: aiohttp's own, where it would decode it and has no decoder.
            assert (await ask(port, body, headers | {"content-encoding": "br"}))[0] in {400, 415}
            fits = event_body(filler="x" * (LARGEST_BODY - 200))
            assert (await ask(port, *delivery(fits)))[0] == 200
        assert seen == ["evt_1"]

    asyncio.run(main())


def test_r54_an_endless_chunked_body_is_cut_off(serve: Serve) -> None:
    async def main() -> None:
        webhooks, _ = collecting()
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        async with serve(webhooks) as port:
            tracemalloc.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /webhooks/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
            answer = asyncio.create_task(answer_of(reader))
            sent = 0
            with contextlib.suppress(ConnectionError):
                while not answer.done() and sent < 64 * LARGEST_BODY:
                    writer.write(chunk)
                    await writer.drain()
                    sent += len(chunk)
                    await asyncio.sleep(0)
            assert (await answer)[0] == 413
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        assert sent < 32 * LARGEST_BODY
        assert peak < 24 * LARGEST_BODY

    asyncio.run(main())


def test_r54_a_slow_body(serve: Serve) -> None:
    async def main() -> None:
        webhooks, _ = collecting()
        async with serve(webhooks, body_seconds=0.1) as port:
            assert (await ask(port, b"{", length="100"))[0] == 408

    asyncio.run(main())


def test_r54_a_sender_that_hangs_up_half_way(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        webhooks, seen = collecting()
        body, headers = delivery(event_body())
        async with serve(webhooks) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            head = f"POST /webhooks/ HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
            writer.write(head.encode() + body[:-1])
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            assert (await ask(port, body, headers))[0] == 200
        assert seen == ["evt_1"]

    asyncio.run(main())
    assert "refused" not in caplog.text  # half a body is nobody's forgery


def test_r54_ten_thousand_headers(serve: Serve) -> None:
    async def main() -> None:
        webhooks, _ = collecting()
        async with serve(webhooks) as port:
            body, headers = delivery(event_body())
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                status, _ = await ask(port, body, headers | {f"x-{number}": "y" for number in range(10_000)})
                assert status in {200, 400, 413, 431}
            assert (await ask(port, body, headers))[0] == 200

    asyncio.run(main())


def test_only_http_is_served() -> None:
    async def never(*_: object) -> Any:
        raise AssertionError

    with pytest.raises(ValueError, match="HTTP alone"):
        asyncio.run(WebhookApp(receiver(clock=SetClock()))({"type": "websocket"}, never, never))
