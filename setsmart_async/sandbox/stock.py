"""All that a sandbox holds, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

import attrs

from setsmart_async.sandbox.database import SandboxDatabase, Shelf
from setsmart_async.sandbox.guests import seed_conversations, seed_messages, seed_reservations
from setsmart_async.sandbox.listing import Pager
from setsmart_async.sandbox.question import Operate, Tell
from setsmart_async.sandbox.resources.calendar import CalendarResource
from setsmart_async.sandbox.resources.conversations import CONVERSATION, MESSAGE, ConversationsResource
from setsmart_async.sandbox.resources.properties import PropertiesResource
from setsmart_async.sandbox.resources.reservations import RESERVATION, ReservationsResource
from setsmart_async.sandbox.resources.webhooks import SUBSCRIPTION, WebhooksResource
from setsmart_async.sandbox.seed import seed_properties
from setsmart_async.sandbox.store import PROPERTY, RecordKind, RecordStore
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
    """The records to begin with. A number: so many listings, so many made-up reservations with their conversations."""

    properties: Iterable[JsonObject] | int
    reservations: Iterable[JsonObject] | int
    conversations: Iterable[JsonObject]
    messages: Iterable[JsonObject]
    webhooks: Iterable[JsonObject]

    def homes(self) -> Iterable[JsonObject]:
        """The properties."""
        return seed_properties(self.properties) if isinstance(self.properties, int) else self.properties

    def stays(self, homes: RecordStore) -> Iterable[JsonObject]:
        """The reservations, of these homes."""
        stays = self.reservations
        return seed_reservations(homes, stays) if isinstance(stays, int) else stays

    def talks(self, stays: RecordStore) -> Iterable[JsonObject]:
        """The conversations, about these stays."""
        made_up = seed_conversations(stays) if isinstance(self.reservations, int) else ()
        return chain(made_up, self.conversations)

    def texts(self, stays: RecordStore) -> Iterable[JsonObject]:
        """The messages, of the conversations about these stays."""
        made_up = seed_messages(seed_conversations(stays)) if isinstance(self.reservations, int) else ()
        return chain(made_up, self.messages)


class Stock:
    """The resources of one sandbox."""

    def __init__(self, behaviour: Behaviour, seeds: Seeds, database: SandboxDatabase | None = None) -> None:
        """What `database` holds from an earlier run stands in the seeds' place."""
        pager, tell, replaces = behaviour.pager, behaviour.tell, behaviour.replaces

        def shelf(name: str) -> Shelf | None:
            return None if database is None else database.shelf(name)

        def store(name: str, kind: RecordKind, records: Iterable[JsonObject]) -> RecordStore:
            return RecordStore(records, kind=kind, shelf=shelf(name))

        self.properties: RecordStore = store("properties", PROPERTY, seeds.homes())
        self.reservations: ReservationsResource = ReservationsResource(
            store("reservations", RESERVATION, seeds.stays(self.properties)),
            self.properties,
            pager,
            tell,
            replaces=replaces,
        )
        self.conversations: ConversationsResource = ConversationsResource(
            store("conversations", CONVERSATION, seeds.talks(self.reservations.store)),
            store("messages", MESSAGE, seeds.texts(self.reservations.store)),
            pager,
            tell,
        )
        self.webhooks: WebhooksResource = WebhooksResource(
            store("webhooks", SUBSCRIPTION, seeds.webhooks),
            pager,
            tell,
            replaces=replaces,
            random_bytes=behaviour.random_bytes,
        )
        self.calendar: CalendarResource = CalendarResource(
            self.properties,
            self.reservations,
            tell,
            accepts_later=behaviour.accepts_later,
            shelf=shelf("calendar"),
        )
        self.operations: dict[str, Operate] = {
            **PropertiesResource(self.properties, pager, tell, replaces=replaces).operations,
            **self.reservations.operations,
            **self.calendar.operations,
            **self.conversations.operations,
            **self.webhooks.operations,
        }
        """By the contract's name."""

    def counts(self) -> dict[str, int]:
        """How many records there are, by resource."""
        return {
            "properties": len(self.properties),
            "reservations": len(self.reservations.store),
            "conversations": len(self.conversations.store),
            "messages": len(self.conversations.messages),
            "webhooks": len(self.webhooks.store),
        }
