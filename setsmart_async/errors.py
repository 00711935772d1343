"""Every error a caller can meet: one tree under `SetSmartError`, all of it picklable.

The text of an error never holds an API key, a header or the server's own words, which may quote a guest: those
words stand in `ApiError.message` and `ApiError.errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar, Literal

import attrs

Phase = Literal["queue", "send"]
"""Where a deadline ran out: waiting for quota, or on the network."""


class Outcome(StrEnum):
    """What a failed call did on the server, as far as the client can know."""

    NOT_SENT = "not_sent"
    """No byte of the request left: the server has not seen it."""
    UNKNOWN = "unknown"
    """Bytes may have arrived and no answer did: look before you repeat a write."""
    APPLIED = "applied"
    """The server answered with success, and the answer was lost or unusable."""
    REJECTED = "rejected"
    """The server answered that it did not do it."""


@attrs.frozen(kw_only=True)
class Attempt:
    """One failed try of a call, kept on the error that the call ends with."""

    number: int
    """1 for the first."""
    error: str
    """The class name of the error that the try met."""
    outcome: Outcome
    """What the try did on the server."""
    status: int | None = None
    """The HTTP status, when there was an answer."""
    retried_after: float | None = None
    """Seconds waited before the next try; None for the last one."""


@attrs.frozen
class FieldError:
    """One complaint of the server about one field."""

    field: str
    """The field's name or path, as the server spells it."""
    message: str = attrs.field(repr=False)
    """The server's words: may quote the value that was sent."""
    code: str | None = None
    """The server's code for it."""


class SetSmartError(Exception):
    """The base of every error of this library."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by message and attributes, whatever the signature of `__init__`."""
        return _unpickle, (type(self), self.args, self.__dict__)


def _unpickle(kind: type[SetSmartError], args: tuple[object, ...], state: dict[str, object]) -> SetSmartError:
    error = kind.__new__(kind, *args)
    error.args = args  # OSError, below TimeoutError, leaves them to its own __init__
    error.__dict__.update(state)
    return error


class ConfigurationError(SetSmartError, ValueError):
    """A setting is missing or wrong. Raised where the setting is made, before any I/O."""


class StoreError(SetSmartError):
    """The local database can not be used; the message says what to do. What was written before is kept."""


class SyncIncompleteError(SetSmartError):
    """A sync stopped, or finished, without having seen every record. What it wrote is kept; run it again."""


class CallError(SetSmartError):
    """The base of every error of one call."""

    default_outcome: ClassVar[Outcome] = Outcome.UNKNOWN

    def __init__(self, text: str, *, outcome: Outcome | None = None, request_id: str | None = None) -> None:
        super().__init__(text)
        self.outcome = self.default_outcome if outcome is None else outcome
        self.request_id = request_id
        self.operation: str | None = None
        """Method and path template, such as ``PUT /properties/{id}``; set by the engine."""
        self.attempts: tuple[Attempt, ...] = ()
        """Every failed try of the call; set by the engine."""

    def __str__(self) -> str:
        """The message, then the call, the server's request id and the number of tries."""
        facts = [self.operation] if self.operation else []
        if self.request_id:
            facts.append(f"request id {self.request_id}")
        if len(self.attempts) > 1:
            facts.append(f"{len(self.attempts)} attempts")
        if self.outcome in {Outcome.UNKNOWN, Outcome.APPLIED} and not (self.operation or "").startswith("GET "):
            facts.append(f"outcome {self.outcome}")
        return f"{self.args[0]} [{', '.join(facts)}]" if facts else str(self.args[0])


class TransportError(CallError):
    """No usable HTTP answer. `outcome` tells whether the server may have seen the request."""


class ConnectError(TransportError):
    """No connection: the name did not resolve, nothing listens there, or connecting took too long."""

    default_outcome = Outcome.NOT_SENT


class TLSError(TransportError):
    """The server's certificate or TLS version was refused. Never retried."""

    default_outcome = Outcome.NOT_SENT


class AttemptTimeoutError(TransportError):
    """One attempt took longer than `attempt_timeout` (seconds)."""


class ConnectionLostError(TransportError):
    """The connection broke before an answer came."""


class ProtocolError(TransportError):
    """What came back is not HTTP that this library accepts."""


class BodyTruncatedError(TransportError):
    """The answer's body ended early, or its compression is damaged."""


class ResponseTooLargeError(TransportError):
    """The answer's body is larger than `max_response_bytes`."""


class ApiError(CallError):
    """The server answered with an error status.

    `code`, `message` and `errors` are the server's, in one form whatever the body's shape (see `policy.verdict`).
    """

    default_outcome = Outcome.REJECTED
    advice: ClassVar[str] = "See `message` and `errors` for the server's own words."

    def __init__(
        self,
        status: int,
        *,
        code: str | None = None,
        message: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        outcome: Outcome | None = None,
        request_id: str | None = None,
    ) -> None:
        text = f"SetSmart answered {status} ({code})" if code else f"SetSmart answered {status}"
        if errors:
            text += " about " + ", ".join(dict.fromkeys(error.field for error in errors))
        super().__init__(f"{text}. {self.advice}", outcome=outcome, request_id=request_id)
        self.status = status
        self.code = code
        self.message = message
        self.errors = tuple(errors)
        self.retry_after = retry_after


class BadRequestError(ApiError):
    """400: a parameter is missing or invalid (documented)."""

    advice = "A parameter is missing or invalid: see `errors` and `message`."


class AuthenticationError(ApiError):
    """401: the API key is invalid (documented)."""

    advice = "The API key is not accepted: check it against the SetSmart dashboard; it may have been rotated."


class PermissionDeniedError(ApiError):
    """403: the key lacks a permission (documented), or the address is not on its allow-list."""

    advice = "The API key may not do this, or this machine's address is not on the key's allow-list."


class NotFoundError(ApiError):
    """404 (documented) or 410: no such resource."""

    advice = "No such resource: check the id; it may have been deleted."


class ConflictError(ApiError):
    """409 (provisional): the resource's state does not allow this."""

    advice = "The resource's state does not allow this: read it again before you decide."


class UnprocessableError(ApiError):
    """422 (provisional): the values were understood and refused."""

    advice = "The server refuses these values: see `errors`."


class RateLimitError(ApiError):
    """429: the quota is used up (documented). `retry_after` is in seconds, when the server named it."""

    advice = "The quota is used up; another program may be using the same API key."


class ServerError(ApiError):
    """5xx: the server failed (500 is documented)."""

    default_outcome = Outcome.UNKNOWN
    advice = "The server failed; try again later."


class UnexpectedRedirectError(ApiError):
    """3xx: redirects are refused."""

    advice = "Redirects are refused, for they would carry the key to another address: check the base URL."


class DeadlineExceededError(CallError, TimeoutError):
    """The call's deadline ran out; `phase` says where. Also a `TimeoutError`."""

    def __init__(self, phase: Phase, deadline: float, *, outcome: Outcome = Outcome.UNKNOWN, detail: str = "") -> None:
        super().__init__(
            f"The deadline of {deadline:g} s ran out in the phase '{phase}'{detail}. "
            "Raise `deadline`, or pass None to wait as long as it takes.",
            outcome=outcome,
        )
        self.phase: Phase = phase
        self.deadline = deadline


class RateLimitWaitError(CallError):
    """Waiting for quota would take longer than `max_wait`; refused before waiting.

    `wait` is the wait it would have been, in seconds; `reset_at` the reset in unix seconds, when known.
    """

    default_outcome = Outcome.NOT_SENT

    def __init__(self, wait: float, max_wait: float, *, reset_at: float | None = None) -> None:
        super().__init__(
            f"Quota is {wait:.1f} s away, and at most {max_wait:g} s were allowed. Raise `max_wait`, or try again then."
        )
        self.wait = wait
        self.max_wait = max_wait
        self.reset_at = reset_at


class InvalidResponseError(CallError):
    """An answer that is not what the contract says. `path` names the first wrong place, `problems` all."""

    default_outcome = Outcome.APPLIED

    def __init__(
        self,
        path: str,
        reason: str,
        *,
        problems: Sequence[tuple[str, str]] = (),
        outcome: Outcome | None = None,
    ) -> None:
        more = f" (and {len(problems) - 1} more: see `problems`)" if len(problems) > 1 else ""
        super().__init__(f"Unusable answer at {path}: {reason}{more}.", outcome=outcome)
        self.path = path
        self.reason = reason
        self.problems = tuple(problems) or ((path, reason),)


class ClientClosedError(CallError):
    """The client was closed before the call could finish. Open a new one."""

    default_outcome = Outcome.NOT_SENT

    def __init__(self, *, outcome: Outcome | None = None) -> None:
        super().__init__("The client is closed. Open a new one with `async with SetSmart(...)`.", outcome=outcome)


class WrongEventLoopError(CallError):
    """A client was used from another event loop than the one it was first used in."""

    default_outcome = Outcome.NOT_SENT

    def __init__(self) -> None:
        super().__init__("This client belongs to another event loop. Make one client per loop.")
