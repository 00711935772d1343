"""Guest communication: conversations and their messages. All of it is provisional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import attrs

from setsmart_async.records.extra import no_extra
from setsmart_async.records.open_enum import OpenEnum


class MessageDirection(OpenEnum, members=("inbound", "outbound")):
    """Which way a message went, seen from the host. *Provisional*; unknown ones are kept."""

    __slots__ = ()
    INBOUND: ClassVar[MessageDirection]
    OUTBOUND: ClassVar[MessageDirection]


class MessageSender(OpenEnum, members=("guest", "host", "system")):
    """Who wrote a message. *Provisional*; unknown ones are kept."""

    __slots__ = ()
    GUEST: ClassVar[MessageSender]
    HOST: ClassVar[MessageSender]
    SYSTEM: ClassVar[MessageSender]


class MessageStatus(OpenEnum, members=("queued", "sent", "delivered", "failed")):
    """How far a message got. *Provisional*; unknown ones are kept."""

    __slots__ = ()
    QUEUED: ClassVar[MessageStatus]
    SENT: ClassVar[MessageStatus]
    DELIVERED: ClassVar[MessageStatus]
    FAILED: ClassVar[MessageStatus]


@attrs.frozen(kw_only=True)
class Attachment:
    """A file beside a message. Every field is *provisional*. Printing one shows neither address nor name."""

    url: str = attrs.field(repr=False)
    """Where the file is; who has the address can often open it, until `expires_at`."""
    name: str | None = attrs.field(default=None, repr=False)
    """File name, as the sender gave it: never a path to write to. *Provisional.*"""
    mime_type: str | None = None
    """Such as ``image/jpeg``; claimed by the sender. *Provisional.*"""
    expires_at: datetime | None = None
    """UTC; until then `url` works. None: it lasts, or not told. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""


@attrs.frozen(kw_only=True)
class Message:
    """One message of a conversation. Every field is *provisional*. Printing one never shows what it says."""

    id: str
    """Opaque."""
    conversation_id: str | None = None
    """The `Conversation` it belongs to. *Provisional.*"""
    direction: MessageDirection | None = None
    """From the guest (``inbound``) or to the guest. *Provisional.*"""
    sender: MessageSender | None = None
    """Who wrote it. *Provisional.*"""
    body: str | None = attrs.field(default=None, repr=False)
    """The text. *Provisional.*"""
    channel: str | None = None
    """How it travelled, such as ``airbnb``, ``email`` or ``sms``. *Provisional.*"""
    status: MessageStatus | None = None
    """How far it got. *Provisional.*"""
    attachments: tuple[Attachment, ...] = ()
    """Files sent with it. *Provisional.*"""
    created_at: datetime | None = None
    """UTC. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""


@attrs.frozen(kw_only=True)
class Conversation:
    """What was said with one guest about one stay. Every field is *provisional*."""

    id: str
    """Opaque."""
    reservation_id: str | None = None
    """The `Reservation` it is about; None for an early question. *Provisional.*"""
    property_id: str | None = None
    """The `Property` it is about. *Provisional.*"""
    guest_id: str | None = None
    """The `Guest` it is with. *Provisional.*"""
    channel: str | None = None
    """Where it is held, such as ``airbnb`` or ``email``. *Provisional.*"""
    unread: bool | None = None
    """Whether the host has yet to read something. *Provisional.*"""
    last_message_at: datetime | None = None
    """UTC. *Provisional.*"""
    created_at: datetime | None = None
    """UTC. *Provisional.*"""
    updated_at: datetime | None = None
    """UTC. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""
