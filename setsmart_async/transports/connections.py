"""Connections as asyncio has them, below the HTTP library: who has one, what came unasked, and how to break it."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import Final, Protocol, cast
from weakref import WeakKeyDictionary

_GRACE: Final = 0.05  # seconds for the library to tell a request itself that its connection is gone


class Pooled(Protocol):
    """The library's end of a connection, as far as it matters here: an `asyncio.Protocol` that is waited for."""

    @property
    def closed(self) -> asyncio.Future[None] | None:
        """Done when the connection is gone."""
        ...

    @property
    def should_close(self) -> bool:
        """Whether it must carry nothing more: it has, for one, another answer behind the one that was asked for."""
        ...

    def connection_lost(self, exc: BaseException | None) -> None:
        """As asyncio's."""
        ...


class _Idle(asyncio.Protocol):
    """Has a connection while no request does: whatever comes then is for nobody, and ends it."""

    def __init__(self, connection: Pooled, transport: asyncio.WriteTransport) -> None:
        self._connection, self._transport = connection, transport

    def data_received(self, data: bytes) -> None:
        self._transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connection.connection_lost(exc)


class Loan:
    """One request's use of a connection."""

    __slots__ = ("_transport", "is_over", "is_reused")

    def __init__(self, transport: asyncio.WriteTransport, *, is_reused: bool) -> None:
        self._transport = transport
        self.is_reused = is_reused
        """Whether the connection has carried a request before."""
        self.is_over = False
        """Whether another request has the connection by now."""

    def cut(self) -> None:
        """Break the connection at once, whatever it still has to write, unless another request has it by now."""
        if not self.is_over:
            self._transport.abort()

    def settle(self, *, may_go_on: bool) -> None:
        """After the answer: give the connection back, or break it.

        One that is closing is broken too: the peer may never read what is left of a request that it has answered.
        """
        if self._transport.is_closing() or not may_go_on:
            self.cut()


class Lending:
    """Lends connections, to one request after the other, and tells when one is gone."""

    def __init__(self, on_lost: Callable[[Loan], None]) -> None:
        """`on_lost` is called with the latest loan, a moment after its connection has gone."""
        self._on_lost = on_lost
        self._latest: WeakKeyDictionary[Pooled, Loan] = WeakKeyDictionary()

    def lend(self, connection: Pooled, transport: asyncio.WriteTransport) -> Loan | None:
        """Lend it; None when something has come on it that nobody asked for, or its end, so that it must not be used.

        A new one is lent as it is: what comes before the first request is for that request to judge.
        """
        earlier = self._latest.get(connection)
        if earlier is None:
            self._watch(connection)
        elif connection.should_close or has_unread(transport):
            return None
        else:
            earlier.is_over = True
            transport.set_protocol(cast(asyncio.BaseProtocol, connection))
        loan = self._latest[connection] = Loan(transport, is_reused=earlier is not None)
        return loan

    def take_back(self, connection: Pooled, transport: asyncio.WriteTransport) -> None:
        """The request has done with it, and nobody else has it yet."""
        transport.set_protocol(_Idle(connection, transport))

    def _watch(self, connection: Pooled) -> None:
        closed, loop = connection.closed, asyncio.get_running_loop()

        def gone(future: asyncio.Future[None]) -> None:
            if not future.cancelled():
                future.exception()  # taken, so that asyncio does not complain that nobody did
            loan = self._latest.get(connection)
            if loan is not None:
                loop.call_later(_GRACE, self._on_lost, loan)

        if closed is not None:
            closed.add_done_callback(gone)


def has_unread(transport: asyncio.BaseTransport) -> bool:
    """Whether something has come in that the loop has not looked at yet: an end, or an answer that nobody asked for."""
    descriptor = transport.get_extra_info("socket").fileno()
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def system_tls() -> ssl.SSLContext:
    """TLS as the system is set up: its trust store, its versions. Reading that takes tens of milliseconds."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
