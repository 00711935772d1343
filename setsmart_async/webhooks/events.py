"""What a genuine delivery says: the envelope, under the names that senders give its parts. All *provisional*."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, cast

import attrs

from setsmart_async.errors import InvalidResponseError
from setsmart_async.records.codec import decode_record
from setsmart_async.records.webhook import WebhookEvent
from setsmart_async.webhooks.verifier import VerifiedDelivery, refused
from setsmart_async.wire import Json, JsonObject, decode_json

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "event_id", "eventId"),
    "type": ("type", "event", "event_type", "eventType", "topic"),
    "timestamp": ("timestamp", "occurred_at", "occurredAt", "created_at", "createdAt", "created", "time"),
    "data": ("data", "payload", "object", "resource"),
}
"""The envelope's fields, each by the names it may come under, the first first. *Provisional.*"""

_MILLISECONDS: Final = 100_000_000_000
"""Unix times from here on are milliseconds: as seconds they would lie after the year 5000."""
_LABELS: Final = frozenset({"object", "type"})


def read_event(delivery: VerifiedDelivery) -> WebhookEvent:
    """The event in a verified delivery. Fields that are not known are kept in `extra`; so are types, as they came.

    A delivery without an event id gets its own, or its body's fingerprint, for one. Raises
    `WebhookVerificationError` when the body is no JSON object; the log says so.
    """
    try:
        body = decode_json(delivery.body)
    except InvalidResponseError:
        raise refused("genuine, but the body is not JSON") from None
    if not isinstance(body, dict):
        raise refused("genuine, but the body is not a JSON object")
    envelope: JsonObject = dict(body)
    found: JsonObject = {name: _taken(envelope, name) for name in ALIASES}
    event_id = found["id"]
    if isinstance(event_id, bool) or not isinstance(event_id, str | int) or event_id == "":
        event_id = delivery.id or delivery.fingerprint
    data = found["data"]
    if not isinstance(data, dict):  # the record lies in the envelope itself: its fields are data and extra
        data = {} if data is None else {"value": data}
        data |= envelope
    plain: JsonObject = {**envelope, "id": str(event_id), "type": str(found["type"] or ""), "data": data}
    instant = _instant(found["timestamp"])
    if instant is not None:
        plain["timestamp"] = instant.isoformat()
    try:
        return decode_record(WebhookEvent, plain)
    except InvalidResponseError:
        raise refused("genuine, but the body is not an event") from None


def _taken(envelope: JsonObject, name: str) -> Json:
    """The field's value, out of the envelope; a name beyond its own is taken only when it fits."""
    for alias in ALIASES[name]:
        value = envelope.get(alias)
        fits = isinstance(value, dict) if name == "data" else isinstance(value, str | int | float)
        if fits or (alias == name and value is not None):
            return envelope.pop(alias)
    envelope.pop(name, None)
    return None


def _instant(value: Json) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        if isinstance(value, str):
            instant = datetime.fromisoformat(value)
            return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
        return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def is_thin(event: WebhookEvent) -> bool:
    """Whether the event holds ids alone, so that the record has to be read from the API."""
    return all(name == "id" or name.endswith(("_id", "Id")) or name in _LABELS for name in event.data)


def resource_of(event: WebhookEvent) -> str:
    """What the event is about: ``reservation`` of ``reservation.cancelled``; as text, whatever the type."""
    return str(event.type).partition(".")[0]


def record_id(event: WebhookEvent) -> str | None:
    """The id of the record that the event is about; None when the data does not tell."""
    resource = resource_of(event)
    # A calendar has no id of its own: it is its property's.
    names = ["property_id", "propertyId"] if resource == "calendar" else ["id", f"{resource}_id", f"{resource}Id"]
    for name in names:
        value = event.data.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


@attrs.frozen
class Position:
    """Where an event stands among those about the same record."""

    subject: str
    """The record, and the measure: versions are compared with versions, times with times."""
    value: float
    """The record's version, or unix seconds: the greater is the newer."""


def position_of(event: WebhookEvent) -> Position | None:
    """By the record's `version`, else the event's `timestamp`, else the record's `updated_at`; None: unknown."""
    record = record_id(event)
    if record is None:
        return None
    subject = f"{resource_of(event)}/{record}"
    version = event.data.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and abs(version) < 2**53:
        return Position(f"{subject} by version", float(version))
    instant = event.timestamp or _instant(cast(Json, event.data.get("updated_at", event.data.get("updatedAt"))))
    return None if instant is None else Position(f"{subject} by time", instant.timestamp())
