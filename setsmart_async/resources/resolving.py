"""What an event is about, as it is now."""

from __future__ import annotations

from typing import TypeAlias

from setsmart_async.config import CallOptions
from setsmart_async.contract import Dialect
from setsmart_async.engine.engine import Engine
from setsmart_async.errors import NotFoundError
from setsmart_async.records.conversation import Conversation
from setsmart_async.records.property import Property
from setsmart_async.records.reservation import Reservation
from setsmart_async.records.webhook import WebhookEvent
from setsmart_async.resources.conversations import Conversations
from setsmart_async.resources.properties import Properties
from setsmart_async.resources.reservations import Reservations
from setsmart_async.webhooks.events import record_id, resource_of

Resolved: TypeAlias = Property | Reservation | Conversation
"""What an event can be about."""


async def resolve(event: WebhookEvent, engine: Engine, options: CallOptions, dialect: Dialect) -> Resolved | None:
    """See `SetSmart.resolve`."""
    resource = resource_of(event)
    identifier = record_id(event)
    if resource == "message":
        identifier = next(
            (str(event.data[name]) for name in ("conversation_id", "conversationId") if event.data.get(name)), None
        )
    if resource not in ("property", "calendar", "reservation", "message"):
        raise ValueError(f"There is no resource for events of type {str(event.type)!r}: use SetSmart.request.")
    if identifier is None:
        raise ValueError("The event holds no id of what it is about.")
    try:
        if resource == "reservation":
            return await Reservations(engine, options, dialect).get(identifier)
        if resource == "message":
            return await Conversations(engine, options, dialect).get(identifier)
        return await Properties(engine, options, dialect).get(identifier)
    except NotFoundError:
        return None
