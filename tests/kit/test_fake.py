"""The fake client: real limits, retries and pages, without a network and without waiting."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import date
from typing import Any, TypeVar

import pytest

from setsmart_async import (
    ConflictError,
    ConnectionLostError,
    DeadlineExceededError,
    InvalidResponseError,
    Property,
    RateLimitError,
    ServerError,
    SetSmart,
)
from setsmart_async.testing import (
    FakeSetSmart,
    Fault,
    fake_calendar_day,
    fake_conversation,
    fake_message,
    fake_property,
    fake_reservation,
    fake_webhook_event,
)

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


def test_it_holds_the_records_that_it_was_given() -> None:
    home = fake_property(bedrooms=3)
    stay = fake_reservation(property_id=home.id, adults=3)
    talk = fake_conversation(reservation_id=stay.id)
    message = fake_message(conversation_id=talk.id)
    setsmart: SetSmart = FakeSetSmart(home, stay, talk, message)

    async def main() -> None:
        assert await setsmart.properties.get(home.id) == home
        assert await setsmart.reservations.list(property_id=home.id).all() == [stay]
        assert await setsmart.conversations.messages(talk.id).all() == [message]
        with pytest.raises(ConflictError):
            await setsmart.reservations.create(property_id=home.id, check_in=stay.check_in, check_out=stay.check_out)

    run(main())


def test_a_quota_is_kept_to_and_takes_no_time() -> None:
    setsmart = FakeSetSmart(*(fake_property() for _ in range(95)), limit=10, window=3600.0, deadline=None)
    began = time.monotonic()
    homes = run(setsmart.properties.list(page_size=1).all())
    assert len(homes) == 95
    assert setsmart.sandbox.statistics.by_status == {200: 95}
    assert 9 * 3600 <= setsmart.clock.waited <= 11 * 3600
    assert time.monotonic() - began < 30
    assert setsmart.requests[0] == ("GET", "/properties?limit=1")


def test_many_tasks_share_a_quota_and_meet_no_429() -> None:
    setsmart = FakeSetSmart(fake_property(id="a"), limit=7, window=60.0, deadline=None)

    async def main() -> None:
        await asyncio.gather(*(setsmart.properties.get("a") for _ in range(60)))

    run(main())
    assert setsmart.sandbox.statistics.by_status == {200: 60}


MET: dict[str, tuple[list[Any], int]] = {
    "429": ([429], 2),
    "503 twice": ([503, 503], 3),
    "a broken connection": (["reset"], 2),
    "a proxy's page": (["html"], 2),
    "silence": (["stall"], 2),
    "half a JSON": (["bad_json"], 2),
    "half a gzip": (["broken_gzip"], 2),
    "with a Retry-After": ([Fault(status=429, retry_after=30)], 2),
}


@pytest.mark.parametrize("case", MET)
def test_a_fault_is_met_and_survived(case: str) -> None:
    faults, requests = MET[case]
    setsmart = FakeSetSmart(fake_property(id="a"), faults=faults)
    assert run(setsmart.properties.get("a")).id == "a"
    assert len(setsmart.requests) == requests
    assert setsmart.faults.unmet == ()
    assert len(setsmart.faults.happened) == len(faults)


ENDED: dict[str, tuple[list[Any], type[Exception]]] = {
    "429 for ever": ([429] * 3, RateLimitError),
    "500 for ever": ([500] * 3, ServerError),
}


@pytest.mark.parametrize("case", ENDED)
def test_what_does_not_end_is_an_error(case: str) -> None:
    faults, kind = ENDED[case]
    setsmart = FakeSetSmart(fake_property(id="a"), faults=faults)
    with pytest.raises(kind):
        run(setsmart.properties.get("a"))


def test_an_answer_that_is_lost_has_had_its_effect() -> None:
    setsmart = FakeSetSmart(faults=["reset_after"])

    async def main() -> None:
        with pytest.raises(ConnectionLostError) as lost:
            await setsmart.properties.create(name="A", address="B", bedrooms=1, bathrooms=1, max_guests=2)
        assert lost.value.outcome.value == "unknown"

    run(main())
    assert len(setsmart.sandbox.properties) == 1


def test_pages_that_lie_are_told() -> None:
    homes = [fake_property() for _ in range(6)]
    repeating = FakeSetSmart(*homes, page_size=2, faults=[Fault("repeated_page", operation="properties.list")])
    repeating.faults._last_page.clear()

    async def walk(setsmart: FakeSetSmart) -> list[Property]:
        return await setsmart.properties.list().all()

    first = FakeSetSmart(*homes, page_size=2)

    async def with_a_repetition() -> None:
        async for page in first.properties.list().pages():
            assert page.items
            first.faults.add("repeated_page")

    with pytest.raises(InvalidResponseError):
        run(with_a_repetition())
    emptied = FakeSetSmart(*homes, page_size=2, faults=["empty_page"])
    assert len(run(walk(emptied))) == 4  # an empty page in the middle is no end, and nothing is invented


def test_a_list_that_moves_while_it_is_read_gives_no_record_twice() -> None:
    homes = [fake_property() for _ in range(6)]
    setsmart = FakeSetSmart(*homes, page_size=2)

    async def main() -> list[str]:
        found: list[str] = []
        async for home in setsmart.properties.list():
            if not found:
                setsmart.faults.add("shifted_page")
            found.append(home.id)
        return found

    found = run(main())
    assert found == [home.id for home in homes if home is not homes[3]]  # which the shifted page did not hold
    assert setsmart.faults.unmet == ()


def test_a_fault_waits_for_its_operation() -> None:
    setsmart = FakeSetSmart(fake_property(id="a"), faults=[Fault(status=500, operation="properties.list")])
    assert run(setsmart.properties.get("a")).id == "a"
    assert len(setsmart.faults.unmet) == 1


def test_a_deadline_counts_the_time_that_was_skipped() -> None:
    setsmart = FakeSetSmart(fake_property(id="a"), limit=1, window=3600.0)

    async def main() -> None:
        await setsmart.properties.get("a")
        with pytest.raises(DeadlineExceededError):
            await setsmart.properties.get("a")

    run(main())


def test_records_can_be_made_in_one_line() -> None:
    assert fake_property().id != fake_property().id
    assert fake_property(status="draft").status == "draft"
    assert fake_reservation(check_in=date(2027, 5, 1)).nights == 3
    assert "Testesen" not in repr(fake_reservation())
    assert fake_calendar_day(min_stay=2).min_stay == 2
    assert fake_webhook_event(type="message.received").type.known
    with pytest.raises(TypeError):
        fake_property(bedroms=3)
