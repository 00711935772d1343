"""Closing a transport: what is under way ends with our error, wherever it is, and nothing stays open."""

import asyncio
import gc
import time
import warnings
from contextlib import ExitStack

import pytest

from setsmart_async import ClientClosedError, Outcome, WrongEventLoopError
from setsmart_async.testing.transport_contract._suite import certificates
from setsmart_async.testing.transport_contract._suite.exchange import SLACK, assert_bare, closing, request, run
from setsmart_async.testing.transport_contract._suite.misbehaviour import JSON, OK
from setsmart_async.testing.transport_contract._suite.raw_server import RawServer
from setsmart_async.testing.transport_contract._suite.scripts import (
    LARGE,
    after_a_request,
    full_backlog,
    not_reading,
    silent,
    stalled_handshake,
    well_behaved,
)
from setsmart_async.testing.transport_contract._suite.stage import on_sockets
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import Transport


@on_sockets
def test_r35_at_every_stage(candidate: Candidate) -> None:
    """One request at each stage, from connecting to the last byte of the body."""
    header = OK + b"Content-Length: 14\r\n\r\n"

    async def close_all(transport: Transport) -> None:
        stages = {
            Outcome.NOT_SENT: [request(connecting, fresh=True), request(shaking_hands)],
            Outcome.UNKNOWN: [request(waiting.origin), request(uploading.origin, "POST", body=LARGE)],
            Outcome.APPLIED: [request(halfway.origin, "PUT")],
        }
        assert (await transport.send(request(idle.origin), timeout=5)).body == JSON
        tasks = {
            asyncio.create_task(transport.send(asked, timeout=None)): outcome
            for outcome, requests in stages.items()
            for asked in requests
        }
        await asyncio.sleep(0.2)
        began = time.monotonic()
        await asyncio.gather(transport.aclose(), transport.aclose())
        assert time.monotonic() - began < SLACK
        for task, outcome in tasks.items():
            error = task.exception()
            assert isinstance(error, ClientClosedError)
            assert error.outcome is outcome
            assert task.cancelling() == 0
            assert_bare(error)

    with ExitStack() as stack:
        connecting = stack.enter_context(full_backlog())
        shaking_hands = stack.enter_context(stalled_handshake())
        servers = [RawServer(script) for script in (silent, not_reading, after_a_request(header + b"["), well_behaved)]
        waiting, uploading, halfway, idle = (stack.enter_context(server) for server in servers)
        run(closing(candidate.make(ssl_context=certificates.trusting()), close_all))
        assert all(server.all_closed() for server in servers)


@on_sockets
def test_r35_while_it_is_being_opened(candidate: Candidate) -> None:
    async def close_at_once(transport: Transport) -> None:
        tasks = [asyncio.create_task(transport.send(request(server.origin), timeout=5)) for _ in range(3)]
        await asyncio.sleep(0)
        await transport.aclose()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [ClientClosedError] * 3
        assert all(task.cancelling() == 0 for task in tasks)

    with RawServer(well_behaved) as server:
        run(closing(candidate.make(), close_at_once))
        assert server.all_closed()
        assert not server.requests


@on_sockets
def test_r35_a_caller_that_cancels_as_well_gets_its_cancellation(candidate: Candidate) -> None:
    async def both(transport: Transport) -> None:
        task = asyncio.create_task(transport.send(request(server.origin), timeout=5))
        await asyncio.sleep(0.05)
        aclose = asyncio.create_task(transport.aclose())
        await asyncio.sleep(0)  # it has asked the request to end
        task.cancel()
        await asyncio.wait([task, aclose])
        assert task.cancelled()

    with RawServer(silent) as server:
        run(closing(candidate.make(), both))


@on_sockets
def test_r36_a_loop_that_ended_first(candidate: Candidate, caplog: pytest.LogCaptureFixture) -> None:
    """Closing from the next loop closes what there is, and is no error."""

    async def use(transport: Transport) -> None:
        assert (await transport.send(request(server.origin), timeout=5)).body == JSON

    async def close(transport: Transport) -> None:
        await transport.aclose()
        with pytest.raises(ClientClosedError):
            await transport.send(request(server.origin), timeout=5)

    def in_two_loops(transport: Transport) -> None:
        asyncio.run(use(transport))
        run(close(transport))

    with RawServer(well_behaved) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the loop took its connections with it
        in_two_loops(candidate.make())
        caplog.clear()  # asyncio's debug mode logs connections, and so keeps them
        gc.collect()


@on_sockets
def test_r37_closing_from_another_thread_is_refused(candidate: Candidate) -> None:
    async def elsewhere(transport: Transport) -> None:
        await transport.send(request(server.origin), timeout=5)
        with pytest.raises(WrongEventLoopError):
            await asyncio.to_thread(asyncio.run, transport.aclose())
        assert (await transport.send(request(server.origin), timeout=5)).body == JSON

    with RawServer(well_behaved) as server:
        run(closing(candidate.make(), elsewhere))
