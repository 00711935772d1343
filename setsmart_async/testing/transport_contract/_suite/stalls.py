"""Wherever a request stalls, it ends in time, and says whether the server can have seen it."""

import contextlib
import time

import pytest

from setsmart_async import AttemptTimeoutError, ConnectError, Origin, Outcome
from setsmart_async.testing.transport_contract._suite import certificates
from setsmart_async.testing.transport_contract._suite.exchange import SLACK, failure, request
from setsmart_async.testing.transport_contract._suite.misbehaviour import JSON, OK
from setsmart_async.testing.transport_contract._suite.raw_server import Peer, RawServer, Script
from setsmart_async.testing.transport_contract._suite.scripts import (
    LARGE,
    after_a_request,
    full_backlog,
    not_reading,
    silent,
    stalled_handshake,
)
from setsmart_async.testing.transport_contract._suite.stage import on_sockets
from setsmart_async.testing.transport_contract.candidates import Candidate

LIMIT = 0.15


def flooding(data: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.request()
        for _ in range(10_000):  # of at least a millisecond
            if peer.wait_for_hang_up(0.001):
                return
            peer.send(data)

    return script


WHOLE_HEADER = OK + b"Content-Length: 14\r\n\r\n"
STALLS: dict[str, tuple[Script, Outcome]] = {
    "no header": (silent, Outcome.UNKNOWN),
    "half a header": (after_a_request(OK), Outcome.UNKNOWN),
    "a header a byte at a time": (after_a_request(WHOLE_HEADER, 0.05), Outcome.UNKNOWN),
    "no body": (after_a_request(WHOLE_HEADER), Outcome.APPLIED),
    "half a body": (after_a_request(WHOLE_HEADER + JSON[:7]), Outcome.APPLIED),
    "half a chunk": (after_a_request(OK + b"Transfer-Encoding: chunked\r\n\r\ne\r\n[1"), Outcome.APPLIED),
    "no last chunk": (after_a_request(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n"), Outcome.APPLIED),
    "interim answers without end": (flooding(b"HTTP/1.1 102 Wait\r\n\r\n" * 50), Outcome.UNKNOWN),
    "half an error's body": (after_a_request(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\n{"), Outcome.UNKNOWN),
}


def assert_in_time(began: float, limit: float = LIMIT) -> None:
    assert limit <= time.monotonic() - began < limit + SLACK


@on_sockets
@pytest.mark.parametrize("stall", STALLS)
def test_r09_a_stalled_answer(candidate: Candidate, stall: str) -> None:
    script, outcome = STALLS[stall]
    with RawServer(script) as server:
        began = time.monotonic()
        error = failure(candidate.make, request(server.origin), timeout=LIMIT)
        assert_in_time(began)
        assert isinstance(error, AttemptTimeoutError)
        assert error.outcome is outcome
        assert server.connections == 1
        assert server.all_closed()


@on_sockets
def test_r09_a_body_a_byte_at_a_time(candidate: Candidate) -> None:
    with RawServer(after_a_request(WHOLE_HEADER + JSON, 0.05)) as server:
        began = time.monotonic()
        error = failure(candidate.make, request(server.origin), timeout=3 * LIMIT)
        assert_in_time(began, 3 * LIMIT)
        assert isinstance(error, AttemptTimeoutError)
        assert server.all_closed()


@on_sockets
def test_r09_a_server_that_does_not_read(candidate: Candidate) -> None:
    with RawServer(not_reading) as server:
        began = time.monotonic()
        error = failure(candidate.make, request(server.origin, "POST", body=LARGE), timeout=LIMIT)
        assert_in_time(began)
        assert isinstance(error, AttemptTimeoutError)
        assert error.outcome is Outcome.UNKNOWN
        assert server.all_closed()


@on_sockets
@pytest.mark.parametrize("stall", [full_backlog, stalled_handshake])
@pytest.mark.parametrize("shorter", ["attempt", "connect"])
def test_r09_a_stalled_connection_has_sent_nothing(
    candidate: Candidate, stall: "type[contextlib.AbstractContextManager[Origin]]", shorter: str
) -> None:
    with stall() as origin:
        began = time.monotonic()
        if shorter == "attempt":
            error = failure(
                lambda: candidate.make(ssl_context=certificates.trusting()), request(origin, "POST"), timeout=LIMIT
            )
            assert isinstance(error, AttemptTimeoutError)
        else:
            error = failure(
                lambda: candidate.make(ssl_context=certificates.trusting(), connect_timeout=LIMIT),
                request(origin, "POST", fresh=True),
                timeout=10,
            )
            assert isinstance(error, ConnectError)
        assert_in_time(began)
        assert error.outcome is Outcome.NOT_SENT


@on_sockets
def test_an_answer_in_time_needs_no_limit(candidate: Candidate) -> None:
    with RawServer(after_a_request(WHOLE_HEADER + JSON, 0.001)) as server:
        error = None
        with contextlib.suppress(AssertionError):  # no failure: that is the point
            error = failure(candidate.make, request(server.origin), timeout=None)
        assert error is None
