"""Setting the scene: which tests there are, and a server with a handler for those that speak of answers only."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

import attrs

from setsmart_async import HttpRequest, HttpResponse, Origin
from setsmart_async.testing.transport_contract._suite.raw_server import RawServer, Received, answering
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import Transport

Handler = Callable[[HttpRequest], HttpResponse]
Test = TypeVar("Test", bound=Callable[..., None])

TESTS: Final[dict[str, "ContractTest"]] = {}
"""All of the suite, by name, in the order of its modules."""


@attrs.frozen
class ContractTest:
    """A test of the contract; it takes a `candidate`."""

    function: Callable[..., None]
    needs_sockets: bool


def on_every_transport(test: Test) -> Test:
    """For promises about requests and answers."""
    return _entered(test, needs_sockets=False)


def on_sockets(test: Test) -> Test:
    """For promises about bytes and connections, which mean nothing in memory."""
    return _entered(test, needs_sockets=True)


def _entered(test: Test, *, needs_sockets: bool) -> Test:
    name = test.__name__
    assert name not in TESTS, f"two tests are called {name}"
    TESTS[name] = ContractTest(test, needs_sockets)
    return test


@attrs.frozen
class Scene:
    """A server with a handler, and how to make a transport that reaches it."""

    origin: Origin
    make: Callable[[], Transport]
    requests: list[Received]
    """What the server was asked."""


@contextmanager
def scene(candidate: Candidate, handler: Handler, *, latency: float = 0.0, **limits: int) -> Generator[Scene]:
    """The handler behind a socket, or in memory; it answers after `latency` seconds."""
    if candidate.has_sockets:
        with RawServer(answering(handler, after=latency)) as server:
            yield Scene(server.origin, partial(candidate.make, **limits), server.requests)
        return
    requests: list[Received] = []

    def counted(request: HttpRequest) -> HttpResponse:
        received = Received(request.method, request.target, tuple(request.headers.items()), request.body or b"", 1)
        requests.append(received)
        return handler(request)

    make = partial(candidate.make, counted, latency=latency, **limits)
    yield Scene(Origin("http", "127.0.0.1", 1, "/v1"), make, requests)
