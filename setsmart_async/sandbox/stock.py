"""All that a sandbox holds, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from setsmart_async.sandbox.listing import Pager
from setsmart_async.sandbox.question import Operate, Tell
from setsmart_async.sandbox.resources.calendar import CalendarResource
from setsmart_async.sandbox.resources.conversations import MESSAGE_SERVER_FIELDS, ConversationsResource
from setsmart_async.sandbox.resources.properties import PropertiesResource
from setsmart_async.sandbox.resources.reservations import SERVER_FIELDS as RESERVATION_SERVER_FIELDS
from setsmart_async.sandbox.resources.reservations import ReservationsResource
from setsmart_async.sandbox.resources.webhooks import SERVER_FIELDS as WEBHOOK_SERVER_FIELDS
from setsmart_async.sandbox.resources.webhooks import WebhooksResource
from setsmart_async.sandbox.store import RecordStore
from setsmart_async.wire import JsonObject


@attrs.frozen(kw_only=True)
class Behaviour:
    """What servers do differently, and a sandbox by choice."""

    pager: Pager
    tell: Tell
    replaces: bool
    """Whether PUT replaces."""
    accepts_later: bool
    """Whether a calendar push is answered with 202."""
    random_bytes: Callable[[int], bytes]
    """Where secrets come from."""


@attrs.frozen
class Seeds:
    """The records to begin with."""

    properties: Iterable[JsonObject]
    reservations: Iterable[JsonObject]
    conversations: Iterable[JsonObject]
    messages: Iterable[JsonObject]
    webhooks: Iterable[JsonObject]


class Stock:
    """The resources of one sandbox."""

    def __init__(self, behaviour: Behaviour, seeds: Seeds) -> None:
        pager, tell, replaces = behaviour.pager, behaviour.tell, behaviour.replaces
        self.properties: RecordStore = RecordStore(seeds.properties)
        self.reservations: ReservationsResource = ReservationsResource(
            RecordStore(seeds.reservations, kind="reservation", prefix="res", server_fields=RESERVATION_SERVER_FIELDS),
            self.properties,
            pager,
            tell,
            replaces=replaces,
        )
        self.conversations: ConversationsResource = ConversationsResource(
            RecordStore(seeds.conversations, kind="conversation", prefix="conv"),
            RecordStore(seeds.messages, kind="message", prefix="msg", server_fields=MESSAGE_SERVER_FIELDS),
            pager,
            tell,
        )
        self.webhooks: WebhooksResource = WebhooksResource(
            RecordStore(seeds.webhooks, kind="webhook subscription", prefix="wh", server_fields=WEBHOOK_SERVER_FIELDS),
            pager,
            tell,
            replaces=replaces,
            random_bytes=behaviour.random_bytes,
        )
        self.calendar: CalendarResource = CalendarResource(
            self.properties, self.reservations, tell, accepts_later=behaviour.accepts_later
        )
        self.operations: dict[str, Operate] = {
            **PropertiesResource(self.properties, pager, tell, replaces=replaces).operations,
            **self.reservations.operations,
            **self.calendar.operations,
            **self.conversations.operations,
            **self.webhooks.operations,
        }
        """By the contract's name."""
