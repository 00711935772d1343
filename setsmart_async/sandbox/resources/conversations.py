"""The sandbox's conversations and their messages (provisional)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from setsmart_async.contract import CONVERSATIONS_GET, CONVERSATIONS_LIST, MESSAGES_LIST, MESSAGES_SEND
from setsmart_async.sandbox.checks import Shape, text
from setsmart_async.sandbox.filters import Filter, changed_since, equals, is_true
from setsmart_async.sandbox.listing import Pager
from setsmart_async.sandbox.question import Operate, Question, Success, Tell
from setsmart_async.sandbox.resources.stored import StoredResource
from setsmart_async.sandbox.store import RecordKind, RecordStore
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.wire import JsonObject

CONVERSATION: Final = RecordKind("conversation", "conv")
"""Conversations."""
MESSAGE: Final = RecordKind("message", "msg", ("id", "created_at"))
"""Messages."""
MESSAGE_SHAPE: Final = Shape(checks={"body": text(10_000), "channel": text()}, required=("body",))
FILTERS: Final[Mapping[str, Filter]] = {
    "reservation_id": equals("reservation_id"),
    "property_id": equals("property_id"),
    "unread": is_true("unread"),
    "updated_since": changed_since,
}


class ConversationsResource(StoredResource):
    """Conversations are read; their messages are read and sent."""

    def __init__(self, store: RecordStore, messages: RecordStore, pager: Pager, tell: Tell) -> None:
        super().__init__(store, MESSAGE_SHAPE, FILTERS, pager, tell)
        self.messages: RecordStore = messages

    @property
    def operations(self) -> dict[str, Operate]:
        """By the contract's name."""
        return {
            CONVERSATIONS_LIST.name: self.list,
            CONVERSATIONS_GET.name: self.get,
            MESSAGES_LIST.name: self.list_messages,
            MESSAGES_SEND.name: self.send,
        }

    def list_messages(self, question: Question) -> Success:
        """One page of a conversation."""
        self.found(question.identifier)
        asked = {**question.parameters, "conversation_id": question.identifier}
        of_this_one = {"conversation_id": equals("conversation_id")}
        return self._pager.answer(_asking(question, asked), self.messages, of_this_one)

    def send(self, question: Question) -> Success:
        """A message to the guest, which is on its way at once."""
        conversation = self.found(question.identifier)
        self._shape.check_create(question.fields)
        fields: JsonObject = {"channel": conversation.get("channel"), **question.fields}
        message = self.messages.create(
            fields,
            question.now,
            conversation_id=question.identifier,
            direction="outbound",
            sender="host",
            status="sent",
            attachments=[],
        )
        self._touch(question.identifier, question.now)
        return Success(body=message)

    def receive(self, identifier: str, body: str, now: float) -> JsonObject:
        """Play the guest: a message of theirs. Raises `RefusedError` (404) for a conversation that there is not."""
        conversation = self.found(identifier)
        message = self.messages.create(
            {"body": body, "channel": conversation.get("channel")},
            now,
            conversation_id=identifier,
            direction="inbound",
            sender="guest",
            status="delivered",
            attachments=[],
        )
        self._touch(identifier, now, unread=True)
        self._tell("message.received", message)
        return message

    def _touch(self, identifier: str, now: float, **changes: bool) -> None:
        self.store.merge(identifier, {"last_message_at": rfc3339(now), **changes}, now)


def _asking(question: Question, parameters: dict[str, str]) -> Question:
    return attrs.evolve(question, parameters=parameters)
