"""Answers without end, and small ones that grow: refused soon, in little memory, without holding up the loop."""

import asyncio
import gzip
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache, partial

import pytest

from setsmart_async import HttpResponse, Outcome, ProtocolError, ResponseTooLargeError, TransportError
from setsmart_async.testing.transport_contract._suite.exchange import closing, failure_of, request, run
from setsmart_async.testing.transport_contract._suite.misbehaviour import JSON, OK, WHOLE
from setsmart_async.testing.transport_contract._suite.raw_server import Peer, RawServer
from setsmart_async.testing.transport_contract._suite.stage import on_sockets
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import MAX_RESPONSE_BYTES, Transport

MEBI = 1024 * 1024
LONGEST_TURN = 0.05
"""Seconds of CPU."""
MOST_MEMORY = 64 * MEBI
INFLATED = 128 * MEBI
"""What a bomb holds, and where an endless answer ends after all: a transport without bounds fails, no machine does."""


@cache
def bomb() -> bytes:
    """An eighth of a mebibyte of gzip that holds 128 of zeros: a block for one mebibyte, again and again."""
    squeezing = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = squeezing.compress(bytes(MEBI)) + squeezing.flush(zlib.Z_FULL_FLUSH)
    return (
        gzip.compress(b"", mtime=0)[:10] + block * (INFLATED // MEBI) + zlib.compressobj(wbits=-15).flush() + bytes(8)
    )


@cache
def members() -> bytes:
    return gzip.compress(b"") * 100_000


def with_length(body: Callable[[], bytes], peer: Peer) -> None:
    peer.request()
    peer.send(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body()) + body())
    peer.wait_for_hang_up()


def in_chunks(peer: Peer) -> None:
    peer.request()
    body = bomb()
    peer.send(OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body)
    peer.send(b"\r\n0\r\n\r\n")
    peer.wait_for_hang_up()


def flood(peer: Peer, chunks: bytes, times: int) -> None:
    peer.request()
    peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(times):
        if peer.wait_for_hang_up(0.0001):
            return
        peer.send(chunks)


def endless(peer: Peer) -> None:
    flood(peer, b"40000\r\n" + bytes(0x40000) + b"\r\n", times=INFLATED // 0x40000)


def tiny_chunks(peer: Peer) -> None:
    flood(peer, b"1\r\n0\r\n" * 10_000, times=200)


async def longest_turn(work: "asyncio.Task[TransportError]") -> float:
    """The most CPU time that the loop's thread has spent between two of our turns, in seconds."""
    longest, before = 0.0, time.thread_time()
    while not work.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, before = max(longest, now - before), now
    return longest


@on_sockets
@pytest.mark.parametrize(
    ("script", "limit", "error_type"),
    [
        pytest.param(partial(with_length, bomb), MAX_RESPONSE_BYTES, ResponseTooLargeError, id="r18-gzip bomb"),
        pytest.param(in_chunks, MAX_RESPONSE_BYTES, ResponseTooLargeError, id="r18-gzip bomb in chunks"),
        pytest.param(endless, MAX_RESPONSE_BYTES, ResponseTooLargeError, id="r21-endless"),
        pytest.param(tiny_chunks, 30_000, ResponseTooLargeError, id="r21-endless in tiny chunks"),
        pytest.param(partial(with_length, members), MAX_RESPONSE_BYTES, ProtocolError, id="r20-100,000 gzip members"),
    ],
)
def test_r18_r20_a_bomb_is_refused_soon(
    candidate: Candidate, script: Callable[[Peer], None], limit: int, error_type: type[TransportError]
) -> None:
    bomb()
    members()

    async def timed(transport: Transport) -> float:
        task = asyncio.create_task(failure_of(transport, request(server.origin), timeout=20))
        turn = await longest_turn(task)
        assert isinstance(task.result(), error_type)
        assert task.result().outcome is Outcome.APPLIED
        return turn

    async def weighed(transport: Transport) -> int:
        tracemalloc.start()
        try:
            await failure_of(transport, request(server.origin), timeout=20)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with RawServer(script) as server:
        make = partial(candidate.make, max_response_bytes=limit)
        assert run(closing(make(), timed)) < LONGEST_TURN
        assert run(closing(make(), weighed)) < MOST_MEMORY
        assert server.all_closed()
        assert len(server.requests) == 2


@on_sockets
def test_a_refused_answer_does_not_break_the_request_after_it(candidate: Candidate) -> None:
    """While the answer is still being inflated, its connection carries another request already."""
    body = gzip.compress(bytes(MAX_RESPONSE_BYTES + 1))
    sent = threading.Event()

    def script(peer: Peer) -> None:
        for received in peer.requests():
            if received.method == "PUT":
                peer.send(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                sent.set()
            else:
                peer.wait_for_hang_up(0.05)
                peer.send(WHOLE)

    async def meanwhile(transport: Transport) -> None:
        refused = asyncio.create_task(failure_of(transport, request(server.origin, "PUT")))
        await asyncio.to_thread(sent.wait)
        others: list[asyncio.Task[HttpResponse]] = []
        while not refused.done():
            others.append(asyncio.create_task(transport.send(request(server.origin), timeout=5)))
            await asyncio.sleep(0)
        assert isinstance(refused.result(), ResponseTooLargeError)
        assert [(await other).body for other in others] == [JSON] * len(others)

    with RawServer(script) as server:
        run(closing(candidate.make(), meanwhile))
        assert [received.method for received in server.requests if received.connection == 1][:1] == ["PUT"]
