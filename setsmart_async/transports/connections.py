"""Connections as asyncio has them, below the HTTP library: who has one, what came unasked, and how to break it."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import Final, Protocol

import attrs

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

    def data_received(self, data: bytes) -> None:
        """As asyncio's; and so are the others."""
        ...

    def eof_received(self) -> bool | None:
        """Nothing more will come."""
        ...

    def pause_writing(self) -> None:
        """The peer is slow to read."""
        ...

    def resume_writing(self) -> None:
        """The peer has caught up."""
        ...

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone."""
        ...


class _Gate(asyncio.Protocol):
    """Before the library's end of a connection: what comes while no request has it is for nobody, and ends it."""

    def __init__(self, connection: Pooled, transport: asyncio.WriteTransport) -> None:
        self._connection, self._transport = connection, transport
        self.is_open = True
        """Whether a request has the connection."""
        self._descriptor = transport.get_extra_info("socket").fileno()
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(self._descriptor, select.POLLIN)

    def has_unread(self) -> bool:
        """Whether something has come that the loop has not looked at yet: an end, or an answer nobody asked for."""
        if self._poll is None:  # Windows
            return bool(select.select([self._descriptor], [], [], 0)[0])
        return bool(self._poll.poll(0))

    def data_received(self, data: bytes) -> None:
        if self.is_open:
            self._connection.data_received(data)
        else:
            self._transport.abort()

    def eof_received(self) -> bool | None:
        return self._connection.eof_received()

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connection.connection_lost(exc)


class Loan:
    """One request's use of a connection."""

    __slots__ = ("_gate", "_transport", "is_over", "is_reused")

    def __init__(self, transport: asyncio.WriteTransport, *, is_reused: bool, gate: _Gate | None = None) -> None:
        self._transport = transport
        self._gate = gate
        self.is_reused: bool = is_reused
        """Whether the connection has carried a request before."""
        self.is_over: bool = False
        """Whether another request has the connection by now."""

    def take_back(self) -> None:
        """The library has done with the connection, and nobody else has it yet."""
        if self._gate is not None:
            self._gate.is_open = False

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


@attrs.define(eq=False)
class _Known:
    """What is known of one connection."""

    gate: _Gate
    latest: Loan


class Lending:
    """Lends connections, to one request after the other, and tells when one is gone."""

    def __init__(self, on_lost: Callable[[Loan], None]) -> None:
        """`on_lost` is called with the latest loan, a moment after its connection has gone."""
        self._on_lost = on_lost
        self._known: dict[Pooled, _Known] = {}

    def lend(self, connection: Pooled, transport: asyncio.WriteTransport) -> Loan | None:
        """Lend it; None when something has come on it that nobody asked for, or its end, so that it must not be used.

        A new one is lent as it is: what comes before the first request is for that request to judge.
        """
        known = self._known.get(connection)
        if known is None:
            return self._lend_first(connection, transport)
        if connection.should_close or known.gate.has_unread():
            return None
        known.latest.is_over = True
        known.gate.is_open = True
        loan = known.latest = Loan(transport, is_reused=True, gate=known.gate)
        return loan

    def _lend_first(self, connection: Pooled, transport: asyncio.WriteTransport) -> Loan:
        gate = _Gate(connection, transport)
        loan = Loan(transport, is_reused=False, gate=gate)
        closed, loop = connection.closed, asyncio.get_running_loop()
        if closed is None:
            return loan  # gone already: aiohttp notices before it writes
        transport.set_protocol(gate)
        self._known[connection] = _Known(gate, loan)

        def gone(future: asyncio.Future[None]) -> None:
            if not future.cancelled():
                future.exception()  # taken, so that asyncio does not complain that nobody did
            known = self._known.pop(connection, None)
            if known is not None:
                loop.call_later(_GRACE, self._on_lost, known.latest)

        closed.add_done_callback(gone)
        return loan


def system_tls() -> ssl.SSLContext:
    """TLS as the system is set up: its trust store, its versions. Reading that takes tens of milliseconds."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
