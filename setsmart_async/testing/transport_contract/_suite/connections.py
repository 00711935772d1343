"""What reaches the wire, and how often, when connections break: one request for each send, whatever happens."""

import asyncio
import time
from functools import partial

import pytest

from setsmart_async import ConnectError, ConnectionLostError, HttpRequest, HttpResponse, Origin, Outcome, TransportError
from setsmart_async.testing.transport_contract._suite.exchange import (
    BODY,
    METHODS,
    closing,
    failure,
    failure_of,
    request,
    run,
)
from setsmart_async.testing.transport_contract._suite.misbehaviour import JSON, OK, WHOLE
from setsmart_async.testing.transport_contract._suite.raw_server import Peer, RawServer
from setsmart_async.testing.transport_contract._suite.scripts import LARGE, well_behaved
from setsmart_async.testing.transport_contract._suite.stage import on_sockets
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import Transport


def answering_then(breaking: str, answered: int, peer: Peer) -> None:
    """Answer so many requests on each connection, then break it when one more has come."""
    for place, _ in enumerate(peer.requests()):
        if place < answered:
            peer.send(WHOLE)
        elif breaking == "reset":
            return peer.reset()
        else:
            return None
    return None


@on_sockets
@pytest.mark.parametrize("breaking", ["close", "reset"])
@pytest.mark.parametrize("answered", [0, 1], ids=["new", "reused"])
@pytest.mark.parametrize("method", METHODS)
def test_r01_r03_a_connection_that_breaks_before_the_answer(
    candidate: Candidate, method: str, answered: int, breaking: str
) -> None:
    async def broken(transport: Transport) -> None:
        for _ in range(answered):
            await transport.send(request(server.origin, method), timeout=5)
        error = await failure_of(transport, request(server.origin, method))
        assert isinstance(error, ConnectionLostError)
        assert error.outcome is Outcome.UNKNOWN

    with RawServer(partial(answering_then, breaking, answered)) as server:
        run(closing(candidate.make(), broken))
        assert [received.connection for received in server.requests] == [1] * (answered + 1)
        assert server.connections == 1


@on_sockets
@pytest.mark.parametrize("method", METHODS)
def test_r03_silence_after_a_request(candidate: Candidate, method: str) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.wait_for_hang_up()

    with RawServer(script) as server:
        error = failure(candidate.make, request(server.origin, method, fresh=method == "POST"), timeout=0.3)
        assert error.outcome is Outcome.UNKNOWN
        assert len(server.requests) == 1
        assert server.all_closed()


@on_sockets
def test_r05_fresh_writes_survive_a_server_that_closes_idle_connections(candidate: Candidate) -> None:
    """Pooled connections that the server is about to close lose every other write; fresh ones none."""
    writes = 200

    async def write(transport: Transport) -> None:
        for number in range(writes):
            asked = request(server.origin, "POST", body=b"%d" % number, fresh=True)
            assert (await transport.send(asked, timeout=5)).body == JSON

    with RawServer(partial(answering_then, "close", 1)) as server:  # keep-alive is what HTTP/1.1 promises unless told
        run(closing(candidate.make(), write))
        assert [received.body for received in server.requests] == [b"%d" % number for number in range(writes)]
        assert server.connections == writes
        assert server.all_closed()


def closing_after_each(peer: Peer) -> None:
    if peer.request():
        peer.send(WHOLE)


@on_sockets
def test_r05_an_end_that_nobody_has_read_yet_is_seen_before_the_next_request(candidate: Candidate) -> None:
    async def reads(transport: Transport) -> None:
        for _ in range(20):
            assert (await transport.send(request(server.origin), timeout=5)).body == JSON
            time.sleep(0.005)  # noqa: ASYNC251 - the loop is busy while the server hangs up

    with RawServer(closing_after_each) as server:
        run(closing(candidate.make(), reads))
        assert len(server.requests) == 20


@on_sockets
def test_connections_are_used_again(candidate: Candidate) -> None:
    async def twice_at_a_time(transport: Transport) -> None:
        for _ in range(10):
            await asyncio.gather(*(transport.send(request(server.origin), timeout=5) for _ in range(2)))

    with RawServer(well_behaved) as server:
        run(closing(candidate.make(), twice_at_a_time))
        assert server.connections == 2
        assert server.all_closed()


@on_sockets
def test_r05_a_fresh_connection_is_not_one_of_the_others(candidate: Candidate) -> None:
    async def alternating(transport: Transport) -> None:
        for method in ("GET", "POST", "GET", "POST"):
            asked = request(server.origin, method, fresh=method == "POST")
            assert (await transport.send(asked, timeout=5)).body == JSON

    with RawServer(well_behaved) as server:
        run(closing(candidate.make(), alternating))
        assert [received.connection for received in server.requests] == [1, 2, 1, 3]


@on_sockets
@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("DELETE", b"HTTP/1.1 204 Gone\r\n\r\n"),
        ("GET", b'HTTP/1.1 304 Same\r\nETag: "1"\r\n\r\n'),
        ("HEAD", OK + b"Content-Length: 14\r\n\r\n"),
        ("HEAD", OK + b"Content-Length: 100000000000\r\n\r\n"),
        ("HEAD", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    ],
)
def test_r25_answers_that_have_no_body(candidate: Candidate, method: str, answer: bytes) -> None:
    async def twice(transport: Transport) -> None:
        for _ in range(2):
            assert (await transport.send(request(server.origin, method), timeout=2)).body == b""

    def script(peer: Peer) -> None:
        for _ in peer.requests():
            peer.send(answer)

    with RawServer(script) as server:
        run(closing(candidate.make(), twice))
        assert server.connections == 1


@on_sockets
@pytest.mark.parametrize("loop_is", ["idle", "busy"])
@pytest.mark.parametrize("part", ["whole", "half", "line"])
def test_r27_an_answer_that_nobody_asked_for_reaches_nobody(candidate: Candidate, part: str, loop_is: str) -> None:
    poison = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"poison":true}'
    unasked = {"whole": poison, "half": poison[:30], "line": b"\r\n"}[part]

    def script(peer: Peer) -> None:
        for _ in peer.requests():
            peer.send(WHOLE)
            if peer.number == 1:
                peer.wait_for_hang_up(0.02)
                peer.send(unasked)

    async def idle_between(transport: Transport) -> None:
        assert (await transport.send(request(server.origin), timeout=5)).body == JSON
        if loop_is == "idle":
            await asyncio.sleep(0.08)
        else:
            time.sleep(0.08)  # noqa: ASYNC251 - nobody reads what comes
        for _ in range(3):
            assert (await transport.send(request(server.origin), timeout=5)).body == JSON

    with RawServer(script) as server:
        run(closing(candidate.make(), idle_between))
        assert [received.connection for received in server.requests] == [1, 2, 2, 2]


@on_sockets
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["other host", "other port", "same host", "itself", "//", "nonsense"])
def test_r28_redirects_are_answers_and_go_nowhere(candidate: Candidate, status: int, to: str) -> None:
    def script(peer: Peer) -> None:
        for received in peer.requests():
            location = {
                "other host": f"http://127.0.0.2:{other_host.port}/v1/properties/p1",
                "other port": f"http://127.0.0.1:{sink.port}/v1/properties/p1",
                "same host": "/v1/elsewhere",
                "itself": received.target,
                "//": f"//127.0.0.1:{sink.port}/",
                "nonsense": "http://[:::1/\xff",
            }[to]
            head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            peer.send(head.encode("latin-1"))

    with RawServer(script) as server, RawServer(script) as sink, RawServer(script, host="127.0.0.2") as other_host:
        transport = candidate.make()
        answers = [transport.send(request(server.origin, method), timeout=5) for method in ("GET", "POST")]

        async def both() -> list[HttpResponse]:
            try:
                return [await each for each in answers]
            finally:
                await transport.aclose()

        assert [answer.status for answer in run(both())] == [status, status]
        assert [received.method for received in server.requests] == ["GET", "POST"]
        assert sink.connections == other_host.connections == 0


@on_sockets
@pytest.mark.parametrize("how", ["reset", "close", "silence"])
def test_r29_a_peer_that_breaks_off_in_mid_upload(candidate: Candidate, how: str) -> None:
    def script(peer: Peer) -> None:
        peer.read_nothing(0.05)
        if how == "reset":
            peer.reset()
        elif how == "silence":
            peer.read_nothing(0.3)
            peer.wait_for_hang_up()

    with RawServer(script) as server:
        error = failure(candidate.make, request(server.origin, "POST", body=LARGE), timeout=0.2)
        assert isinstance(error, TransportError)
        assert error.outcome is Outcome.UNKNOWN
        assert server.connections == 1
        assert server.all_closed()


@on_sockets
@pytest.mark.parametrize(
    "body", [b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
)
def test_r29_an_answer_in_mid_upload_is_an_answer(candidate: Candidate, body: bytes) -> None:
    async def early(transport: Transport) -> None:
        got = await transport.send(request(server.origin, "POST", body=LARGE), timeout=5)
        assert got.status == 413
        assert (await transport.send(request(server.origin), timeout=5)).body == JSON

    def script(peer: Peer) -> None:
        if peer.number > 1:
            return answering_then("close", 1, peer)
        peer.send(b"HTTP/1.1 413 Too large\r\n" + body)
        peer.read_nothing(0.6)
        peer.wait_for_hang_up()
        return None

    with RawServer(script) as server:
        run(closing(candidate.make(), early))
        assert server.connections == 2
        assert server.all_closed()


@on_sockets
def test_r02_nobody_listens(candidate: Candidate) -> None:
    with RawServer(lambda _: None) as gone:
        pass
    for method in METHODS:
        error = failure(candidate.make, request(gone.origin, method))
        assert isinstance(error, ConnectError)
        assert error.outcome is Outcome.NOT_SENT


@on_sockets
def test_r02_a_name_that_does_not_resolve(candidate: Candidate) -> None:
    error = failure(candidate.make, request(Origin("http", "nobody.invalid", 80)))
    assert isinstance(error, ConnectError)
    assert error.outcome is Outcome.NOT_SENT


@on_sockets
def test_names_resolve_and_ipv6_is_spoken(candidate: Candidate) -> None:
    async def by_name(transport: Transport) -> None:
        origin = Origin("http", "localhost", server.port, "/v1")
        assert (await transport.send(request(origin), timeout=5)).body == JSON

    with RawServer(well_behaved) as server:
        run(closing(candidate.make(), by_name))


@on_sockets
def test_one_transport_serves_many_origins(candidate: Candidate) -> None:
    async def alternating(transport: Transport) -> None:
        for server in (one, two, one, two):
            asked = HttpRequest(method="PUT", origin=server.origin, target="/x", headers={}, body=BODY)
            assert (await transport.send(asked, timeout=5)).body == JSON

    script = well_behaved
    with RawServer(script) as one, RawServer(script) as two:
        run(closing(candidate.make(), alternating))
        assert len(one.requests) == len(two.requests) == 2
