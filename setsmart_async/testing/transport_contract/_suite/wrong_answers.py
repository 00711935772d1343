"""Every misbehaviour of the catalogue: an error of ours or a whole answer, and the connection carries nothing more."""

import asyncio
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setsmart_async import ApiError, AttemptTimeoutError, Outcome, TransportError
from setsmart_async.testing.transport_contract._suite.exchange import assert_bare, closing, request, run
from setsmart_async.testing.transport_contract._suite.misbehaviour import (
    CHUNKED,
    GZIPPED,
    JSON,
    WHOLE,
    Ending,
    Misbehaviour,
    in_the_catalogue,
)
from setsmart_async.testing.transport_contract._suite.raw_server import Peer, RawServer
from setsmart_async.testing.transport_contract._suite.stage import on_sockets
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import Transport


def misbehaving_once(misbehaviour: Misbehaviour, pause_at: int | None, peer: Peer) -> None:
    """Answer wrongly once, and rightly ever after."""
    if peer.number == 1 and peer.request():
        misbehaviour.play(peer, pause_at=pause_at)
        if misbehaviour.ending is not Ending.STAY:
            return
    for _ in peer.requests():
        peer.send(WHOLE)


@on_sockets
@pytest.mark.parametrize("parts", ["at once", "in two"])
@in_the_catalogue
def test_it_is_an_error_of_ours(candidate: Candidate, misbehaviour: Misbehaviour, parts: str) -> None:
    end_of_header = misbehaviour.sent.find(b"\r\n\r\n") + 4
    pause_at = None if parts == "at once" else end_of_header if end_of_header > 3 else len(misbehaviour.sent) // 2

    async def bad_then_good(transport: Transport) -> None:
        try:
            got = await transport.send(request(server.origin), timeout=2)
        except TransportError as error:
            assert_bare(error)
            assert isinstance(error, misbehaviour.errors), repr(error)
            assert not isinstance(error, ApiError)
            assert error.outcome in {Outcome.UNKNOWN, Outcome.APPLIED}
        else:
            assert TransportError in misbehaviour.errors, f"no error, but {got!r} {got.body!r}"
            assert got.body in {JSON, b""}
        assert (await transport.send(request(server.origin), timeout=2)).body == JSON

    with RawServer(partial(misbehaving_once, misbehaviour, pause_at)) as server:
        run(closing(candidate.make(), bad_then_good))
        connections = [received.connection for received in server.requests]
        assert connections == [1, 2] or (connections == [1, 1] and TransportError in misbehaviour.errors)
        assert server.all_closed()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good answer with a few bytes changed, cut out or put in."""
    answer = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(answer)))
        answer[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3) | st.sampled_from(TELLING))
    return bytes(answer)


GOOD = [WHOLE, CHUNKED, GZIPPED, b"HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n" + WHOLE]
TELLING = [b"\r\n", b"\r\n\r\n", b"\n", b":", b"\0", b"-", b"0", b"9", b" ", b"chunked", b"Content-Length: 1\r\n", b";"]


@on_sockets
def test_whatever_comes_the_error_is_ours(candidate: Candidate) -> None:
    """Answers damaged at random: an answer or an error of ours, no hang, and nothing left for the next request."""
    sent: list[bytes] = []

    def script(peer: Peer) -> None:
        if peer.request():
            peer.send(sent[-1])

    @settings(max_examples=100, deadline=None)
    @given(damaged())
    def one(answer: bytes) -> None:
        sent.append(answer)

        async def send(transport: Transport) -> None:
            try:
                await transport.send(request(server.origin), timeout=2)
            except TransportError as error:
                assert_bare(error)
                assert not isinstance(error, AttemptTimeoutError)

        asyncio.run(closing(candidate.make(), send))

    with RawServer(script) as server:
        one()
        assert server.all_closed()
        assert len(server.requests) == server.connections
