"""The sandbox behind a socket: where it listens, what it adds to the handler, how it ends."""

import asyncio
import gc
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from sandbox.asking import HOMES
from yarl import URL

from setsmart_async.errors import ConfigurationError, ConnectionLostError
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.faults import FaultPlan
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.wire import HttpRequest, HttpResponse, encode_json

KEY = {"X-API-Key": SANDBOX_API_KEY}


def serve(
    use: Callable[[SandboxServer, aiohttp.ClientSession], Awaitable[None]],
    api: SandboxApi | None = None,
    **settings: Any,  # noqa: ANN401  as SandboxServer
) -> None:
    """Run `use` against a server with these settings."""

    async def main() -> None:
        server = SandboxServer(SandboxApi(HOMES) if api is None else api, **settings)
        async with server, aiohttp.ClientSession() as session:
            await use(server, session)

    asyncio.run(main())


def test_it_listens_where_it_says() -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        assert server.url == f"http://127.0.0.1:{URL(server.url).port}/v1"
        async with session.get(f"{server.url}/properties/prop_1", headers=KEY) as answer:
            assert answer.status == 200
            assert await answer.json() == HOMES[0]
            assert answer.headers["Content-Length"] == str(len(encode_json(HOMES[0])))
            assert "Transfer-Encoding" not in answer.headers
            assert answer.headers.getall("Date") != []
            assert len(answer.headers.getall("Date")) == 1

    serve(use)


@pytest.mark.parametrize(("host", "address"), [("localhost", "127.0.0.1"), ("::1", "[::1]")])
def test_it_listens_on_one_loopback_address(host: str, address: str) -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        assert server.url == f"http://{address}:{URL(server.url).port}/v1"
        async with session.get(f"{server.url}/properties", headers=KEY) as answer:
            assert answer.status == 200

    try:
        serve(use, host=host)
    except ConfigurationError as fault:
        if host != "::1":
            raise
        pytest.skip(f"no IPv6 here: {fault}")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "", "127.0.0.1.example.com"])
def test_it_refuses_to_be_reached_from_elsewhere(host: str) -> None:
    with pytest.raises(ConfigurationError, match="loopback"):
        SandboxServer(SandboxApi(), host=host)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"port": -1}, "port"),
        ({"port": 65_536}, "port"),
        ({"latency": -0.1}, "latency"),
        ({"latency": float("nan")}, "latency"),
    ],
)
def test_settings_that_can_not_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SandboxServer(SandboxApi(), **settings)


def test_a_port_that_is_taken_is_said_so() -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        port = URL(server.url).port
        assert port is not None
        second = SandboxServer(SandboxApi(), port=port)
        with pytest.raises(ConfigurationError, match=f"Port {port} on 127.0.0.1 is taken"):
            await second.start()
        with pytest.raises(ConfigurationError, match="not running"):
            _ = second.url
        async with session.get(f"{server.url}/properties", headers=KEY) as answer:
            assert answer.status == 200

    serve(use)


def test_a_port_that_is_not_allowed_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    async def main() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_server", refuse)
        with pytest.raises(ConfigurationError, match=r"can not listen on port 80 of 127.0.0.1 \(Permission denied\)"):
            await SandboxServer(SandboxApi(), port=80).start()

    asyncio.run(main())


def test_it_starts_once_stops_twice_and_can_start_again() -> None:
    async def main() -> None:
        server = SandboxServer(SandboxApi())
        for url in ("url", "stats_url"):
            with pytest.raises(ConfigurationError, match="not running"):
                getattr(server, url)
        await server.aclose()
        await server.start()
        with pytest.raises(ConfigurationError, match="running already"):
            await server.start()
        port = URL(server.url).port
        await server.aclose()
        await server.aclose()
        with pytest.raises(ConfigurationError, match="not running"):
            _ = server.url
        await server.start()
        await server.aclose()
        # The port is free again at once.
        async with SandboxServer(SandboxApi(), port=port or 0):
            pass

    asyncio.run(main())


def test_closing_leaves_nothing_behind_and_does_not_wait_for_idle_connections() -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{server.url}/properties", headers=KEY) as answer:
            await answer.read()
        started = time.monotonic()
        await server.aclose()
        assert time.monotonic() - started < 0.9
        with pytest.raises(aiohttp.ClientError):
            await session.get("http://127.0.0.1:1/")

    serve(use)
    gc.collect()  # what was left open warns here, and warnings are errors


def test_closing_waits_a_second_for_a_request_and_no_longer() -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        request = asyncio.ensure_future(session.get(f"{server.url}/properties", headers=KEY))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await server.aclose()
        assert time.monotonic() - started < 5
        with pytest.raises(aiohttp.ClientError):
            await request

    serve(use, latency=20.0)


def test_the_client_is_known_by_its_address() -> None:
    api = SandboxApi(quota_per="address")

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{server.url}/properties", headers=KEY) as answer:
            assert answer.status == 200

    serve(use, api)
    assert list(api.quota._meters) == ["127.0.0.1"]


def test_what_is_beside_the_api_is_not_counted() -> None:
    api = SandboxApi(HOMES, quota=QuotaSimulator(QuotaRule(2)))

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        root = server.url.removesuffix("/v1")
        assert server.stats_url == f"{root}/_sandbox/stats"
        for target in ("/properties", "/v1", "/v1properties", "/v2/properties", "/_sandbox/stats/x", "/live.html"):
            async with session.get(f"{root}{target}", headers=KEY) as answer:
                assert (answer.status, answer.content_type) == (404, "application/json")
                assert (await answer.json())["error"]["code"] == "not_found"
        async with session.post(server.stats_url) as answer:
            assert answer.status == 404
        for status in (200, 200, 429):
            async with session.get(f"{server.url}/properties", headers=KEY) as answer:
                assert answer.status == status
        for _ in range(2):
            async with session.get(server.stats_url) as answer:
                assert await answer.json() == api.report()
        assert api.statistics.requests == 3
        window = api.quota.windows()[-1]
        assert (window.accepted, window.refused) == (2, 1)

    serve(use, api)


def test_a_body_may_have_a_mebibyte() -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        fits = b'{"note": "' + b"x" * (1024 * 1024 - 12) + b'"}'
        url = f"{server.url}/properties/prop_1"
        async with session.put(url, headers=KEY, data=BytesIO(fits)) as answer:
            assert answer.status == 200
        async with session.put(url, headers=KEY, data=BytesIO(fits + b" ")) as answer:
            assert answer.status == 413
            assert (await answer.json())["error"]["code"] == "payload_too_large"

    serve(use)


def test_a_compressed_body_is_no_json() -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        body = encode_json({"name": "Sjøboden"})
        async with session.put(f"{server.url}/properties/prop_1", headers=KEY, data=body, compress="gzip") as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "invalid_json")

    serve(use)


def test_an_intercept_that_breaks_the_network_breaks_the_connection() -> None:
    def intercept(request: HttpRequest) -> HttpResponse | None:
        if request.target == "/broken":
            raise ConnectionLostError("played")
        return None

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.post(f"{server.url}/broken", headers=KEY)
        async with session.get(f"{server.url}/properties", headers=KEY) as answer:
            assert answer.status == 200

    serve(use, SandboxApi(HOMES, intercept=intercept))


def test_latency_is_half_before_and_half_after() -> None:
    handled: list[float] = []

    def intercept(_: HttpRequest) -> None:
        handled.append(time.monotonic())

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        sent = time.monotonic()
        async with session.get(f"{server.url}/properties", headers=KEY) as answer:
            assert answer.status == 200
        assert handled[0] - sent >= 0.1
        assert time.monotonic() - handled[0] >= 0.1

    serve(use, SandboxApi(intercept=intercept), latency=0.2)


def test_many_at_once_are_counted_exactly() -> None:
    api = SandboxApi(HOMES, quota=QuotaSimulator(QuotaRule(150, 1000.0)))

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        async def ask() -> int:
            async with session.get(f"{server.url}/properties", headers=KEY) as answer:
                await answer.read()
                return answer.status

        statuses = await asyncio.gather(*(ask() for _ in range(200)))
        assert sorted(statuses) == [200] * 150 + [429] * 50

    serve(use, api)
    assert api.statistics.by_status == {200: 150, 429: 50}


HALVES = [
    b"GET /v1/prop",
    b"PUT /v1/properties/prop_1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
    b"PUT /v1/properties/prop_1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    b"\0\1\2\r\n\r\n",
]


def test_a_half_request_neither_counts_nor_breaks_it(caplog: pytest.LogCaptureFixture) -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        for sent in HALVES:
            with socket.create_connection(("127.0.0.1", URL(server.url).port or 0)) as half:
                half.sendall(sent)
                await asyncio.sleep(0.05)
        async with session.get(f"{server.url}/properties", headers=KEY) as answer:
            assert answer.status == 200
        async with session.get(server.stats_url) as answer:
            assert (await answer.json())["requests"] == 1

    serve(use)
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []


def test_only_the_server_loads_aiohttp() -> None:
    modules = "api, quota, seed, store, listing, statistics"
    code = f"import sys; from setsmart_async.sandbox import {modules}; print('aiohttp' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


def test_a_planned_silence_lasts_until_the_client_has_had_enough() -> None:
    api = SandboxApi(HOMES, faults=FaultPlan(["stall"]))

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        with pytest.raises(TimeoutError):
            await session.get(f"{server.url}/properties", headers=KEY, timeout=aiohttp.ClientTimeout(total=0.3))
        async with session.get(f"{server.url}/properties", headers=KEY) as answer:
            assert answer.status == 200

    serve(use, api)
    assert [one.status for one in api.statistics.recent] == [0, 200]
