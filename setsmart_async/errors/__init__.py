"""Every error a caller can meet: one tree under `SetSmartError`, all of it picklable.

The text of an error never holds an API key, a header or the server's own words, which may quote a guest: those
words stand in `ApiError.message` and `ApiError.errors`.
"""

from setsmart_async.errors.api import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    PermissionHint,
    RateLimitError,
    ServerError,
    UnexpectedRedirectError,
    UnprocessableError,
)
from setsmart_async.errors.base import (
    Attempt,
    CallError,
    ConfigurationError,
    FieldError,
    Outcome,
    Phase,
    SetSmartError,
    StoreError,
    SyncIncompleteError,
)
from setsmart_async.errors.transport import (
    ApiKeyUnavailableError,
    AttemptTimeoutError,
    BodyTruncatedError,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    ForkedClientError,
    ProtocolError,
    ResponseTooLargeError,
    TLSError,
    TransportError,
    UnsupportedEncodingError,
    WrongEventLoopError,
)
from setsmart_async.errors.waits import (
    CoordinatorError,
    DeadlineExceededError,
    RateLimitWaitError,
)
from setsmart_async.errors.webhooks import (
    WebhookStoreError,
    WebhookVerificationError,
)

__all__ = [
    "ApiError",
    "ApiKeyUnavailableError",
    "Attempt",
    "AttemptTimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "BodyTruncatedError",
    "CallError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "CoordinatorError",
    "DeadlineExceededError",
    "FieldError",
    "ForkedClientError",
    "InvalidResponseError",
    "NotFoundError",
    "Outcome",
    "PermissionDeniedError",
    "PermissionHint",
    "Phase",
    "ProtocolError",
    "RateLimitError",
    "RateLimitWaitError",
    "ResponseTooLargeError",
    "ServerError",
    "SetSmartError",
    "StoreError",
    "SyncIncompleteError",
    "TLSError",
    "TransportError",
    "UnexpectedRedirectError",
    "UnprocessableError",
    "UnsupportedEncodingError",
    "WebhookStoreError",
    "WebhookVerificationError",
    "WrongEventLoopError",
]
