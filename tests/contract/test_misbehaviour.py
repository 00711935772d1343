"""Every misbehaviour of the catalogue: an error of ours or a whole answer, and the connection carries nothing more."""

from functools import partial

import pytest
from contract.candidates import Candidate, on_sockets
from contract.exchange import assert_bare, closing, request, run
from contract.misbehaviour import JSON, WHOLE, Ending, Misbehaviour, in_the_catalogue
from contract.raw_server import Peer, RawServer

from setsmart_async import ApiError, Outcome, TransportError
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
