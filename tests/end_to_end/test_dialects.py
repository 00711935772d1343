"""A server that speaks another dialect, and a client that is told so: each setting, from end to end."""

from collections.abc import Callable, Coroutine
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from end_to_end.accounts import using

from setsmart_async import CalendarChange, Dialect, NewProperty, SetSmart, SetSmartError
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.seed import seed_properties
from setsmart_async.wire import HttpRequest, HttpResponse, Json, decode_json

HOME: NewProperty = {"name": "Villa", "address": "1 Shore Road", "bedrooms": 3, "bathrooms": 1.5, "max_guests": 6}
FIRST, LAST = date(2026, 12, 24), date(2026, 12, 27)

DIALECTS: dict[str, tuple[Dialect, str]] = {
    "paths": (
        Dialect(
            paths={
                "properties.list": "/homes",
                "properties.create": "/homes/new",
                "reservations.cancel": "/reservations/{id}/void",
                "calendar.push": "/homes/{id}/days",
                "messages.list": "/threads/{id}",
            }
        ),
        "/homes/new",
    ),
    "fields": (
        Dialect(
            fields={
                "properties.id": "uid",
                "properties.name": "title",
                "properties.max_guests": "accommodates",
                "reservations.check_in": "arrival",
                "reservations.check_out": "departure",
                "calendar.date": "day",
                "calendar.nightly_rate": "price",
                "messages.body": "text",
                "webhooks.url": "target",
            }
        ),
        '"accommodates":6',
    ),
    "swapped fields": (Dialect(fields={"properties.name": "address", "properties.address": "name"}), '"name":"1 Shore'),
    "parameters": (
        Dialect(parameters={"properties.status": "state", "reservations.property_id": "home"}),
        "state=active",
    ),
    "paging": (
        Dialect(cursor_parameter="after", page_parameter="number", page_size_parameter="per_page"),
        "per_page=2",
    ),
    "the key's header": (Dialect(api_key_header="Authorization"), "authorization"),
    "the list's key": (Dialect(items_key="records"), '"records":'),
    "the record's key": (Dialect(record_key="result"), '"result":{'),
    "the calendar's key": (Dialect(calendar_key="updates"), '"updates":[{'),
    "money as a number": (Dialect(money="number"), '"total_amount":4500.5'),
    "money as an object": (Dialect(money="object"), '"total_amount":{"amount":"4500.50","currency":"NOK"}'),
    "idempotency": (Dialect(idempotency_header="X-Request-Once"), "x-request-once"),
    "updates replace": (Dialect(update_style="replace"), '"address":"1 Shore Road"'),
}


async def everything(setsmart: SetSmart) -> None:
    """Once through the API."""
    villa = await setsmart.properties.create(**HOME)
    changed = await setsmart.properties.update(villa.id, max_guests=8)
    assert (changed.id, changed.name, changed.address, changed.max_guests) == (villa.id, "Villa", "1 Shore Road", 8)
    assert await setsmart.properties.get(villa.id) == changed
    homes = await setsmart.properties.list(status="active", page_size=2).all()
    assert len(homes) > 4
    assert changed in homes
    stay = await setsmart.reservations.create(
        property_id=villa.id, check_in=FIRST, check_out=LAST, total_amount=Decimal("4500.50"), currency="NOK"
    )
    assert (stay.nights, stay.total_amount, stay.currency) == (3, Decimal("4500.50"), "NOK")
    assert await setsmart.reservations.list(property_id=villa.id).all() == [stay]
    change = CalendarChange(start_date=LAST, nightly_rate=Decimal("99.50"), currency="EUR")
    [chunk] = await setsmart.calendar.push(villa.id, [change])
    chunk.unwrap()
    [night, day] = await setsmart.calendar.get(villa.id, start_date=date(2026, 12, 26), end_date=LAST)
    assert (night.reservation_id, day.nightly_rate, day.currency) == (stay.id, Decimal("99.50"), "EUR")
    assert (await setsmart.reservations.cancel(stay.id, cancelled_by="host")).status == "cancelled"
    sent = await setsmart.conversations.send("conv_1", "Welcome")
    assert [message.body for message in await setsmart.conversations.messages("conv_1").all()] == ["Hi", "Welcome"]
    assert sent.body == "Welcome"
    hook = await setsmart.webhook_subscriptions.create(url="https://example.com/", events=["*"])
    assert (await setsmart.webhook_subscriptions.get(hook.id)).url == "https://example.com/"
    await setsmart.properties.delete(villa.id)


def sandbox(dialect: Dialect) -> tuple[SandboxApi, list[str]]:
    """A server of this dialect, and all that goes over the wire."""
    api = SandboxApi(
        seed_properties(7),
        conversations=[{"id": "conv_1"}],
        messages=[{"id": "msg_1", "conversation_id": "conv_1", "body": "Hi"}],
        dialect=dialect,
    )
    wire: list[str] = []
    handle = api.handle

    def watched(request: HttpRequest, *, client_address: str = "127.0.0.1") -> HttpResponse:
        answer = handle(request, client_address=client_address)
        names = " ".join(name.lower() for name in request.headers)
        wire.append(f"{request.target} {names} {(request.body or b'').decode()} {answer.body.decode()}")
        return answer

    api.handle = watched  # type: ignore[method-assign]  # to listen in
    return api, wire


@pytest.mark.parametrize("case", DIALECTS)
def test_each_setting_makes_both_sides_speak_alike(case: str) -> None:
    dialect, on_the_wire = DIALECTS[case]
    api, wire = sandbox(dialect)
    using("memory", api, everything, dialect=dialect)
    assert any(on_the_wire in line for line in wire), "the dialect was not spoken"


SILENT = ("swapped fields", "parameters", "paging", "the list's key")
"""Nothing fails when only one side speaks these: a filter is ignored, names stand for each other, a list under another
key is found. The rest of this file shows what they do."""
READ_ANYWAY = ("money as a number", "money as an object", "idempotency")
"""What the client copes with untold."""


@pytest.mark.parametrize("case", sorted(set(DIALECTS) - {*SILENT, *READ_ANYWAY}))
def test_a_client_that_is_not_told_fails(case: str) -> None:
    api, _ = sandbox(DIALECTS[case][0])
    with pytest.raises((SetSmartError, AssertionError)):
        using("memory", api, everything)


def asked_with(dialect: Dialect, use: Callable[[SetSmart], Coroutine[Any, Any, object]]) -> list[Json]:
    """The bodies that a server of this dialect was sent."""
    api = SandboxApi(seed_properties(3), dialect=dialect)
    bodies: list[Json] = []
    handle = api.handle

    def watched(request: HttpRequest, *, client_address: str = "127.0.0.1") -> HttpResponse:
        if request.body:
            bodies.append(decode_json(request.body))
        return handle(request, client_address=client_address)

    api.handle = watched  # type: ignore[method-assign]  # to listen in
    using("memory", api, use, dialect=dialect)
    return bodies


def test_where_put_replaces_unknown_fields_survive() -> None:
    async def use(setsmart: SetSmart) -> None:
        before = await setsmart.properties.list().first()
        assert before is not None
        assert before.extra
        after = await setsmart.properties.update(before.id, name="Other")
        assert (after.name, after.extra) == ("Other", before.extra)

    [body] = asked_with(Dialect(update_style="replace", fields={"properties.name": "title"}), use)
    assert isinstance(body, dict)
    assert (body["title"], "name" in body, "room_type" in body) == ("Other", False, True)
