"""What a web service answers its visitor when a call to SetSmart has failed: problem details (RFC 9457).

The visitor asked your service, not SetSmart, and the API key is your service's. So a refused key is this service's own
fault (500), never the visitor's 401; a used-up quota is a 503 with ``Retry-After``, never a 429, for it was not this
visitor who asked too often. What the visitor can do something about stays what it is: 404, 409, 422. No body holds the
key, an id, the server's words or a guest's data.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import ceil, isfinite
from typing import Final, cast

import attrs

from setsmart_async.errors import (
    ApiError,
    ApiKeyUnavailableError,
    AttemptTimeoutError,
    AuthenticationError,
    BadRequestError,
    CallError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    CoordinatorError,
    DeadlineExceededError,
    ForkedClientError,
    InvalidResponseError,
    NotFoundError,
    Outcome,
    PermissionDeniedError,
    RateLimitError,
    RateLimitWaitError,
    ServerError,
    SetSmartError,
    StoreError,
    SyncIncompleteError,
    TransportError,
    UnprocessableError,
    WebhookVerificationError,
    WrongEventLoopError,
)
from setsmart_async.wire import Json, encode_json

LOGGER: Final = logging.getLogger("setsmart_async.integrations")
"""Where what was answered is logged: this service's own faults as errors, SetSmart's as warnings, the rest as info."""

RETRY_AFTER: Final = 5
"""Seconds until another try, where nothing says how long it will be."""

_TITLES: Final[Mapping[int, str]] = {  # RFC 9457, 4.2.1: the status's own words, as long as there is no `type`
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_DETAILS: Final[Mapping[int, str]] = {
    400: "The request was refused.",
    404: "There is no such record, or there is none any more.",
    409: "The record's state does not allow this: read it again before you decide.",
    422: "The values were understood and refused: check them.",
    500: "The fault is this service's own; its log says which.",
    502: "The system behind this service gave no usable answer.",
    503: "This service can not answer at the moment: try again later.",
    504: "The system behind this service did not answer in time.",
}
_MAYBE_DONE: Final = "It may have been done all the same: look before you repeat it."

_STATUSES: Final[Mapping[type[SetSmartError], int]] = {
    NotFoundError: 404,
    ConflictError: 409,
    # The visitor's values, most likely, for the library checks names and types before it sends.
    BadRequestError: 422,
    UnprocessableError: 422,
    # The key is this service's: a 401 would send the visitor to log in again, for nothing.
    AuthenticationError: 500,
    PermissionDeniedError: 500,
    ApiKeyUnavailableError: 503,  # where the key is kept does not answer: that passes
    RateLimitError: 503,
    RateLimitWaitError: 503,
    ServerError: 502,  # but see `_server_failed`
    ApiError: 502,  # every other refusal, redirects too: nothing that a visitor could mend
    InvalidResponseError: 502,
    TransportError: 502,
    AttemptTimeoutError: 504,
    DeadlineExceededError: 504,  # but see `_ran_out`
    ClientClosedError: 503,  # this process is going; another one answers
    StoreError: 503,
    SyncIncompleteError: 503,
    WebhookVerificationError: 400,  # and nothing more, so that a forger learns nothing
    ConfigurationError: 500,
    CoordinatorError: 500,
    ForkedClientError: 500,
    WrongEventLoopError: 500,
    SetSmartError: 500,
}


@attrs.frozen(kw_only=True)
class Problem:
    """An answer in the form of RFC 9457."""

    status: int
    retry_after: int | None = None
    """In seconds; None: nothing says that another try would help, or it could do a thing twice."""
    outcome: Outcome | None = None
    """Of a write that may have been done, or was; None otherwise."""

    @property
    def detail(self) -> str:
        """What happened, to the visitor, in fixed words."""
        detail = _DETAILS[self.status]
        return detail if self.outcome is None else f"{detail} {_MAYBE_DONE}"

    @property
    def body(self) -> bytes:
        """The problem as JSON; ``outcome`` is an extension member."""
        members: dict[str, Json] = {"title": _TITLES[self.status], "status": self.status, "detail": self.detail}
        if self.outcome is not None:
            members["outcome"] = str(self.outcome)
        return encode_json(members)

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names; the length is the server's to add. Nobody keeps it, as caches might keep a 404."""
        fields = {"content-type": "application/problem+json", "cache-control": "no-store"}
        if self.retry_after is not None:
            fields["retry-after"] = str(self.retry_after)
        return fields


def problem_for(error: SetSmartError) -> Problem:
    """What to answer. An error class of your own is answered as the nearest of ours above it."""
    status = next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
    if isinstance(error, ServerError):
        status = _server_failed(error)
    elif isinstance(error, DeadlineExceededError):
        status = _ran_out(error)
    outcome = error.outcome if isinstance(error, CallError) and _may_be_done(error) else None
    waits = status == 503 and outcome is None
    return Problem(status=status, retry_after=_seconds(error) if waits else None, outcome=outcome)


def answer(error: Exception) -> Problem | None:
    """The same for adapters to frameworks: logs it too. None for what is not this library's, which is to be raised.

    Of an exception group, as a `TaskGroup` raises it, the first error counts, when all in it are this library's.
    """
    ours = _leading(error)
    if ours is None:
        return None
    problem = problem_for(ours)
    level = logging.INFO if problem.status < 500 else logging.ERROR if problem.status == 500 else logging.WARNING
    LOGGER.log(level, "Answered %d: %s: %s", problem.status, type(ours).__name__, ours)
    return problem


def _leading(error: Exception) -> SetSmartError | None:
    """The error itself, or the first of a group; None when it is not this library's, or others stand beside it."""
    if isinstance(error, SetSmartError):
        return error
    if not isinstance(error, ExceptionGroup):
        return None
    group = cast("ExceptionGroup[Exception]", error)  # which nothing narrows by its contents
    found = [_leading(each) for each in group.exceptions]
    return None if None in found else found[0]


def _server_failed(error: ServerError) -> int:
    """Overload and a slow gateway are told on as what they are (RFC 9110, 15.6); other failures are a 502."""
    return error.status if error.status in {503, 504} else 502


def _ran_out(error: DeadlineExceededError) -> int:
    """In the queue the time ran out for want of quota: nobody was asked, so that it is no gateway's timeout."""
    return 503 if error.phase == "queue" else 504


def _may_be_done(error: CallError) -> bool:
    """Whether it was a write of which nobody knows that it was not done."""
    is_read = (error.operation or "").startswith("GET ")
    return not is_read and error.outcome in {Outcome.UNKNOWN, Outcome.APPLIED}


def _seconds(error: SetSmartError) -> int:
    wait: float | None = None
    if isinstance(error, RateLimitWaitError):
        wait = error.wait
    elif isinstance(error, ApiError):
        wait = error.retry_after
    return max(1, ceil(wait)) if wait is not None and isfinite(wait) else RETRY_AFTER
