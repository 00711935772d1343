"""Load goes to a sandbox alone: what is none is refused, and production before a packet is sent."""

import asyncio

import pytest

from setsmart_async.contract import PRODUCTION_URL
from setsmart_async.errors import ConfigurationError
from setsmart_async.load.target import Sandbox, check_it_answers
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.console import Console
from setsmart_async.transports.memory import MemoryTransport
from setsmart_async.wire import HttpRequest, HttpResponse, Origin, encode_json

LOCAL = "http://127.0.0.1:8080/v1"


class Server:
    """Gives one answer, or a sandbox's, and remembers what it was asked."""

    def __init__(self, answer: HttpResponse | None = None) -> None:
        self.asked: list[HttpRequest] = []
        self._answer = answer
        self._console = Console(SandboxApi(3), None)

    def handle(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        if self._answer is not None:
            return self._answer
        return self._console.answer(request.method, request.target, b"", is_json=False, url=LOCAL)

    def sandbox_at(self, url: str) -> Sandbox:
        return asyncio.run(Sandbox.at(Origin.parse(url), MemoryTransport(self.handle)))


@pytest.mark.parametrize(
    "url",
    [PRODUCTION_URL, "https://API.setsmart.com", "https://setsmart.com:8443/v1", "https://sandbox.setsmart.com/v1"],
)
def test_setsmarts_own_hosts_are_refused_without_asking(url: str) -> None:
    server = Server()
    with pytest.raises(ConfigurationError, match="SetSmart's own"):
        server.sandbox_at(url)
    assert server.asked == []


def test_a_name_that_only_ends_alike_is_asked() -> None:
    server = Server()
    server.sandbox_at("https://notsetsmart.com/v1")
    assert len(server.asked) == 1


def test_a_sandbox_is_asked_at_its_root_and_without_a_key() -> None:
    server = Server()
    sandbox = server.sandbox_at(LOCAL)
    (request,) = server.asked
    assert request.url == "http://127.0.0.1:8080/_sandbox/live.json"
    assert dict(request.headers) == {}
    assert str(sandbox.root) == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(status=404, body=b'{"error": "not found"}'),
        HttpResponse(status=302),
        HttpResponse(status=200, body=b"<html>"),
        HttpResponse(status=200, body=b"[]"),
        HttpResponse(status=200, body=b"{}"),
        HttpResponse(status=200, body=encode_json({"rule": {}, "requests": "many"})),
        HttpResponse(status=500, body=encode_json({"rule": {}, "requests": 1})),
    ],
)
def test_every_other_server_is_refused(answer: HttpResponse) -> None:
    with pytest.raises(ConfigurationError, match=r"http://127\.0\.0\.1:8080 is no sandbox"):
        Server(answer).sandbox_at(LOCAL)


def test_a_sandbox_that_does_not_get_the_requests_is_found_out() -> None:
    check_it_answers({"requests": 3}, {"requests": 4})
    with pytest.raises(ConfigurationError, match="does not get the requests"):
        check_it_answers({"requests": 3}, {"requests": 3})
