"""Again, when, or not at all: the retry rules as a table that the engine and the tests both read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum
from math import inf
from typing import Final

import attrs
from backoff import expo

from setsmart_async.errors import (
    ApiError,
    AttemptTimeoutError,
    BodyTruncatedError,
    CallError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    InvalidResponseError,
    Outcome,
    ProtocolError,
    ServerError,
)


class RetryClass(Enum):
    """How safe it is to send a request twice."""

    SAFE = "S"
    """Reads: GET, HEAD, OPTIONS."""
    IDEMPOTENT = "I"
    """Writes that mean the same when repeated: PUT and DELETE of this contract."""
    KEYED = "K"
    """Writes with an idempotency key that the server honours."""
    UNSAFE = "N"
    """Writes that may take effect twice: POST without a key."""


class Failure(StrEnum):
    """What went wrong, as far as the retry rules tell failures apart."""

    NOT_CONNECTED = "not_connected"
    CONNECTION_LOST = "connection_lost"
    TIMED_OUT = "timed_out"
    BODY_LOST = "body_lost"
    MALFORMED = "malformed"
    REQUEST_TIMEOUT = "408"
    CONFLICT = "409"
    TOO_EARLY = "425"
    THROTTLED = "429"
    KEY_REFUSED = "401"
    KEY_IN_USE = "409 key in use"
    TURNED_AWAY = "503 rejected"
    SERVER_FAILED = "5xx"
    FINAL = "final"


MANY: Final = 1_000_000
_S, _I, _K, _N = RetryClass.SAFE, RetryClass.IDEMPOTENT, RetryClass.KEYED, RetryClass.UNSAFE

RETRIES: Final[Mapping[Failure, Mapping[RetryClass, int]]] = {
    Failure.NOT_CONNECTED: {_S: MANY, _I: MANY, _K: MANY, _N: MANY},
    Failure.CONNECTION_LOST: {_S: MANY, _I: MANY, _K: MANY, _N: 0},
    Failure.TIMED_OUT: {_S: MANY, _I: MANY, _K: MANY, _N: 0},
    Failure.BODY_LOST: {_S: MANY, _I: 0, _K: MANY, _N: 0},
    Failure.MALFORMED: {_S: 1, _I: 0, _K: 1, _N: 0},
    Failure.REQUEST_TIMEOUT: {_S: MANY, _I: MANY, _K: MANY, _N: 0},
    Failure.CONFLICT: {_S: 0, _I: 0, _K: 0, _N: 0},
    Failure.KEY_IN_USE: {_S: 0, _I: 0, _K: 1, _N: 0},
    Failure.KEY_REFUSED: {_S: 1, _I: 1, _K: 1, _N: 1},
    Failure.TURNED_AWAY: {_S: MANY, _I: MANY, _K: MANY, _N: MANY},
    Failure.TOO_EARLY: {_S: MANY, _I: MANY, _K: MANY, _N: MANY},
    Failure.THROTTLED: {_S: MANY, _I: MANY, _K: MANY, _N: MANY},
    Failure.SERVER_FAILED: {_S: MANY, _I: MANY, _K: MANY, _N: 0},
    Failure.FINAL: {_S: 0, _I: 0, _K: 0, _N: 0},
}
"""How often a call may be repeated after a failure, within its attempts, its deadline and the retry budget.

After a 401 only if there is another API key by then.
"""

_KEY_IN_USE_CODES: Final = frozenset({"idempotency_key_in_use", "idempotency_key_in_progress"})

_STATUSES: Final[Mapping[int, Failure]] = {
    401: Failure.KEY_REFUSED,
    408: Failure.REQUEST_TIMEOUT,
    409: Failure.CONFLICT,
    425: Failure.TOO_EARLY,
    429: Failure.THROTTLED,
} | dict.fromkeys((500, 502, 503, 504, *range(520, 528)), Failure.SERVER_FAILED)


def failure_of(error: CallError) -> Failure:
    """The row of `RETRIES` for an error."""
    match error:
        case ApiError(status=409, code=code) if code in _KEY_IN_USE_CODES:
            return Failure.KEY_IN_USE
        case ServerError(status=503, outcome=Outcome.REJECTED):
            return Failure.TURNED_AWAY
        case ApiError():
            return _STATUSES.get(error.status, Failure.FINAL)
        case ConnectError():
            return Failure.NOT_CONNECTED
        case ConnectionLostError():
            return Failure.CONNECTION_LOST
        case AttemptTimeoutError():
            return Failure.NOT_CONNECTED if error.outcome is Outcome.NOT_SENT else Failure.TIMED_OUT
        case BodyTruncatedError():
            return Failure.BODY_LOST
        case ProtocolError() | InvalidResponseError():
            return Failure.MALFORMED
        case _:
            return Failure.FINAL


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how fast a call is repeated. Waits are `backoff.expo` with full jitter, in seconds."""

    max_attempts: int = 3
    """Attempts in all, the first included; 1 means never again."""
    transient_base: float = 0.1
    """The first wait's upper end after a failure of the network or the server."""
    longest_wait: float = 20.0
    """The upper end that waits grow to, before jitter."""
    longest_interactive_wait: float = 120.0
    """A call of `Priority.INTERACTIVE` that is asked to wait longer than this (``Retry-After``) fails at once."""

    def __attrs_post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ConfigurationError("RetryPolicy(max_attempts=...) must be 1 or more; 1 means no retries.")
        if not (0 < self.transient_base <= self.longest_wait < inf):
            raise ConfigurationError("RetryPolicy needs 0 < transient_base <= longest_wait < infinity, in seconds.")

    def allows(self, failure: Failure, retry_class: RetryClass, failed_attempts: int) -> bool:
        """Whether a call whose `failed_attempts`-th attempt met this failure may try again."""
        return failed_attempts < self.max_attempts and failed_attempts <= RETRIES[failure][retry_class]

    def waits(self) -> Iterator[float]:
        """The upper ends of one call's waits, growing; the engine draws evenly below each."""
        generator = expo(base=2, factor=self.transient_base, max_value=self.longest_wait)
        next(generator)
        return generator
