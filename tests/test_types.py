"""What a type checker sees of the interface: mypy and pyright check these lines; nothing here is run."""

from collections.abc import AsyncGenerator, Mapping
from datetime import date
from decimal import Decimal
from typing import assert_type

import attrs

from setsmart_async import (
    CalendarDay,
    Conversation,
    Guest,
    Listing,
    Message,
    NewProperty,
    Page,
    Property,
    PropertyStatus,
    PushedChunk,
    Reply,
    Reservation,
    ReservationStatus,
    Result,
    SetSmart,
    WebhookSubscription,
)
from setsmart_async.wire import Json


@attrs.frozen(kw_only=True)
class CleaningTask:
    id: str
    extra: Mapping[str, object] = attrs.field(factory=dict[str, object])


async def reading(setsmart: SetSmart) -> None:
    villa = await setsmart.properties.get("prop_123")
    assert_type(villa, Property)
    assert_type(villa.status, PropertyStatus | None)
    assert_type(villa.extra, Mapping[str, object])
    homes = setsmart.properties.list(status="active")
    assert_type(homes, Listing[Property])
    assert_type(homes.prefetch(3), Listing[Property])
    assert_type(await homes.all(max_items=3), list[Property])
    assert_type(await homes.first(), Property | None)
    async for home in homes:
        assert_type(home, Property)
    async for page in homes.pages():
        assert_type(page, Page[Property])
        assert_type(page.next_cursor, str | None)
    many = setsmart.properties.get_many(["a"])
    assert_type(many, AsyncGenerator[Result[Property], None])
    async for result in many:
        assert_type(result.value, Property | None)
        assert_type(result.unwrap(), Property)


async def writing(setsmart: SetSmart) -> None:
    new: NewProperty = {"name": "Villa", "address": "1 Shore Road", "bedrooms": 3, "bathrooms": 1.5, "max_guests": 6}
    assert_type(await setsmart.properties.create(**new), Property)
    assert_type(await setsmart.properties.update("a", max_guests=8, currency=None), Property)
    assert_type(await setsmart.properties.delete("a"), None)
    async for created in setsmart.properties.create_many([new]):
        assert_type(created, Result[Property])
    async for changed in setsmart.properties.update_many({"a": {"max_guests": 4}}):
        assert_type(changed, Result[Property])
    async for deleted in setsmart.properties.delete_many(["a"]):
        assert_type(deleted, Result[None])


async def what_a_checker_refuses(setsmart: SetSmart) -> None:
    await setsmart.properties.create(name="Villa")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # the rest is missing
    await setsmart.properties.update("a", guests=8)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no such field
    await setsmart.properties.update("a", max_guests="8")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # no number
    await setsmart.reservations.cancel("a", cancelled_by="dog")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # only people


async def the_other_resources(setsmart: SetSmart) -> None:
    stay = await setsmart.reservations.create(
        property_id="a", check_in=date(2026, 1, 1), check_out=date(2026, 1, 2), guest=Guest(first_name="Kari")
    )
    assert_type(stay, Reservation)
    assert_type(stay.status, ReservationStatus | None)
    assert_type(stay.total_amount, Decimal | None)
    assert_type(stay.nights, int)
    assert_type(await setsmart.reservations.cancel("a", cancelled_by="guest"), Reservation)
    days = await setsmart.calendar.get("a", start_date=date(2026, 1, 1), end_date=date(2026, 1, 2))
    assert_type(days, list[CalendarDay])
    assert_type(await setsmart.calendar.push("a", []), list[PushedChunk])
    async for chunk in setsmart.calendar.push_many({"a": []}):
        assert_type(chunk, PushedChunk)
    assert_type(setsmart.conversations.list(unread=True), Listing[Conversation])
    assert_type(setsmart.conversations.messages("a"), Listing[Message])
    assert_type(await setsmart.conversations.send("a", "Hello"), Message)
    subscription = await setsmart.webhook_subscriptions.create(url="https://example.com/", events=["*"])
    assert_type(subscription, WebhookSubscription)
    assert_type(subscription.secret, str | None)


async def anything_else(setsmart: SetSmart) -> None:
    tasks = setsmart.resource("/cleaning-tasks", CleaningTask)
    assert_type(await tasks.get("a"), CleaningTask)
    assert_type(await tasks.create(team="A"), CleaningTask)
    assert_type(tasks.list(team="A"), Listing[CleaningTask])
    async for result in tasks.get_many(["a"]):
        assert_type(result.unwrap(), CleaningTask)
    assert_type(await setsmart.request("GET", "/properties/a", record=Property), Reply[Property])
    assert_type(await setsmart.request("GET", "/anything"), Reply[Json])
