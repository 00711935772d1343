"""Webhooks: who is told of what, and what a delivery holds. All of it is provisional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

import attrs

from setsmart_async.records.extra import no_extra
from setsmart_async.records.open_enum import OpenEnum


class WebhookEventType(
    OpenEnum,
    members=(
        *("property.created", "property.updated", "property.deleted"),
        *("reservation.created", "reservation.updated", "reservation.cancelled"),
        *("calendar.updated", "message.received", "*"),
    ),
    spellings={"reservation.canceled": "reservation.cancelled"},
):
    """What happened; ``*`` subscribes to all. *Provisional*; unknown ones are kept."""

    __slots__ = ()
    PROPERTY_CREATED: ClassVar[WebhookEventType]
    PROPERTY_UPDATED: ClassVar[WebhookEventType]
    PROPERTY_DELETED: ClassVar[WebhookEventType]
    RESERVATION_CREATED: ClassVar[WebhookEventType]
    RESERVATION_UPDATED: ClassVar[WebhookEventType]
    RESERVATION_CANCELLED: ClassVar[WebhookEventType]
    CALENDAR_UPDATED: ClassVar[WebhookEventType]
    MESSAGE_RECEIVED: ClassVar[WebhookEventType]
    ALL: ClassVar[WebhookEventType]


def _without_secrets(url: str) -> str:
    """The address for printing: user, password, path and query often hold a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "..."
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/..."


@attrs.frozen(kw_only=True)
class WebhookSubscription:
    """Where the server sends which events. Every field is *provisional*.

    Printing one shows no secret, and of the address only the host.
    """

    id: str
    """Opaque."""
    url: str = attrs.field(repr=_without_secrets)
    """https. *Provisional.*"""
    events: tuple[WebhookEventType, ...] = ()
    """What it is told of; ``*``: everything. *Provisional.*"""
    active: bool | None = None
    """Whether deliveries are sent. *Provisional.*"""
    secret: str | None = attrs.field(default=None, repr=False)
    """Signs the deliveries. Only in the answer that creates the subscription: keep it then. *Provisional.*"""
    created_at: datetime | None = None
    """UTC. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""


@attrs.frozen(kw_only=True)
class WebhookEvent:
    """The envelope of a delivery. Every field is *provisional*. Printing one does not show its data.

    Deliveries repeat and arrive out of order: `id` tells a repetition, and only the API the present state.
    """

    id: str
    """The same in every repetition of the delivery."""
    type: WebhookEventType
    """What happened. *Provisional.*"""
    timestamp: datetime | None = None
    """When it happened, UTC. *Provisional.*"""
    data: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """The record as JSON, or only its ids. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the envelope that this version does not know, as they came."""
