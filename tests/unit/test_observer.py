"""Telling observers; priorities; the machine's clock."""

import asyncio
import logging
import time

import pytest

from setsmart_async import AttemptEnded, Event, Priority, QuotaWaited, RetryScheduled, SystemClock
from setsmart_async.observer import tell

EVENTS: list[Event] = [
    AttemptEnded(operation="GET /properties", call_id=1, number=1, seconds=0.1, status=200),
    RetryScheduled(operation="GET /properties", call_id=1, number=1, delay=0.2),
    QuotaWaited(operation="GET /properties", call_id=1, seconds=3.0),
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_observer_is_told_the_event_itself(event: Event) -> None:
    told: list[Event] = []
    tell(told.append, event)
    assert told == [event]
    assert told[0] is event


def test_what_an_observer_raises_is_logged_without_its_text_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(event: Event) -> None:
        raise ValueError("canary0123456789")

    with caplog.at_level(logging.WARNING):
        tell(failing, EVENTS[0])
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("setsmart_async", "observer raised ValueError on AttemptEnded")
    ]
    assert "canary" not in caplog.text


def test_a_cancellation_passes_through() -> None:
    def cancelled(event: Event) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        tell(cancelled, EVENTS[0])


def test_interactive_goes_before_normal_before_bulk() -> None:
    assert sorted(Priority) == [Priority.INTERACTIVE, Priority.NORMAL, Priority.BULK]


def test_the_system_clock_is_the_machines() -> None:
    clock = SystemClock()
    assert time.monotonic() <= clock.monotonic() <= time.monotonic()
    assert time.time() <= clock.wall() <= time.time() + 1

    async def turn() -> None:
        await clock.sleep(0)

    asyncio.run(turn())
