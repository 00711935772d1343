"""Cancelled at each place where a request waits: the cancellation comes out as it is, and nothing stays behind."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, Generic, TypeVar

import pytest

from setsmart_async import AttemptTimeoutError, HttpRequest
from setsmart_async.testing.transport_contract._suite import certificates
from setsmart_async.testing.transport_contract._suite.exchange import (
    assert_bare_frames,
    closing,
    failure_of,
    request,
    run,
)
from setsmart_async.testing.transport_contract._suite.misbehaviour import JSON, OK
from setsmart_async.testing.transport_contract._suite.raw_server import Peer, RawServer
from setsmart_async.testing.transport_contract._suite.scripts import silent
from setsmart_async.testing.transport_contract._suite.stage import on_sockets
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import Transport

T = TypeVar("T")


class Interrupted(Generic[T]):
    """Awaits something, and does something to the current task where it waits for the `place`-th time."""

    def __init__(self, work: Awaitable[T], place: int, interrupt: Callable[[], object]) -> None:
        self._work = work
        self._place = place
        self._interrupt = interrupt
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._work.__await__()
        step: Callable[[], Any] = partial(next, inner)
        while True:
            try:
                waits_for = step()
            except StopIteration as end:
                result: T = end.value
                return result
            self.waits += 1
            if self.waits == self._place:
                self._interrupt()
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - whatever comes, a cancellation mostly, goes into the work
                step = partial(inner.throw, error)
            else:
                step = partial(next, inner)


def in_pieces(peer: Peer) -> None:
    """Answer so slowly that every stage is waited for."""
    for received in peer.requests():
        if received.target.endswith("quick"):
            peer.send(OK + b"Content-Length: 14\r\n\r\n" + JSON)
            continue
        for piece in (OK, b"Transfer-Encoding: chunked\r\n\r\n", b"e\r\n" + JSON[:5], JSON[5:] + b"\r\n", b"0\r\n\r\n"):
            peer.send(piece)
            if peer.wait_for_hang_up(0.003):
                return


def cancelled_at(place: int, transport: Transport, asked: HttpRequest) -> "asyncio.Task[int]":
    """A task that sends, and is cancelled where it waits for the `place`-th time; ends with how often it waited."""

    async def send() -> int:
        task = asyncio.current_task()
        assert task is not None
        interrupted = Interrupted(transport.send(asked, timeout=5), place, task.cancel)
        try:
            assert (await interrupted).body == JSON
        except asyncio.CancelledError as cancelled:
            assert_bare_frames(cancelled)
            raise
        return interrupted.waits

    return asyncio.create_task(send())


async def timed_out_at(place: int, transport: Transport, asked: HttpRequest) -> int:
    """The same with `asyncio.timeout`, as callers do it."""
    async with asyncio.timeout(None) as limit:
        loop = asyncio.get_running_loop()
        interrupted = Interrupted(transport.send(asked, timeout=5), place, lambda: limit.reschedule(loop.time() - 1))
        assert (await interrupted).body == JSON
    return interrupted.waits


@on_sockets
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("by", ["cancel", "timeout"])
def test_r34_at_every_place(candidate: Candidate, scheme: str, method: str, by: str) -> None:
    """The first request opens the transport, the second finds a connection."""
    tls = certificates.good() if scheme == "https" else None

    async def interrupt_at(place: int, transport: Transport) -> bool:
        """Whether there still was such a place."""
        for body in (None, bytes(600_000)):
            asked = request(server.origin, method, body=body if method == "POST" else None, fresh=body is None)
            if by == "timeout":
                try:
                    waits = await timed_out_at(place, transport, asked)
                except TimeoutError as error:
                    assert type(error) is TimeoutError
                else:
                    assert waits < place
                    return False
            else:
                task = cancelled_at(place, transport, asked)
                await asyncio.wait([task])
                if not task.cancelled():
                    assert task.result() < place
                    return False
                assert task.cancelling() == 1
            quick = HttpRequest(method="GET", origin=server.origin, target="/quick", headers={})
            assert (await transport.send(quick, timeout=5)).body == JSON
        return True

    with RawServer(in_pieces, tls=tls) as server:
        places = 0
        while run(closing(candidate.make(ssl_context=certificates.trusting()), partial(interrupt_at, places + 1))):
            places += 1
            assert server.all_closed(), f"a connection stays open after a cancellation at place {places}"
        assert places >= 2


@on_sockets
def test_r34_a_request_made_while_being_cancelled(candidate: Candidate) -> None:
    """As in a `finally` block: the cancellation is known already, and is not taken for one of this request."""

    async def clean_up(transport: Transport) -> None:
        try:
            await asyncio.sleep(5)
        finally:
            error = await failure_of(transport, request(server.origin), timeout=0.05)
            assert isinstance(error, AttemptTimeoutError)

    async def cancelled(transport: Transport) -> None:
        task = asyncio.create_task(clean_up(transport))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert task.cancelling() == 1

    with RawServer(silent) as server:
        run(closing(candidate.make(), cancelled))
