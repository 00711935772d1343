"""Connections as asyncio has them, below the HTTP library: who has one, what came unasked, and how to break it."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import Final, Protocol
from weakref import WeakKeyDictionary

_GRACE: Final = 0.05  # seconds for the library to tell a request itself that its connection is gone


class Pooled(Protocol):
    """The library's end of a connection, as far as it matters here."""

    @property
    def closed(self) -> asyncio.Future[None] | None:
        """Done when the connection is gone."""
        ...

    @property
    def should_close(self) -> bool:
        """Whether it is in no state to carry another request."""
        ...


class Loan:
    """One request's use of a connection."""

    __slots__ = ("_transport", "is_over")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self.is_over = False
        """Whether another request has the connection by now."""

    def cut(self) -> None:
        """Break the connection at once, whatever it still has to write, unless another request has it by now."""
        if not self.is_over:
            self._transport.abort()


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
        loan = self._latest[connection] = Loan(transport)
        return loan

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
