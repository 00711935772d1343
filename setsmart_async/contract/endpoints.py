"""The one table of endpoints, from which the resources, the sandbox and the register are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from setsmart_async.contract.operation import Operation
from setsmart_async.policy.retry import RetryClass

PRODUCTION_URL: Final = "https://api.setsmart.com/v1"
"""Documented. The hosted sandbox's URL is not published."""

_S, _I, _N = RetryClass.SAFE, RetryClass.IDEMPOTENT, RetryClass.UNSAFE

PROPERTIES_LIST: Final = Operation(
    name="properties.list",
    method="GET",
    path="/properties",
    retry_class=_S,
    documented=True,
    parameters=("status", "updated_since"),
)
PROPERTIES_GET: Final = Operation(
    name="properties.get", method="GET", path="/properties/{id}", retry_class=_S, documented=True
)
PROPERTIES_CREATE: Final = Operation(
    name="properties.create", method="POST", path="/properties", retry_class=_N, documented=True
)
PROPERTIES_UPDATE: Final = Operation(
    name="properties.update", method="PUT", path="/properties/{id}", retry_class=_I, documented=True
)
PROPERTIES_DELETE: Final = Operation(
    name="properties.delete", method="DELETE", path="/properties/{id}", retry_class=_I, documented=True
)

RESERVATIONS_LIST: Final = Operation(
    name="reservations.list",
    method="GET",
    path="/reservations",
    retry_class=_S,
    parameters=(
        *("property_id", "status", "check_in_from", "check_in_to"),
        *("check_out_from", "check_out_to", "updated_since"),
    ),
)
RESERVATIONS_GET: Final = Operation(name="reservations.get", method="GET", path="/reservations/{id}", retry_class=_S)
RESERVATIONS_CREATE: Final = Operation(name="reservations.create", method="POST", path="/reservations", retry_class=_N)
RESERVATIONS_UPDATE: Final = Operation(
    name="reservations.update", method="PUT", path="/reservations/{id}", retry_class=_I
)
RESERVATIONS_CANCEL: Final = Operation(
    name="reservations.cancel", method="POST", path="/reservations/{id}/cancel", retry_class=_N
)

CALENDAR_GET: Final = Operation(
    name="calendar.get",
    method="GET",
    path="/properties/{id}/calendar",
    retry_class=_S,
    parameters=("start_date", "end_date"),
)
CALENDAR_PUSH: Final = Operation(name="calendar.push", method="PUT", path="/properties/{id}/calendar", retry_class=_I)

CONVERSATIONS_LIST: Final = Operation(
    name="conversations.list",
    method="GET",
    path="/conversations",
    retry_class=_S,
    parameters=("reservation_id", "property_id", "unread", "updated_since"),
)
CONVERSATIONS_GET: Final = Operation(name="conversations.get", method="GET", path="/conversations/{id}", retry_class=_S)
MESSAGES_LIST: Final = Operation(
    name="messages.list", method="GET", path="/conversations/{id}/messages", retry_class=_S
)
MESSAGES_SEND: Final = Operation(
    name="messages.send", method="POST", path="/conversations/{id}/messages", retry_class=_N
)

WEBHOOKS_LIST: Final = Operation(name="webhooks.list", method="GET", path="/webhooks", retry_class=_S)
WEBHOOKS_GET: Final = Operation(name="webhooks.get", method="GET", path="/webhooks/{id}", retry_class=_S)
WEBHOOKS_CREATE: Final = Operation(name="webhooks.create", method="POST", path="/webhooks", retry_class=_N)
WEBHOOKS_UPDATE: Final = Operation(name="webhooks.update", method="PUT", path="/webhooks/{id}", retry_class=_I)
WEBHOOKS_DELETE: Final = Operation(name="webhooks.delete", method="DELETE", path="/webhooks/{id}", retry_class=_I)

CONTRACT: Final[Mapping[str, Operation]] = {
    operation.name: operation
    for operation in (
        *(PROPERTIES_LIST, PROPERTIES_GET, PROPERTIES_CREATE, PROPERTIES_UPDATE, PROPERTIES_DELETE),
        *(RESERVATIONS_LIST, RESERVATIONS_GET, RESERVATIONS_CREATE, RESERVATIONS_UPDATE, RESERVATIONS_CANCEL),
        *(CALENDAR_GET, CALENDAR_PUSH),
        *(CONVERSATIONS_LIST, CONVERSATIONS_GET, MESSAGES_LIST, MESSAGES_SEND),
        *(WEBHOOKS_LIST, WEBHOOKS_GET, WEBHOOKS_CREATE, WEBHOOKS_UPDATE, WEBHOOKS_DELETE),
    )
}
"""Every operation, by name."""

RECORDS: Final[Mapping[str, str]] = {
    "properties": "property:Property",
    "reservations": "reservation:Reservation",
    "calendar": "calendar_day:CalendarDay",
    "conversations": "conversation:Conversation",
    "messages": "conversation:Message",
    "webhooks": "webhook:WebhookSubscription",
}
"""The record of each resource, by module in `records` and name: a class is made when it is first needed."""


def record_of(resource: str) -> type:
    """The class of a resource's records. Raises `KeyError` for a resource that the contract does not have."""
    from importlib import import_module

    module, _, name = RECORDS[resource].partition(":")
    found: type = getattr(import_module(f"setsmart_async.records.{module}"), name)
    return found
