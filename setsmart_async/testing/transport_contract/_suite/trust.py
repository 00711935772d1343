"""TLS with real certificates: who is not trusted hears no request."""

import ssl
from collections.abc import Callable
from functools import partial

import pytest

from setsmart_async import ConfigurationError, ConnectError, Origin, Outcome, TLSError, TransportError
from setsmart_async.testing.transport_contract._suite import certificates
from setsmart_async.testing.transport_contract._suite.exchange import METHODS, answer, closing, failure, request, run
from setsmart_async.testing.transport_contract._suite.misbehaviour import JSON
from setsmart_async.testing.transport_contract._suite.raw_server import Peer, RawServer
from setsmart_async.testing.transport_contract._suite.scripts import well_behaved
from setsmart_async.testing.transport_contract._suite.stage import on_sockets
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import Transport


@on_sockets
@pytest.mark.parametrize("method", METHODS)
def test_r30_a_trusted_server_is_heard(candidate: Candidate, method: str) -> None:
    with RawServer(well_behaved, tls=certificates.good()) as server:
        make = partial(candidate.make, ssl_context=certificates.trusting())
        for fresh in (False, True):
            assert answer(make, request(server.origin, method, fresh=fresh)).body == JSON
        assert server.all_closed()


@on_sockets
def test_connections_with_tls_are_used_again(candidate: Candidate) -> None:
    async def thrice(transport: Transport) -> None:
        for _ in range(3):
            assert (await transport.send(request(server.origin), timeout=5)).body == JSON

    with RawServer(well_behaved, tls=certificates.good()) as server:
        run(closing(candidate.make(ssl_context=certificates.trusting()), thrice))
        assert server.connections == 1


@on_sockets
@pytest.mark.parametrize(
    ("tls", "error_type"),
    [
        (certificates.wrong_host, TLSError),
        (certificates.other_authority, TLSError),
        (certificates.expired, TLSError),
        (certificates.outdated, TLSError),
    ],
)
def test_r30_an_untrusted_server_hears_nothing(
    candidate: Candidate, tls: Callable[[], ssl.SSLContext], error_type: type[TransportError]
) -> None:
    with RawServer(well_behaved, tls=tls()) as server:
        make = partial(candidate.make, ssl_context=certificates.trusting())
        for method in ("GET", "POST"):
            error = failure(make, request(server.origin, method))
            assert isinstance(error, error_type)
            assert error.outcome is Outcome.NOT_SENT
        assert not server.requests
        assert server.all_closed()


@on_sockets
def test_r30_the_system_trusts_no_stranger(candidate: Candidate) -> None:
    with RawServer(well_behaved, tls=certificates.good()) as server:
        assert isinstance(failure(candidate.make, request(server.origin)), TLSError)
        assert not server.requests


@on_sockets
@pytest.mark.parametrize(
    ("said", "error_type"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", TLSError),
        (b"", ConnectError),
        (None, ConnectError),
    ],
    ids=["plaintext", "end", "reset"],
)
def test_r30_no_tls_where_it_should_be(
    candidate: Candidate, said: bytes | None, error_type: type[TransportError]
) -> None:
    def script(peer: Peer) -> None:
        peer.wait_for_hang_up(0.02)
        if said is None:
            peer.reset()
        else:
            peer.send(said)

    with RawServer(script) as server:
        origin = Origin("https", server.host, server.port)
        error = failure(partial(candidate.make, ssl_context=certificates.trusting()), request(origin))
        assert isinstance(error, error_type)
        assert error.outcome is Outcome.NOT_SENT
        assert server.all_closed()


@on_sockets
def test_verification_can_not_be_switched_off(candidate: Candidate) -> None:
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    for verify_mode in (ssl.CERT_REQUIRED, ssl.CERT_NONE):
        careless.verify_mode = verify_mode
        with pytest.raises(ConfigurationError, match="does not verify"):
            candidate.make(ssl_context=careless)
