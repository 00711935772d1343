"""Webhooks received: is this delivery genuine, and new? Handled once, in order, whatever comes. Needs no client.

The stores that need a library stand in `webhooks.sqlalchemy` and `webhooks.redis`; the adapters to web frameworks in
`integrations`.
"""

from setsmart_async.webhooks.answer import LARGEST_BODY, Answer, Intake
from setsmart_async.webhooks.background import Background
from setsmart_async.webhooks.events import (
    ALIASES,
    Position,
    is_thin,
    position_of,
    read_event,
    record_id,
    resource_of,
)
from setsmart_async.webhooks.receiver import Handler, WebhookReceiver
from setsmart_async.webhooks.scheme import (
    STANDARD_WEBHOOKS,
    SignatureScheme,
    basic_credentials,
    body_hmac,
    timestamped_hmac,
    versioned_hmac,
)
from setsmart_async.webhooks.secret import WebhookSecret
from setsmart_async.webhooks.store import Claim, MemoryReplayStore, ReplayStore
from setsmart_async.webhooks.verifier import HeaderFields, VerifiedDelivery, WebhookVerifier

__all__ = [
    "ALIASES",
    "LARGEST_BODY",
    "STANDARD_WEBHOOKS",
    "Answer",
    "Background",
    "Claim",
    "Handler",
    "HeaderFields",
    "Intake",
    "MemoryReplayStore",
    "Position",
    "ReplayStore",
    "SignatureScheme",
    "VerifiedDelivery",
    "WebhookReceiver",
    "WebhookSecret",
    "WebhookVerifier",
    "basic_credentials",
    "body_hmac",
    "is_thin",
    "position_of",
    "read_event",
    "record_id",
    "resource_of",
    "timestamped_hmac",
    "versioned_hmac",
]
