"""Records for tests, in one line each: ``fake_property(bedrooms=3)``. What is not said is made up, and always legal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Final, TypeVar, cast

from setsmart_async.records.calendar_day import CalendarDay
from setsmart_async.records.conversation import Conversation, Message, MessageDirection, MessageSender, MessageStatus
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.records.property import Property, PropertyStatus
from setsmart_async.records.reservation import Guest, Reservation, ReservationStatus
from setsmart_async.records.webhook import WebhookEvent, WebhookEventType

R = TypeVar("R")

_NUMBERS: Final = count(1)
_MADE: Final = datetime(2027, 1, 1, tzinfo=UTC)
_STATUSES: Final[Mapping[type, type[OpenEnum]]] = {
    Property: PropertyStatus,
    Reservation: ReservationStatus,
    Message: MessageStatus,
}


def fake_property(**fields: object) -> Property:
    """A `Property` that differs from every other by its id."""
    number = next(_NUMBERS)
    made: dict[str, object] = {
        "id": f"prop_fake_{number}",
        "name": f"Home {number}",
        "address": f"{number} Shore Road",
        "bedrooms": 2,
        "bathrooms": 1.0,
        "max_guests": 4,
        "status": "active",
        "timezone": "Europe/Oslo",
        "currency": "NOK",
        "created_at": _MADE,
        "updated_at": _MADE,
    }
    return _record(Property, {**made, **fields})


def fake_guest(**fields: object) -> Guest:
    """A `Guest` that nobody is."""
    number = next(_NUMBERS)
    made: dict[str, object] = {
        "id": f"guest_fake_{number}",
        "first_name": "Kari",
        "last_name": f"Testesen {number}",
        "email": f"guest{number}@example.com",
        "phone": "+47 000 00 000",
        "language": "nb",
        "country": "NO",
    }
    return _record(Guest, {**made, **fields})


def fake_reservation(**fields: object) -> Reservation:
    """A `Reservation` of three nights; pass the `property_id` of a home that there is."""
    number = next(_NUMBERS)
    check_in = cast(date, fields.get("check_in", date(2027, 2, 1)))
    made: dict[str, object] = {
        "id": f"res_fake_{number}",
        "property_id": "prop_fake",
        "check_in": check_in,
        "check_out": check_in + timedelta(days=3),
        "status": "confirmed",
        "guest": fake_guest(),
        "adults": 2,
        "channel": "direct",
        "created_at": _MADE,
        "updated_at": _MADE,
    }
    return _record(Reservation, {**made, **fields})


def fake_calendar_day(**fields: object) -> CalendarDay:
    """A `CalendarDay` that can be booked."""
    made: dict[str, object] = {"date": date(2027, 2, 1), "available": True, **fields}
    return _record(CalendarDay, made)


def fake_conversation(**fields: object) -> Conversation:
    """A `Conversation` with something unread in it."""
    number = next(_NUMBERS)
    made: dict[str, object] = {"id": f"conv_fake_{number}", "channel": "email", "unread": True, "updated_at": _MADE}
    return _record(Conversation, {**made, **fields})


def fake_message(**fields: object) -> Message:
    """A `Message` from a guest; pass the `conversation_id` of a conversation that there is."""
    number = next(_NUMBERS)
    made: dict[str, object] = {
        "id": f"msg_fake_{number}",
        "conversation_id": "conv_fake",
        "direction": MessageDirection.INBOUND,
        "sender": MessageSender.GUEST,
        "body": "When can we check in?",
        "status": "delivered",
        "created_at": _MADE,
    }
    return _record(Message, {**made, **fields})


def fake_webhook_event(**fields: object) -> WebhookEvent:
    """A `WebhookEvent`; ``type`` may be a text."""
    made: dict[str, object] = {"type": "reservation.created", "timestamp": _MADE, "data": {}, **fields}
    made.setdefault("id", f"evt_fake_{next(_NUMBERS)}")
    made["type"] = WebhookEventType(str(made["type"]))
    return _record(WebhookEvent, made)


def _record(kind: type[R], fields: Mapping[str, object]) -> R:
    """The record; its status may be given as a text."""
    status, arguments = fields.get("status"), cast("dict[str, Any]", {**fields})
    if isinstance(status, str):
        arguments["status"] = _STATUSES[kind](status)
    return kind(**arguments)
