"""The transports that are held to the contract: a third one is one more line in `TRANSPORTS`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
import pytest
from contract.raw_server import RawServer, Received, answering

from setsmart_async import AiohttpTransport, HttpRequest, HttpResponse, MemoryTransport, Origin
from setsmart_async.transports.base import Transport

Handler = Callable[[HttpRequest], HttpResponse]


@attrs.frozen
class Candidate:
    """A transport, and what a test must know to set the scene for it."""

    name: str
    make: Callable[..., Transport]
    """Takes `max_response_bytes`; with sockets `connect_timeout` and `ssl_context` too, without a handler first."""
    has_sockets: bool


TRANSPORTS = (
    Candidate("aiohttp", AiohttpTransport, has_sockets=True),
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
