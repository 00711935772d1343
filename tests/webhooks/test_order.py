"""R-56: older never overwrites newer, and what is not known is passed on."""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable

import pytest
from webhooks.made import NOW, SetClock, at, delivery, event_body, never, receiver

from setsmart_async import WebhookEvent
from setsmart_async.webhooks import ReplayStore

MakeStore = Callable[[], ReplayStore]


@pytest.mark.parametrize("seed", range(20))
def test_r56_older_never_overwrites_newer(seed: int) -> None:
    """Against a model: whatever the order and repetition, each record ends as its newest event says."""
    chance = random.Random(seed)
    events = [(second, f"res_{chance.randrange(3)}") for second in range(40)]
    copies = events + chance.sample(events, 20)
    chance.shuffle(copies)

    async def main() -> None:
        state: dict[str, int] = {}
        async with receiver() as webhooks:

            @webhooks.on("reservation.updated")
            async def handle(event: WebhookEvent) -> None:
                await asyncio.sleep(chance.random() / 1000)
                assert event.timestamp
                second = event.timestamp.minute * 60 + event.timestamp.second
                assert state.get(str(event.data["id"]), -1) <= second
                state[str(event.data["id"])] = second

            for start in range(0, len(copies), 10):
                batch = copies[start : start + 10]
                await asyncio.gather(*(webhooks.receive(*delivery(at(s, record=r), f"msg_{s}")) for s, r in batch))
        assert state == {record: max(s for s, r in events if r == record) for _, record in events}

    asyncio.run(main())


def test_r56_a_deletion_before_its_creation(make_store: MakeStore) -> None:
    async def main() -> None:
        seen: list[str] = []
        record = f"prop_{secrets.token_hex(4)}"
        async with receiver(make_store()) as webhooks:

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                seen.append(event.type)

            for second, name in [(9, "deleted"), (1, "created"), (5, "updated")]:
                sent = delivery(at(second, f"property.{name}", record), f"msg_{record}_{second}")
                assert (await webhooks.receive(*sent)).status == 200
        assert seen == ["property.deleted"]

    asyncio.run(main())


def test_r56_versions_count_before_times() -> None:
    async def main() -> None:
        seen: list[object] = []
        async with receiver() as webhooks:

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                seen.append(event.data["version"])

            for second, version in [(9, 1), (5, 3), (7, 2)]:
                await webhooks.receive(*delivery(at(second, version=version), f"msg_{second}"))
        assert seen == [1, 3]

    asyncio.run(main())


def test_r56_a_handler_may_ask_for_any_order() -> None:
    async def main() -> None:
        seen: list[str] = []
        async with receiver() as webhooks:

            @webhooks.on("reservation.created", any_order=True)
            @webhooks.on("reservation.updated")
            async def handle(event: WebhookEvent) -> None:
                seen.append(event.type)

            await webhooks.receive(*delivery(at(9), "msg_9"))
            await webhooks.receive(*delivery(at(1, "reservation.created"), "msg_1"))
        assert seen == ["reservation.updated", "reservation.created"]

    asyncio.run(main())


def test_r56_an_unknown_type_reaches_the_hook_as_it_came(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        seen: list[WebhookEvent] = []
        async with receiver() as webhooks:
            webhooks.on("reservation.updated")(never)
            assert (await webhooks.receive(*delivery(event_body("cleaning.Started"), "msg_1"))).status == 200

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                seen.append(event)

            body = event_body("cleaning.Started", extra_field=[1], data={"room": 7})
            assert (await webhooks.receive(*delivery(body, "msg_2"))).status == 200
        (event,) = seen
        assert (event.type, event.type.known, event.data["room"]) == ("cleaning.Started", False, 7)
        assert event.extra == {"extra_field": [1]}

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    assert "cleaning.Started has no handler" in caplog.text


def test_r56_while_another_process_is_at_the_record_it_is_put_off(make_store: MakeStore) -> None:
    async def main() -> None:
        store, clock, seen = make_store(), SetClock(), list[str]()
        record = f"res_{secrets.token_hex(4)}"
        turn = f"turn:reservation/{record} by time"
        others = await store.claim(turn, now=NOW, lease=60)
        assert others.token
        async with receiver(store, clock) as webhooks:

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                seen.append(event.id)

            sent = delivery(at(1, record=record), f"msg_{record}")
            assert (await webhooks.receive(*sent)).status == 503
            assert 0.5 < sum(clock.slept) < 5
            await store.release(turn, others.token)
            assert (await webhooks.receive(*sent)).status == 200
        assert seen == ["evt_1"]

    asyncio.run(main())
