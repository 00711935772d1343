"""What servers do in several of these tests, and addresses where nothing goes on."""

import contextlib
import socket
from collections.abc import Generator

from setsmart_async import Origin
from setsmart_async.testing.transport_contract._suite.misbehaviour import WHOLE
from setsmart_async.testing.transport_contract._suite.raw_server import Peer, RawServer, Script

LARGE = bytes(30_000_000)
"""A body that fits into no buffer on its way."""


def well_behaved(peer: Peer) -> None:
    for _ in peer.requests():
        peer.send(WHOLE)


def silent(peer: Peer) -> None:
    peer.wait_for_hang_up()


def not_reading(peer: Peer) -> None:
    """Let the client's buffers fill; its hang-up is noticed in the end all the same."""
    peer.read_nothing(0.6)
    peer.wait_for_hang_up()


def after_a_request(data: bytes, every: float = 0.0) -> Script:
    """Send this, a byte `every` so many seconds unless it is 0, and no more."""

    def script(peer: Peer) -> None:
        peer.request()
        if every:
            peer.drip(data, every)
        else:
            peer.send(data)
        peer.wait_for_hang_up()

    return script


@contextlib.contextmanager
def full_backlog() -> Generator[Origin]:
    """A port whose queue of connections is full: the next one gets no answer."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield Origin("http", *listener.getsockname())


@contextlib.contextmanager
def stalled_handshake() -> Generator[Origin]:
    """A port that accepts connections, and does not begin with TLS."""
    with RawServer(silent) as server:
        yield Origin("https", server.host, server.port)
