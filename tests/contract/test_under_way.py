"""What ends a request, without a transport: for moments that no server can bring about at will."""

import asyncio

import pytest

from setsmart_async import AttemptTimeoutError, BodyTruncatedError, ClientClosedError, Outcome
from setsmart_async.testing.transport_contract._suite.exchange import run
from setsmart_async.transports.connections import Loan
from setsmart_async.transports.under_way import Sending, UnderWay


class Wire(asyncio.Transport):
    """Stands for a connection."""

    cuts = 0

    def abort(self) -> None:
        self.cuts += 1


async def under_way(every: UnderWay, limit: float | None = None) -> tuple[Sending, "asyncio.Task[None]"]:
    """A request that waits for ever, and its task, which ends as `AiohttpTransport.send` does."""
    begun: asyncio.Future[Sending] = asyncio.get_running_loop().create_future()

    async def send() -> None:
        sending = every.begin(limit)
        begun.set_result(sending)
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            error = sending.error()
            if error is None:
                raise
        else:
            return
        finally:
            every.finish(sending)
        raise error

    task = asyncio.create_task(send())
    return await begun, task


def test_a_lost_connection_ends_the_request_that_it_carries() -> None:
    async def lose() -> None:
        every, lost, other = UnderWay(), Loan(Wire(), is_reused=False), Loan(Wire(), is_reused=False)
        waiting, reading, read, elsewhere = [await under_way(every) for _ in range(4)]
        for sending, _ in (waiting, reading, read):
            sending.carried_by(lost)
        elsewhere[0].carried_by(other)
        reading[0].status = read[0].status = 200
        read[0].is_read = True
        every.connection_lost(lost)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [task.done() for _, task in (waiting, reading, read, elsewhere)] == [True, True, False, False]
        assert isinstance(reading[1].exception(), BodyTruncatedError)
        await every.close()
        assert all(isinstance(task.exception(), ClientClosedError) for _, task in (read, elsewhere))
        waiting[1].exception()

    run(lose())


def test_a_request_that_is_done_all_the_same_keeps_its_answer_and_its_task() -> None:
    async def answer_at_the_last_moment() -> None:
        every = UnderWay()
        task = asyncio.current_task()
        assert task is not None
        sending = every.begin(0.01)
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            pass  # as a library may, when the answer has just come
        finally:
            every.finish(sending)
        assert task.cancelling() == 0
        await asyncio.sleep(0)

    run(answer_at_the_last_moment())


def test_only_the_first_reason_counts() -> None:
    async def twice() -> None:
        every = UnderWay()
        sending, task = await under_way(every, limit=0.01)
        await asyncio.sleep(0.02)
        sending.end(ClientClosedError())
        with pytest.raises(AttemptTimeoutError) as caught:
            await task
        assert caught.value.outcome is Outcome.NOT_SENT

    run(twice())


def test_a_connection_that_another_request_has_is_not_cut() -> None:
    wire = Wire()
    loan = Loan(wire, is_reused=False)
    loan.is_over = True
    loan.cut()
    assert wire.cuts == 0
    Loan(wire, is_reused=False).cut()
    assert wire.cuts == 1
