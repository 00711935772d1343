"""Closing, cancelling, and the loop that a client belongs to."""

import asyncio

import pytest
from engine.scene import (
    OK,
    exhausted,
    failure_of,
    played,
    stage,
    status,
)

from setsmart_async import (
    CallError,
    ClientClosedError,
    Outcome,
    Property,
    SetSmart,
    WrongEventLoopError,
)


class TestClosing:
    def test_a_closed_client_refuses(self) -> None:
        async def main() -> CallError:
            s = stage(OK)
            await s.client.aclose()
            await s.client.aclose()
            return await failure_of(s.client.properties.get("prop_123"))

        error = played(main)
        assert isinstance(error, ClientClosedError)
        assert error.outcome is Outcome.NOT_SENT

    def test_r35_calls_that_wait_for_quota_are_turned_away_and_a_task_group_hears_of_it(self) -> None:
        async def main() -> tuple[int, int]:
            s = stage(exhausted)
            await s.client.properties.get("prop_123")
            with pytest.raises(ExceptionGroup) as caught:
                async with asyncio.TaskGroup() as group:
                    for _ in range(3):
                        group.create_task(s.client.properties.get("prop_123"))
                    await asyncio.sleep(0.1)
                    await s.client.aclose()
            errors = caught.value.exceptions
            return sum(isinstance(error, ClientClosedError) for error in errors), s.client.quota.waiting

        turned_away, waiting = played(main)
        assert turned_away >= 1
        assert waiting == 0

    def test_closing_a_borrowed_client_closes_nothing(self) -> None:
        async def main() -> Property:
            s = stage(OK)
            async with s.client.with_options(deadline=5.0) as borrowed:
                await borrowed.properties.get("prop_123")
            return await s.client.properties.get("prop_123")

        assert played(main).id == "prop_123"

    def test_r37_a_second_event_loop_is_refused(self) -> None:
        clients: list[SetSmart] = []

        async def first() -> None:
            clients.append(stage(OK).client)
            await clients[0].properties.get("prop_123")

        async def second() -> CallError:
            return await failure_of(clients[0].properties.get("prop_123"))

        played(first)
        assert isinstance(played(second), WrongEventLoopError)


class TestCancelling:
    @pytest.mark.parametrize("moment", [0.0, 0.5, 1.05, 1.5])
    def test_r34_a_cancelled_call_gives_back_its_slot_wherever_it_is(self, moment: float) -> None:
        async def main() -> tuple[int, int]:
            s = stage(status(500), OK, latency=1.0)
            task = asyncio.create_task(s.client.properties.get("prop_123"))
            await asyncio.sleep(moment)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert task.cancelled()
            await s.client.properties.get("prop_123")
            return s.client.quota.in_flight, s.client.quota.waiting

        assert played(main) == (0, 0)
