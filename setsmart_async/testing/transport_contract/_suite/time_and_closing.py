"""The promises of `Transport` about time, cancelling and closing (5 to 7), on every transport."""

import asyncio
import time

import pytest

from setsmart_async import (
    AttemptTimeoutError,
    ClientClosedError,
    HttpRequest,
    HttpResponse,
    Outcome,
    TransportError,
    WrongEventLoopError,
)
from setsmart_async.testing.transport_contract._suite.exchange import (
    SLACK,
    assert_bare,
    closing,
    failure,
    failure_of,
    request,
    run,
)
from setsmart_async.testing.transport_contract._suite.handlers import OK, always
from setsmart_async.testing.transport_contract._suite.stage import on_every_transport, scene
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import Transport

# 5. `send` ends within `timeout` seconds.


@on_every_transport
def test_r09_a_late_answer_ends_in_time(candidate: Candidate) -> None:
    with scene(candidate, always(OK), latency=10.0) as stage:
        began = time.monotonic()
        error = failure(stage.make, request(stage.origin), timeout=0.1)
    assert isinstance(error, AttemptTimeoutError)
    assert 0.1 <= time.monotonic() - began < 0.1 + SLACK


@on_every_transport
def test_each_request_ends_by_its_own_limit(candidate: Candidate) -> None:
    limits = [30.0, 0.3, 0.1, None, 0.2]

    async def each_ends(transport: Transport) -> list[float | None]:
        async def one(limit: float | None) -> float | None:
            began = time.monotonic()
            try:
                await transport.send(request(stage.origin), timeout=limit)
            except AttemptTimeoutError:
                return time.monotonic() - began
            return None

        return list(await asyncio.gather(*map(one, limits)))

    with scene(candidate, always(OK), latency=0.8) as stage:
        took = run(closing(stage.make(), each_ends))
    for limit, seconds in zip(limits, took, strict=True):
        assert (seconds is None) == (limit in {None, 30.0})
        assert seconds is None or limit is None or limit <= seconds < limit + SLACK


@on_every_transport
def test_r10_after_a_timeout_the_next_request_gets_its_own_answer(candidate: Candidate) -> None:
    def handler(asked: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, body=asked.body or b"")

    async def two(transport: Transport) -> HttpResponse:
        await failure_of(transport, request(stage.origin, "PUT", body=b'"first"'), timeout=0.05)
        return await transport.send(request(stage.origin, "PUT", body=b'"second"'), timeout=5)

    with scene(candidate, handler, latency=0.2) as stage:
        assert run(closing(stage.make(), two)).body == b'"second"'


# 6. Only our errors come out, and cancellation passes untouched. More of it in test_cancelling.py.


@on_every_transport
def test_r34_cancellation_passes_untouched(candidate: Candidate) -> None:
    async def cancelled(transport: Transport) -> None:
        task = asyncio.create_task(transport.send(request(stage.origin), timeout=5))
        while candidate.has_sockets and not stage.requests:  # noqa: ASYNC110 - the server is in a thread
            await asyncio.sleep(0.001)
        # Only now: while a connection is made, anyio may cancel with a message of its own.
        await asyncio.sleep(0.05)
        task.cancel("by the caller")
        with pytest.raises(asyncio.CancelledError, match="by the caller"):
            await task
        assert task.cancelled()
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await transport.send(request(stage.origin), timeout=5)
        assert not isinstance(caught.value, TransportError)

    with scene(candidate, always(OK), latency=0.5) as stage:
        run(closing(stage.make(), cancelled))


@on_every_transport
@pytest.mark.parametrize("order", ["timeout first", "caller first"])
def test_r34_a_cancellation_at_the_moment_of_a_timeout_is_kept(candidate: Candidate, order: str) -> None:
    async def both(transport: Transport) -> None:
        task = asyncio.create_task(transport.send(request(stage.origin), timeout=0.1))
        asyncio.get_running_loop().call_later(0.0999 if order == "caller first" else 0.1001, task.cancel)
        await asyncio.sleep(0)
        time.sleep(0.11)  # noqa: ASYNC251 - so that both are due in one turn of the loop
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1

    with scene(candidate, always(OK), latency=0.5) as stage:
        run(closing(stage.make(), both))


# 7. Made outside a loop, opened lazily in the running one; closed once and for all. More of it in test_closing.py.


@on_every_transport
def test_r37_made_outside_a_loop_and_bound_to_the_first_one(candidate: Candidate) -> None:
    with scene(candidate, always(OK)) as stage:
        transport = stage.make()

        async def refused() -> None:
            with pytest.raises(WrongEventLoopError) as caught:
                await transport.send(request(stage.origin), timeout=5)
            assert_bare(caught.value)

        async def first() -> None:
            await transport.send(request(stage.origin), timeout=5)
            await asyncio.to_thread(asyncio.run, refused())
            await transport.aclose()

        run(first())
    assert len(stage.requests) == 1


@on_every_transport
def test_closing_needs_no_request_before_and_no_request_comes_after(candidate: Candidate) -> None:
    async def closed() -> None:
        transport = stage.make()
        await transport.aclose()
        await transport.aclose()
        with pytest.raises(ClientClosedError) as caught:
            await transport.send(request(stage.origin), timeout=5)
        assert_bare(caught.value)
        assert caught.value.outcome is Outcome.NOT_SENT

    with scene(candidate, always(OK)) as stage:
        run(closed())
    assert not stage.requests


@on_every_transport
def test_r35_closing_ends_what_is_under_way(candidate: Candidate) -> None:
    async def close_while_sending(transport: Transport) -> None:
        tasks = [asyncio.create_task(transport.send(request(stage.origin), timeout=20)) for _ in range(50)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await transport.aclose()
        assert all(task.done() for task in tasks)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert time.monotonic() - began < SLACK
        for task, result in zip(tasks, results, strict=True):
            assert isinstance(result, ClientClosedError)
            assert task.cancelling() == 0
            assert_bare(result)

    with scene(candidate, always(OK), latency=10.0) as stage:
        run(closing(stage.make(), close_while_sending))


@on_every_transport
def test_r35_a_task_group_hears_of_it(candidate: Candidate) -> None:
    async def close_under_a_group(transport: Transport) -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(transport.send(request(stage.origin), timeout=20))
                await asyncio.sleep(0.1)
                await transport.aclose()
        assert {type(error) for error in caught.value.exceptions} == {ClientClosedError}

    with scene(candidate, always(OK), latency=10.0) as stage:
        run(closing(stage.make(), close_under_a_group))
