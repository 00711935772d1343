"""The transports that are held to the contract: a third one is one more line in `TRANSPORTS`."""

import contextlib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
import httpx
import pytest
from contract.raw_server import RawServer, Received, answering

from setsmart_async import AiohttpTransport, HttpRequest, HttpResponse, HttpxTransport, MemoryTransport, Origin
from setsmart_async.transports.base import Transport

Handler = Callable[[HttpRequest], HttpResponse]


@attrs.frozen
class Candidate:
    """A transport, and what a test must know to set the scene for it."""

    name: str
    make: Callable[..., Transport]
    """Takes `max_response_bytes`; with sockets `connect_timeout` and `ssl_context` too, without a handler first."""
    has_sockets: bool


@attrs.frozen
class Gap:
    """A promise, or a part of one, that a transport does not keep."""

    transport: str
    tests: str
    """A pattern for the tests that show it."""
    promise: str
    """What `docs/transports.md` says."""
    reason: str
    is_run: bool = True
    """False where it takes long, or leaves something behind for the tests after it."""


GAPS = (
    Gap(
        "httpx2|legacy httpx",
        r"r22-(same length twice|lengths in a list)",
        "R-22, in part",
        "an answer with the same length twice is accepted: h11 makes one of them",
    ),
    Gap(
        "httpx2|legacy httpx",
        r"r22-not HTTP-(at once|in two)",
        "R-22, in part",
        "a line that is no HTTP, with nothing behind it, ends the attempt only by its time: h11 waits for more",
        is_run=False,
    ),
    Gap(
        "httpx2|legacy httpx",
        r"r29_an_answer_in_mid_upload",
        "R-29, in part",
        "an answer in mid-upload is not looked at before all is sent: httpcore reads only then",
        is_run=False,
    ),
    Gap(
        "httpx2|legacy httpx",
        r"r34_at_every_place\[\w+-\w+-https|r35_at_every_stage|r09_a_stalled_connection",
        "R-34 to R-36, in part",
        "a connection given up on in its TLS handshake is left to the garbage collector, with a warning: by anyio",
        is_run=False,
    ),
    Gap(
        "legacy httpx",
        r"r05_fresh_writes|r05_a_fresh_connection",
        "R-5, in part",
        "a create goes over a pooled connection: the pool is that of the client that was handed in",
    ),
    Gap(
        "legacy httpx",
        r"r28_.*nonsense",
        "R-28, in part",
        "a redirect to nonsense ends as a `ProtocolError`: httpx reads where it points, and goes nowhere all the same",
        is_run=False,
    ),
    Gap(
        "legacy httpx",
        r"verification_can_not_be_switched_off",
        "R-30, in part",
        "whether the server is verified is the business of the client that was handed in",
    ),
    Gap(
        "httpx2|legacy httpx",
        r"r21-endless in tiny chunks",
        "R-21, in part",
        "an endless body in tiny chunks is refused, but only after seconds: h11 reads each in Python",
        is_run=False,
    ),
)
"""Everything else holds, as far as it means something there: in memory there are no sockets."""


class HandedIn(HttpxTransport):
    """A legacy client that its owner handed in, and closes."""

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, **settings: Any) -> None:  # noqa: ANN401 - as theirs
        self._client_of_mine = httpx.AsyncClient(
            verify=ssl_context or True,
            trust_env=False,
            timeout=None,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )
        super().__init__(self._client_of_mine, **settings)  # type: ignore[arg-type]  # it has the same methods

    async def aclose(self) -> None:
        await super().aclose()
        with contextlib.suppress(RuntimeError):
            await self._client_of_mine.aclose()


TRANSPORTS = (
    Candidate("aiohttp", AiohttpTransport, has_sockets=True),
    Candidate("httpx2", HttpxTransport, has_sockets=True),
    Candidate("legacy httpx", HandedIn, has_sockets=True),
    Candidate("memory", MemoryTransport, has_sockets=False),
)

on_every_transport = pytest.mark.parametrize("candidate", [pytest.param(each, id=each.name) for each in TRANSPORTS])
"""For promises about requests and answers."""
on_sockets = pytest.mark.parametrize(
    "candidate", [pytest.param(each, id=each.name) for each in TRANSPORTS if each.has_sockets]
)
"""For promises about bytes and connections, which mean nothing in memory."""


@attrs.frozen
class Scene:
    """A server with a handler, and how to make a transport that reaches it."""

    origin: Origin
    make: Callable[[], Transport]
    requests: list[Received]
    """What the server was asked."""


@contextmanager
def scene(candidate: Candidate, handler: Handler, *, latency: float = 0.0, **settings: Any) -> Iterator[Scene]:  # noqa: ANN401 - as `make` takes
    """This handler behind a socket, or in memory; it answers after `latency` seconds."""
    if candidate.has_sockets:
        with RawServer(answering(handler, after=latency)) as server:
            yield Scene(server.origin, partial(candidate.make, **settings), server.requests)
        return
    requests: list[Received] = []

    def counted(request: HttpRequest) -> HttpResponse:
        received = Received(request.method, request.target, tuple(request.headers.items()), request.body or b"", 1)
        requests.append(received)
        return handler(request)

    make = partial(candidate.make, counted, latency=latency, **settings)
    yield Scene(Origin("http", "127.0.0.1", 1, "/v1"), make, requests)
