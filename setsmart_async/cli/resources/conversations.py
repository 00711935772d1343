"""`setsmart conversations …`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable
from typing import Annotated, Final, cast

import attrs
from cyclopts import App, Parameter

from setsmart_async.cli.output import Format
from setsmart_async.cli.resource_app import (
    ID,
    LIST_OPTIONS,
    OUTPUT_OPTIONS,
    WRITE_OPTIONS,
    IdempotencyKeyOption,
    ResourceCommands,
    argument,
    command,
    option,
)
from setsmart_async.cli.resource_calls import Shown, check_idempotency, show_list, write_record
from setsmart_async.client import SetSmart
from setsmart_async.records.conversation import Conversation, Message
from setsmart_async.resources.conversations import Conversations
from setsmart_async.resources.pages import Listing

_MESSAGES: Final = Shown(
    name="messages",
    one="message",
    many="messages",
    record=Message,
    columns=("id", "created_at", "direction", "sender", "status", "body"),
)

app: App = ResourceCommands(
    shown=Shown(
        name="conversations",
        one="conversation",
        many="conversations",
        record=Conversation,
        columns=("id", "property_id", "reservation_id", "channel", "unread", "last_message_at"),
    ),
    resource=Conversations,
    list_method=Conversations.list,
).app()


def _list_messages(
    id: str,  # noqa: A002 - the API's own name for it
    /,
    *,
    limit: int | None = None,
    page_size: int | None = None,
    output: Format | None = None,
    only: str | None = None,
    base_url: str | None = None,
) -> None:
    def listing(client: SetSmart) -> Listing[attrs.AttrsInstance]:
        return cast("Listing[attrs.AttrsInstance]", client.conversations.messages(id, page_size=page_size))

    show_list(listing, _MESSAGES.layout(output, only), base_url, limit=limit)


def _send(
    id: str,  # noqa: A002 - as above
    body: str,
    /,
    *,
    channel: str | None = None,
    idempotency_key: str | None = None,
    dry_run: bool = False,
    output: Format | None = None,
    only: str | None = None,
    base_url: str | None = None,
) -> None:
    if idempotency_key is not None:
        check_idempotency()
    text = sys.stdin.read() if body == "-" else body

    def work(client: SetSmart) -> Awaitable[Message]:
        return client.conversations.send(id, text, channel=channel, idempotency_key=idempotency_key)

    write_record(work, _MESSAGES.layout(output, only), base_url, output, dry_run=dry_run)


_BODY: Final = Annotated[
    str,
    Parameter(allow_leading_hyphen=True, help="What it says; - reads stdin, which keeps it off the list of processes."),
]
_CHANNEL: Final = Annotated[str | None, Parameter(metavar="TEXT", help="How it travels, such as email.")]
command(
    app,
    "messages",
    "List the messages of a conversation.",
    _list_messages,
    [ID, *LIST_OPTIONS, *OUTPUT_OPTIONS],
)
command(
    app,
    "send",
    "Send a message to the guest. It can not be unsent.",
    _send,
    [
        ID,
        argument("body", _BODY),
        option("channel", _CHANNEL),
        option("idempotency_key", IdempotencyKeyOption),
        *WRITE_OPTIONS,
    ],
)
