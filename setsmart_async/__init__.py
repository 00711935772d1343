"""The async Python client for the SetSmart API."""

import typing

from setsmart_async.client import SetSmart
from setsmart_async.clock import Clock, SystemClock
from setsmart_async.config import CallOptions
from setsmart_async.contract import Dialect
from setsmart_async.engine.call import Reply
from setsmart_async.errors import (
    ApiError,
    ApiKeyUnavailableError,
    Attempt,
    AttemptTimeoutError,
    AuthenticationError,
    BadRequestError,
    BodyTruncatedError,
    CallError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    ConnectError,
    ConnectionLostError,
    CoordinatorError,
    DeadlineExceededError,
    FieldError,
    ForkedClientError,
    InvalidResponseError,
    NotFoundError,
    Outcome,
    PermissionDeniedError,
    ProtocolError,
    RateLimitError,
    RateLimitWaitError,
    ResponseTooLargeError,
    ServerError,
    SetSmartError,
    StoreError,
    SyncIncompleteError,
    TLSError,
    TransportError,
    UnexpectedRedirectError,
    UnprocessableError,
    UnsupportedEncodingError,
    WebhookStoreError,
    WebhookVerificationError,
    WrongEventLoopError,
)
from setsmart_async.keys import ApiKey, KeyProvider
from setsmart_async.limits.limiter import Permit, QuotaState, RateLimiter
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.observer import (
    AttemptEnded,
    AttemptStarted,
    BackgroundObserver,
    CallEnded,
    CallEvent,
    CallStarted,
    CoordinatorLost,
    CoordinatorRestored,
    Event,
    KeyRefreshed,
    Observer,
    Observers,
    PageRead,
    QuotaWaited,
    RetryScheduled,
)
from setsmart_async.policy.retry import RetryPolicy
from setsmart_async.policy.retry_budget import RetryBudget
from setsmart_async.priority import Priority
from setsmart_async.records.unset import UNSET
from setsmart_async.transports.aiohttp import AiohttpTransport
from setsmart_async.transports.base import Transport
from setsmart_async.transports.httpx import HttpxTransport
from setsmart_async.transports.memory import MemoryTransport
from setsmart_async.version import __version__
from setsmart_async.wire import Headers, HttpRequest, HttpResponse, Origin

if typing.TYPE_CHECKING:
    from setsmart_async.limits.redis import RedisLimiter
    from setsmart_async.limits.shared import SharedLimiter
    from setsmart_async.records.calendar_day import CalendarDay
    from setsmart_async.records.conversation import (
        Attachment,
        Conversation,
        Message,
        MessageDirection,
        MessageSender,
        MessageStatus,
    )
    from setsmart_async.records.money import MoneyForm
    from setsmart_async.records.open_enum import OpenEnum
    from setsmart_async.records.property import Property, PropertyStatus
    from setsmart_async.records.reservation import Guest, Reservation, ReservationStatus
    from setsmart_async.records.stay import check_calendar_range, check_stay
    from setsmart_async.records.webhook import WebhookEvent, WebhookEventType, WebhookSubscription
    from setsmart_async.resources.calendar import PushedChunk
    from setsmart_async.resources.calendar_ranges import CalendarChange
    from setsmart_async.resources.many import Result
    from setsmart_async.resources.pages import Listing, Page
    from setsmart_async.resources.properties import NewProperty, PropertyChanges
    from setsmart_async.resources.reservations import NewReservation, ReservationChanges
    from setsmart_async.resources.webhook_subscriptions import NewWebhookSubscription, WebhookSubscriptionChanges
else:
    # What not every program needs: classes take a while to make, and are made when first asked for.
    _LATER = {
        name: module
        for module, names in {
            "limits.redis": ["RedisLimiter"],
            "limits.shared": ["SharedLimiter"],
            "records.calendar_day": ["CalendarDay"],
            "records.money": ["MoneyForm"],
            "records.open_enum": ["OpenEnum"],
            "records.property": ["Property", "PropertyStatus"],
            "records.stay": ["check_calendar_range", "check_stay"],
            "resources.many": ["Result"],
            "resources.pages": ["Listing", "Page"],
            "resources.properties": ["NewProperty", "PropertyChanges"],
            "records.conversation": [
                *("Attachment", "Conversation", "Message", "MessageDirection", "MessageSender", "MessageStatus"),
            ],
            "records.reservation": ["Guest", "Reservation", "ReservationStatus"],
            "records.webhook": ["WebhookEvent", "WebhookEventType", "WebhookSubscription"],
            "resources.calendar": ["PushedChunk"],
            "resources.calendar_ranges": ["CalendarChange"],
            "resources.reservations": ["NewReservation", "ReservationChanges"],
            "resources.webhook_subscriptions": ["NewWebhookSubscription", "WebhookSubscriptionChanges"],
        }.items()
        for name in names
    }

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"setsmart_async.{_LATER[name]}"), name)
        return value


__all__ = [
    "UNSET",
    "AiohttpTransport",
    "ApiError",
    "ApiKey",
    "ApiKeyUnavailableError",
    "Attachment",
    "Attempt",
    "AttemptEnded",
    "AttemptStarted",
    "AttemptTimeoutError",
    "AuthenticationError",
    "BackgroundObserver",
    "BadRequestError",
    "BodyTruncatedError",
    "CalendarChange",
    "CalendarDay",
    "CallEnded",
    "CallError",
    "CallEvent",
    "CallOptions",
    "CallStarted",
    "ClientClosedError",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "Conversation",
    "CoordinatorError",
    "CoordinatorLost",
    "CoordinatorRestored",
    "DeadlineExceededError",
    "Dialect",
    "Event",
    "FieldError",
    "ForkedClientError",
    "Guest",
    "Headers",
    "HttpRequest",
    "HttpResponse",
    "HttpxTransport",
    "InvalidResponseError",
    "KeyProvider",
    "KeyRefreshed",
    "Listing",
    "LocalLimiter",
    "MemoryTransport",
    "Message",
    "MessageDirection",
    "MessageSender",
    "MessageStatus",
    "MoneyForm",
    "NewProperty",
    "NewReservation",
    "NewWebhookSubscription",
    "NotFoundError",
    "Observer",
    "Observers",
    "OpenEnum",
    "Origin",
    "Outcome",
    "Page",
    "PageRead",
    "PermissionDeniedError",
    "Permit",
    "Priority",
    "Property",
    "PropertyChanges",
    "PropertyStatus",
    "ProtocolError",
    "PushedChunk",
    "QuotaState",
    "QuotaWaited",
    "RateLimitError",
    "RateLimitWaitError",
    "RateLimiter",
    "RedisLimiter",
    "Reply",
    "Reservation",
    "ReservationChanges",
    "ReservationStatus",
    "ResponseTooLargeError",
    "Result",
    "RetryBudget",
    "RetryPolicy",
    "RetryScheduled",
    "ServerError",
    "SetSmart",
    "SetSmartError",
    "SharedLimiter",
    "StoreError",
    "SyncIncompleteError",
    "SystemClock",
    "TLSError",
    "Transport",
    "TransportError",
    "UnexpectedRedirectError",
    "UnprocessableError",
    "UnsupportedEncodingError",
    "WebhookEvent",
    "WebhookEventType",
    "WebhookStoreError",
    "WebhookSubscription",
    "WebhookSubscriptionChanges",
    "WebhookVerificationError",
    "WrongEventLoopError",
    "__version__",
    "check_calendar_range",
    "check_stay",
]
