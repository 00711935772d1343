"""Answering before the handler ends: the queue in memory, the hand-over, and the close."""

import asyncio

import pytest
from webhooks.made import NOW, SetClock, at, delivery, event_body, receiver

from setsmart_async import WebhookEvent
from setsmart_async.webhooks import Background, MemoryReplayStore, VerifiedDelivery


def test_background_answers_first_and_the_close_waits() -> None:
    async def main() -> None:
        go, effects = asyncio.Event(), list[str]()
        webhooks = receiver(background=Background(capacity=2, workers=1))

        @webhooks.on("*")
        async def handle(event: WebhookEvent) -> None:
            await go.wait()
            effects.append(event.id)

        async def send(second: int) -> int:
            return (await webhooks.receive(*delivery(at(second), f"msg_{second}"))).status

        assert await send(1) == 200
        await asyncio.sleep(0)  # the worker takes it
        await asyncio.sleep(0.01)
        assert [await send(2), await send(3), await send(4)] == [200, 200, 503]
        assert effects == []
        asyncio.get_running_loop().call_later(0.05, go.set)
        closing = asyncio.create_task(webhooks.aclose())
        await asyncio.sleep(0)
        assert await send(5) == 503
        await closing
        assert effects == ["evt_1", "evt_2", "evt_3"]

    asyncio.run(main())


def test_background_tries_again_and_gives_up(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock, calls = SetClock(), list[str]()
        store = MemoryReplayStore()
        webhooks = receiver(store, clock, background=Background(attempts=3))

        @webhooks.on("*")
        async def handle(event: WebhookEvent) -> None:
            calls.append(event.id)
            raise ValueError

        await webhooks.receive(*delivery(event_body()))
        await webhooks.aclose()
        assert calls == ["evt_1"] * 3
        assert clock.slept == [1.0, 2.0]
        assert (await store.claim("delivery:msg_1", now=NOW, lease=60)).token  # sent by hand, it is taken again

    asyncio.run(main())
    assert "given up after 3 attempts" in caplog.text


def test_background_leaves_alone_what_another_has_taken_since() -> None:
    async def main() -> None:
        store, seen = MemoryReplayStore(), list[str]()
        webhooks = receiver(store, background=Background(workers=1))

        @webhooks.on("*")
        async def handle(event: WebhookEvent) -> None:
            seen.append(event.id)

        await webhooks.receive(*delivery(at(1), "msg_1"))  # waits for its worker, who has not begun
        assert (await store.claim("delivery:msg_1", now=NOW + 60, lease=60)).token  # its lease has ended
        await webhooks.aclose()
        assert seen == []

    asyncio.run(main())


def test_a_close_that_does_not_wait_gives_back(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        store = MemoryReplayStore()
        webhooks = receiver(store, background=Background(workers=1))

        @webhooks.on("*")
        async def handle(event: WebhookEvent) -> None:
            await asyncio.Event().wait()

        for second in (1, 2):
            await webhooks.receive(*delivery(at(second), f"msg_{second}"))
        await webhooks.aclose(grace=0.02)
        for second in (1, 2):
            assert (await store.claim(f"delivery:msg_{second}", now=NOW, lease=60)).token

    asyncio.run(main())
    assert "still running" in caplog.text


def test_durable_hand_over() -> None:
    async def main() -> None:
        table: list[tuple[str | None, WebhookEvent]] = []
        fails = iter([True, False])
        seen: list[str] = []

        async def hand_over(delivered: VerifiedDelivery, event: WebhookEvent) -> None:
            if next(fails):
                raise OSError
            table.append((delivered.id, event))

        async with receiver(hand_over=hand_over) as webhooks:

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                seen.append(event.id)

            statuses = [(await webhooks.receive(*delivery(event_body()))).status for _ in range(3)]
            assert statuses == [503, 200, 200]
            assert seen == []
            for _, event in table:
                await webhooks.handle(event)
        assert seen == ["evt_1"]

    asyncio.run(main())
