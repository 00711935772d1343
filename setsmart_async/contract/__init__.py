"""What the API offers, as one table, and what a server may do differently.

SetSmart documents five endpoints, all of properties. What is marked provisional follows the conventions of the
field's APIs in the documented style; a `Dialect` changes it for a server that differs.
"""

from setsmart_async.contract.dialect import Dialect
from setsmart_async.contract.endpoints import (
    CALENDAR_GET,
    CALENDAR_PUSH,
    CONTRACT,
    CONVERSATIONS_GET,
    CONVERSATIONS_LIST,
    MESSAGES_LIST,
    MESSAGES_SEND,
    PRODUCTION_URL,
    PROPERTIES_CREATE,
    PROPERTIES_DELETE,
    PROPERTIES_GET,
    PROPERTIES_LIST,
    PROPERTIES_UPDATE,
    RECORDS,
    RESERVATIONS_CANCEL,
    RESERVATIONS_CREATE,
    RESERVATIONS_GET,
    RESERVATIONS_LIST,
    RESERVATIONS_UPDATE,
    WEBHOOKS_CREATE,
    WEBHOOKS_DELETE,
    WEBHOOKS_GET,
    WEBHOOKS_LIST,
    WEBHOOKS_UPDATE,
    record_of,
)
from setsmart_async.contract.operation import Operation

__all__ = [
    "CALENDAR_GET",
    "CALENDAR_PUSH",
    "CONTRACT",
    "CONVERSATIONS_GET",
    "CONVERSATIONS_LIST",
    "MESSAGES_LIST",
    "MESSAGES_SEND",
    "PRODUCTION_URL",
    "PROPERTIES_CREATE",
    "PROPERTIES_DELETE",
    "PROPERTIES_GET",
    "PROPERTIES_LIST",
    "PROPERTIES_UPDATE",
    "RECORDS",
    "RESERVATIONS_CANCEL",
    "RESERVATIONS_CREATE",
    "RESERVATIONS_GET",
    "RESERVATIONS_LIST",
    "RESERVATIONS_UPDATE",
    "WEBHOOKS_CREATE",
    "WEBHOOKS_DELETE",
    "WEBHOOKS_GET",
    "WEBHOOKS_LIST",
    "WEBHOOKS_UPDATE",
    "Dialect",
    "Operation",
    "record_of",
]
