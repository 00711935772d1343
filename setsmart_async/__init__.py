"""The async Python client for the SetSmart API."""

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
    WrongEventLoopError,
)
from setsmart_async.keys import ApiKey, KeyProvider
from setsmart_async.limits.limiter import Permit, QuotaState, RateLimiter
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.observer import (
    AttemptEnded,
    AttemptStarted,
    BackgroundObserver,
    Event,
    KeyRefreshed,
    Observer,
    PageRead,
    QuotaWaited,
    RetryScheduled,
)
from setsmart_async.policy.retry import RetryPolicy
from setsmart_async.policy.retry_budget import RetryBudget
from setsmart_async.priority import Priority
from setsmart_async.records.property import Property, PropertyStatus
from setsmart_async.records.unset import UNSET
from setsmart_async.resources.many import Result
from setsmart_async.resources.pages import Listing, Page
from setsmart_async.transports.aiohttp import AiohttpTransport
from setsmart_async.transports.base import Transport
from setsmart_async.transports.memory import MemoryTransport
from setsmart_async.version import __version__
from setsmart_async.wire import Headers, HttpRequest, HttpResponse, Origin

__all__ = [
    "UNSET",
    "AiohttpTransport",
    "ApiError",
    "ApiKey",
    "ApiKeyUnavailableError",
    "Attempt",
    "AttemptEnded",
    "AttemptStarted",
    "AttemptTimeoutError",
    "AuthenticationError",
    "BackgroundObserver",
    "BadRequestError",
    "BodyTruncatedError",
    "CallError",
    "CallOptions",
    "ClientClosedError",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "DeadlineExceededError",
    "Dialect",
    "Event",
    "FieldError",
    "ForkedClientError",
    "Headers",
    "HttpRequest",
    "HttpResponse",
    "InvalidResponseError",
    "KeyProvider",
    "KeyRefreshed",
    "Listing",
    "LocalLimiter",
    "MemoryTransport",
    "NotFoundError",
    "Observer",
    "Origin",
    "Outcome",
    "Page",
    "PageRead",
    "PermissionDeniedError",
    "Permit",
    "Priority",
    "Property",
    "PropertyStatus",
    "ProtocolError",
    "QuotaState",
    "QuotaWaited",
    "RateLimitError",
    "RateLimitWaitError",
    "RateLimiter",
    "Reply",
    "ResponseTooLargeError",
    "Result",
    "RetryBudget",
    "RetryPolicy",
    "RetryScheduled",
    "ServerError",
    "SetSmart",
    "SetSmartError",
    "StoreError",
    "SyncIncompleteError",
    "SystemClock",
    "TLSError",
    "Transport",
    "TransportError",
    "UnexpectedRedirectError",
    "UnprocessableError",
    "UnsupportedEncodingError",
    "WrongEventLoopError",
    "__version__",
]
