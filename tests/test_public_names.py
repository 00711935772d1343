"""The public names: an explicit list, so that a change of the interface is seen in review."""

import ast
import inspect
import itertools
import sys
import types

import setsmart_async
from setsmart_async import errors

PUBLIC = [
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


def test_the_names_are_these() -> None:
    assert setsmart_async.__all__ == PUBLIC


def test_the_names_are_sorted_and_stand_once() -> None:
    names = setsmart_async.__all__
    # Constants, then classes, then the rest: the order that ruff keeps.
    assert names == sorted(set(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def test_nothing_else_is_public() -> None:
    public = {
        name
        for name, value in vars(setsmart_async).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public <= set(PUBLIC)


def test_every_name_is_documented() -> None:
    assert [name for name in PUBLIC if name != "__version__" and not documentation(name)] == []


def test_every_error_is_public() -> None:
    met = {name for name, value in vars(errors).items() if not name.startswith("_") and is_error(value)}
    assert met <= set(PUBLIC)


def is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, errors.SetSmartError)


def documentation(name: str) -> str | None:
    """A class's or function's own docstring; for a value, the one under its assignment."""
    value = getattr(setsmart_async, name)
    if isinstance(value, type | types.FunctionType):
        return vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
    body = ast.parse(inspect.getsource(sys.modules[home(name)])).body
    for assignment, below in itertools.pairwise(body):
        targets = getattr(assignment, "targets", [getattr(assignment, "target", None)])
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            return str(below.value.value)
    return None


def home(name: str) -> str:
    """The module that the package takes this name from."""
    for node in ast.walk(ast.parse(inspect.getsource(setsmart_async))):
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            return str(node.module)
    return setsmart_async.__name__
