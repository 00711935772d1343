"""Guest communication: conversations and their messages. All of it is provisional."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

import attrs

from setsmart_async.config import CallOptions
from setsmart_async.contract import CONVERSATIONS_GET, CONVERSATIONS_LIST, MESSAGES_LIST, MESSAGES_SEND, Dialect
from setsmart_async.engine.engine import Engine
from setsmart_async.policy.retry import RetryClass
from setsmart_async.records.conversation import Conversation, Message
from setsmart_async.records.unset import UNSET
from setsmart_async.resources.calls import Calls
from setsmart_async.resources.pages import Listing
from setsmart_async.resources.resource import ReadableResource, ResourceOperations

_OPERATIONS: Final = ResourceOperations(name="conversations", list=CONVERSATIONS_LIST, get=CONVERSATIONS_GET)


class Conversations(ReadableResource[Conversation]):
    """What was said with guests (provisional)."""

    def __init__(self, engine: Engine, options: CallOptions, dialect: Dialect) -> None:
        super().__init__(Conversation, _OPERATIONS, engine, options, dialect)
        self._messages = Calls("messages", engine, options, dialect)
        self._messages_list, self._send = dialect.operation(MESSAGES_LIST), dialect.operation(MESSAGES_SEND)

    def list(
        self,
        *,
        reservation_id: str | None = None,
        property_id: str | None = None,
        unread: bool | None = None,
        updated_since: datetime | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> Listing[Conversation]:
        """The conversations, to be walked like `Properties.list`."""
        filters = {
            "reservation_id": reservation_id,
            "property_id": property_id,
            "unread": unread,
            "updated_since": updated_since,
        }
        return self._list(filters, page_size, cursor)

    def messages(
        self,
        id: str,  # noqa: A002 - the API's own name for it
        *,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> Listing[Message]:
        """The messages of a conversation, in the server's order, to be walked like `Properties.list`."""
        return self._messages.listing(Message, self._messages_list, {}, page_size, cursor, id=id)

    async def send(
        self,
        id: str,  # noqa: A002 - as above
        body: str,
        *,
        channel: str | None = None,
        idempotency_key: str | None = None,
        may_repeat: bool = False,
    ) -> Message:
        """Send a message to the guest, and return it as the server has it. It can not be unsent.

        Never repeated once bytes may have reached the server: an error whose `outcome` is ``unknown`` means that the
        guest may have it, and `messages` tells. `may_repeat` says that twice is better than not at all. Where the
        server honours idempotency keys (`Dialect.idempotency_header`) it is repeated, and arrives once. Raises
        `ValueError` for an empty body.
        """
        if not body.strip():
            raise ValueError("A message needs a body with something in it.")
        calls, operation = self._messages, self._send
        if may_repeat:
            operation = attrs.evolve(operation, retry_class=RetryClass.IDEMPOTENT)
        fields = calls.passed({"body": body, "channel": UNSET if channel is None else channel})
        decode = partial(calls.one, Message)
        call = calls.call(operation, id=id, body=fields, decode=decode, idempotency_key=idempotency_key)
        return (await calls.engine.run(call)).value
