"""R-53: once, whatever comes; and nothing is lost at a crash or a cancellation."""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from webhooks.made import NOW, SetClock, delivery, event_body, never, receiver

from setsmart_async import ConfigurationError, WebhookEvent, WebhookStoreError
from setsmart_async.webhooks import Background, Claim, MemoryReplayStore, ReplayStore

MakeStore = Callable[[], ReplayStore]
DAY = 86_400


def test_r53_a_hundred_copies_at_once(make_store: MakeStore) -> None:
    async def main() -> None:
        effects: list[str] = []
        one, other = receiver(make_store()), receiver(make_store())

        async def handle(event: WebhookEvent) -> None:
            await asyncio.sleep(0.01)
            effects.append(event.id)

        one.on("reservation.updated")(handle)
        other.on("reservation.updated")(handle)
        copy = delivery(event_body(data={"id": secrets.token_hex(4)}), f"msg_{secrets.token_hex(8)}")
        answers = await asyncio.gather(*((one, other)[number % 2].receive(*copy) for number in range(100)))
        assert effects == ["evt_1"]
        # Until it is done nobody may tell the sender that it is; those that are told so later are right.
        assert {answer.status for answer in answers} <= {200, 503}
        assert (await other.receive(*copy)).status == 200
        assert effects == ["evt_1"]
        await one.aclose()
        await other.aclose()

    asyncio.run(main())


def test_r53_a_handler_that_raises_is_called_again(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        calls = itertools.count(1)
        effects: list[int] = []
        async with receiver() as webhooks:

            @webhooks.on("reservation.updated")
            async def handle(event: WebhookEvent) -> None:
                if (number := next(calls)) < 3:
                    raise ValueError("not yet")
                effects.append(number)

            statuses = [(await webhooks.receive(*delivery(event_body()))).status for _ in range(4)]
        assert statuses == [503, 503, 200, 200]
        assert effects == [3]

    asyncio.run(main())
    assert caplog.text.count("ValueError: not yet") == 2


def test_r53_a_handler_that_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with receiver(handler_timeout=0.05) as webhooks:
            waits = iter([10.0, 0.0])

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                await asyncio.sleep(next(waits))

            assert (await webhooks.receive(*delivery(event_body()))).status == 503
            assert (await webhooks.receive(*delivery(event_body()))).status == 200

    asyncio.run(main())


def test_r53_replays_are_inert() -> None:
    async def main() -> None:
        clock = SetClock()
        effects: list[str] = []
        async with receiver(clock=clock) as webhooks:

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                effects.append(event.id)

            first = delivery(event_body())
            assert (await webhooks.receive(*first)).status == 200
            clock.now = NOW + 360
            assert (await webhooks.receive(*first)).status == 400  # replayed: too old
            clock.now = NOW + 3 * DAY
            assert (await webhooks.receive(*first)).status == 400
            repeated = delivery(event_body(), at=clock.now)  # by its sender, who signs each time anew
            assert (await webhooks.receive(*repeated)).status == 200
        assert effects == ["evt_1"]

    asyncio.run(main())


def test_r53_a_claim_of_a_dead_process_is_taken_when_its_lease_ends(make_store: MakeStore) -> None:
    async def main() -> None:
        clock, store = SetClock(), make_store()
        effects: list[str] = []
        message = f"msg_{secrets.token_hex(8)}"
        assert (await store.claim(f"delivery:{message}", now=NOW, lease=60)).token  # by one who dies
        async with receiver(store, clock) as webhooks:

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                effects.append(event.id)

            body = event_body(data={})
            clock.now = NOW + 59
            assert (await webhooks.receive(*delivery(body, message, clock.now))).status == 503
            clock.now = NOW + 60
            assert (await webhooks.receive(*delivery(body, message, clock.now))).status == 200
        assert effects == ["evt_1"]

    asyncio.run(main())


def test_r34_cancelled_at_every_step_it_is_given_back_or_done() -> None:
    """Wherever the sender hangs up: either it took effect and is done, or the next copy is taken."""

    class SlowStore(MemoryReplayStore):
        async def claim(self, key: str, *, now: float, lease: float) -> Claim:
            await asyncio.sleep(0)
            claim = await super().claim(key, now=now, lease=lease)
            await asyncio.sleep(0)
            return claim

        async def done(self, key: str, token: str, *, now: float, keep: float) -> bool:
            await asyncio.sleep(0)
            done = await super().done(key, token, now=now, keep=keep)
            await asyncio.sleep(0)
            return done

        async def release(self, key: str, token: str) -> None:
            await asyncio.sleep(0)
            await super().release(key, token)

        async def newest(self, subject: str) -> float | None:
            await asyncio.sleep(0)
            return await super().newest(subject)

        async def advance(self, subject: str, position: float, *, now: float, keep: float) -> bool:
            await asyncio.sleep(0)
            return await super().advance(subject, position, now=now, keep=keep)

    async def main(steps: int) -> bool:
        effects: list[str] = []
        async with receiver(SlowStore()) as webhooks:

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                await asyncio.sleep(0)
                effects.append(event.id)

            task = asyncio.create_task(webhooks.receive(*delivery(event_body())))
            for _ in range(steps):
                await asyncio.sleep(0)
            ended = task.done()
            task.cancel()
            if not ended:
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert (await webhooks.receive(*delivery(event_body()))).status == 200, steps
            assert effects == ["evt_1"], steps
        return ended

    assert [asyncio.run(main(steps)) for steps in range(80)][-1]


def test_r49_forged_unreadable_and_unasked_for_look_the_same() -> None:
    async def main() -> None:
        async with receiver() as webhooks:
            webhooks.on("*")(never)
            for body in (b"", b"\xff\xfe", b"[1]", b'"text"', b"[" * 100_000, b"{"):
                genuine = await webhooks.receive(*delivery(body))
                forged = await webhooks.receive(body, {})
                assert genuine == forged
                assert (forged.status, forged.body) == (400, b'{"status":"refused"}')

    asyncio.run(main())


def test_r34_cancelled_while_the_store_fails() -> None:
    class Failing(MemoryReplayStore):
        async def claim(self, key: str, *, now: float, lease: float) -> Claim:
            await asyncio.sleep(0.01)
            raise WebhookStoreError("The store can not be used.")

    async def main() -> None:
        async with receiver(Failing()) as webhooks:
            task = asyncio.create_task(webhooks.receive(*delivery(event_body())))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_a_store_that_fails_means_try_again(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemoryReplayStore):
        async def claim(self, key: str, *, now: float, lease: float) -> Claim:
            raise WebhookStoreError("The store can not be used.")

    async def main() -> None:
        async with receiver(Broken()) as webhooks:
            answer = await webhooks.receive(*delivery(event_body()))
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")

    asyncio.run(main())
    assert "The store can not be used." in caplog.text


@pytest.mark.parametrize(
    "settings",
    [
        {"handler_timeout": 0},
        {"handler_timeout": 30, "lease": 60},
        {"lease": 100, "keep": 99},
        {"background": Background(), "hand_over": never},
    ],
)
def test_settings_that_contradict_each_other(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        receiver(**settings)


def test_one_handler_for_each_type() -> None:
    webhooks = receiver()
    webhooks.on("reservation.cancelled")(never)
    with pytest.raises(ConfigurationError, match="already"):
        webhooks.on("reservation.canceled")
