"""A client in an aiohttp application: there before the first request, closed after the last, its errors answered."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientPayloadError, ClientSession, web

from setsmart_async import ClientClosedError, ConfigurationError, NotFoundError, SetSmart
from setsmart_async.integrations.aiohttp_web import SETSMART, answer_errors, client_context, client_of
from setsmart_async.testing import FakeSetSmart, fake_property


async def home(request: web.Request) -> web.Response:
    found = await client_of(request).properties.get(request.match_info["id"])
    return web.Response(text=found.name)


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def application(*clients: SetSmart) -> web.Application:
    app = web.Application(middlewares=[answer_errors])
    left = list(clients)
    app.cleanup_ctx.append(client_context(lambda: left.pop(0)))
    app.router.add_get("/homes/{id}", home)
    return app


async def asked(url: str) -> tuple[int, str, str]:
    async with ClientSession() as session, session.get(url) as response:
        return response.status, response.content_type, await response.text()


def test_one_client_for_all_requests_and_closed_at_the_end() -> None:
    async def main() -> None:
        client = FakeSetSmart(fake_property(id="villa", name="Villa"))
        async with serving(app := application(client)) as url:
            assert app[SETSMART] is client
            assert await asked(f"{url}/homes/villa") == (200, "text/plain", "Villa")
        with pytest.raises(ClientClosedError):
            await client.properties.get("villa")

    asyncio.run(main())


def test_an_error_is_answered_as_a_problem() -> None:
    async def main() -> None:
        async with serving(application(FakeSetSmart())) as url:
            status, kind, body = await asked(f"{url}/homes/gone")
        assert (status, kind) == (404, "application/problem+json")
        assert json.loads(body)["title"] == "Not Found"

    asyncio.run(main())


def test_an_error_out_of_a_task_group_is_answered_and_a_strangers_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async def both(request: web.Request) -> web.Response:
        if "strange" in request.query:
            raise ExceptionGroup("", [NotFoundError(404), KeyError("strange")])
        async with asyncio.TaskGroup() as group:
            group.create_task(client_of(request).properties.get("gone"))
            group.create_task(client_of(request).properties.get("gone"))
        return web.Response()

    async def main() -> None:
        app = application(FakeSetSmart())
        app.router.add_get("/both", both)
        async with serving(app) as url:
            assert (await asked(f"{url}/both"))[0] == 404
            assert (await asked(f"{url}/both?strange"))[0] == 500

    asyncio.run(main())
    assert "KeyError" in caplog.text


def test_after_the_beginning_of_an_answer_the_connection_ends() -> None:
    async def streamed(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"one home, ")
        await client_of(request).properties.get("gone")
        return response

    async def main() -> None:
        app = application(FakeSetSmart())
        app.router.add_get("/streamed", streamed)
        async with serving(app) as url:
            with pytest.raises(ClientPayloadError):
                await asked(f"{url}/streamed")

    asyncio.run(main())


def test_requests_under_way_end_before_the_client_is_closed() -> None:
    async def main() -> None:
        begun, may_go_on = asyncio.Event(), asyncio.Event()
        client = FakeSetSmart(fake_property(id="villa"))

        async def slow(request: web.Request) -> web.Response:
            begun.set()
            await may_go_on.wait()
            return await home(request)

        app = application(client)
        app.router.add_get("/slow/{id}", slow)
        async with contextlib.AsyncExitStack() as stack:
            url = await stack.enter_async_context(serving(app))
            asking = asyncio.create_task(asked(f"{url}/slow/villa"))
            await begun.wait()
            closing = asyncio.create_task(stack.aclose())
            await asyncio.sleep(0)
            may_go_on.set()
            assert (await asking)[0] == 200
            await closing

    asyncio.run(main())


def test_an_application_below_finds_the_client_and_one_without_says_what_to_do() -> None:
    async def main() -> None:
        below = web.Application()
        below.router.add_get("/homes/{id}", home)
        app = application(FakeSetSmart(fake_property(id="villa", name="Villa")))
        app.add_subapp("/api/", below)
        async with serving(app) as url:
            assert (await asked(f"{url}/api/homes/villa"))[2] == "Villa"

        async def without(request: web.Request) -> web.Response:
            with pytest.raises(ConfigurationError, match="client_context"):
                client_of(request)
            return web.Response()

        bare = web.Application()
        bare.router.add_get("/", without)
        async with serving(bare) as url:
            assert (await asked(url))[0] == 200

    asyncio.run(main())
