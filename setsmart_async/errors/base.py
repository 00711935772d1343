"""The roots of the tree of errors, and what every error of a call carries."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal

import attrs

Phase = Literal["queue", "key", "connect", "send", "read"]
"""Where time ran out: waiting for quota, for the API key, for a connection, for an answer, or for the rest of it."""


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
        self.outcome: Outcome = self.default_outcome if outcome is None else outcome
        self.request_id = request_id
        self.operation: str | None = None
        """Method and path template, such as ``PUT /properties/{id}``; set by the engine."""
        self.call_id: int | None = None
        """The call's number in its client, as in logs and events; set by the engine."""
        self.idempotency_key: str | None = None
        """What the request was marked with, so that the server can tell a repetition; see `Dialect`."""
        self.attempts: tuple[Attempt, ...] = ()
        """Every failed try of the call; set by the engine."""
        self.retry_budget_exhausted = False
        """Whether the call would have been tried again, had the client's retry budget not been used up."""

    def __str__(self) -> str:
        """The message, then the call, the server's request id and the number of tries."""
        facts = [self.operation] if self.operation else []
        if self.request_id:
            facts.append(f"request id {self.request_id}")
        if len(self.attempts) > 1:
            facts.append(f"{len(self.attempts)} attempts")
        if self.retry_budget_exhausted:
            facts.append("retry budget used up")
        if self.outcome in {Outcome.UNKNOWN, Outcome.APPLIED} and not (self.operation or "").startswith("GET "):
            facts.append(f"outcome {self.outcome}")
        return f"{self.args[0]} [{', '.join(facts)}]" if facts else str(self.args[0])
