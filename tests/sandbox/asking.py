"""A sandbox that tests ask, in memory, over HTTP or over HTTPS."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import aiohttp
import attrs
import trustme
from yarl import URL

from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.wire import Headers, HttpRequest, HttpResponse, JsonObject, Origin, decode_json, encode_json

START = 1_700_000_000.0
VILLA: JsonObject = {
    "name": "Beachfront Villa", "address": "123 Ocean Drive", "bedrooms": 3, "bathrooms": 1.5, "max_guests": 6,
}  # fmt: skip
HOMES: list[JsonObject] = [
    {"id": f"prop_{number}", "name": f"Home {number}", "address": "Oslo", "status": "active", "pool": {"heated": True}}
    for number in range(1, 8)
]


@attrs.define
class HandSetClock:
    """A clock that tests set."""

    now: float = START

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@attrs.define
class Sandbox:
    """A sandbox to be asked, one way or the other."""

    api: SandboxApi
    clock: HandSetClock
    send: Callable[[HttpRequest], HttpResponse]
    origin: Origin

    def ask(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        key: str | None = SANDBOX_API_KEY,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> HttpResponse:
        sent = {**({} if key is None else {"X-API-Key": key}), **(headers or {})}
        content = raw if body is None else encode_json(body)
        return self.send(HttpRequest(method=method, origin=self.origin, target=target, headers=sent, body=content))

    def read(self, method: str, target: str, body: object = None, *, key: str = SANDBOX_API_KEY) -> Any:  # noqa: ANN401  JSON to look into
        """A successful answer's JSON."""
        answer = self.ask(method, target, body, key=key)
        assert answer.status == 200, answer.body
        return decode_json(answer.body)

    def fail(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        key: str | None = SANDBOX_API_KEY,
        raw: bytes | None = None,
    ) -> tuple[int, str, dict[str, str]]:
        """A failed answer's status and code, and the codes of its field errors."""
        answer = self.ask(method, target, body, key=key, raw=raw)
        error: Any = decode_json(answer.body)
        assert set(error) == {"error"}
        assert set(error["error"]) == {"code", "message", "request_id", "errors"}
        assert error["error"]["request_id"] == answer.headers["X-Request-Id"]
        assert all(set(one) == {"field", "message", "code"} for one in error["error"]["errors"])
        return answer.status, error["error"]["code"], {one["field"]: one["code"] for one in error["error"]["errors"]}


Opener = Callable[..., Sandbox]


def in_memory(api: SandboxApi, clock: HandSetClock) -> Sandbox:
    return Sandbox(api, clock, api.handle, Origin.parse("http://127.0.0.1:8080/v1"))


@cache
def authority() -> trustme.CA:
    """Whom the asking side trusts."""
    return trustme.CA()


@contextmanager
def over_http(*, encrypted: bool = False) -> Iterator[Callable[[SandboxApi, HandSetClock], Sandbox]]:
    """Serves on loopback what it is called with, and asks it with aiohttp's own client."""
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if encrypted:
        authority().issue_cert("127.0.0.1").configure_cert(serving)
        authority().configure_trust(trusting)
    with asyncio.Runner() as runner:
        opened: list[SandboxServer | aiohttp.ClientSession] = []

        def open_it(api: SandboxApi, clock: HandSetClock) -> Sandbox:
            async def start() -> tuple[SandboxServer, aiohttp.ClientSession]:
                server = SandboxServer(api, ssl_context=serving if encrypted else None)
                await server.start()
                return server, aiohttp.ClientSession()

            async def send(request: HttpRequest) -> HttpResponse:
                url = URL(request.url, encoded=True)
                async with session.request(
                    request.method,
                    url,
                    data=request.body,
                    headers=request.headers,
                    allow_redirects=False,
                    ssl=trusting,
                ) as answer:
                    return HttpResponse(
                        status=answer.status, headers=Headers(answer.headers.items()), body=await answer.read()
                    )

            server, session = runner.run(start())
            opened.extend((session, server))
            return Sandbox(api, clock, lambda request: runner.run(send(request)), Origin.parse(server.url))

        yield open_it
        for one in opened:
            runner.run(one.close() if isinstance(one, aiohttp.ClientSession) else one.aclose())
