"""What goes into the engine, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from setsmart_async.config import CallOptions
from setsmart_async.contract import Operation
from setsmart_async.errors import Attempt
from setsmart_async.policy.quota import QuotaReading, read_quota
from setsmart_async.policy.retry import RetryClass
from setsmart_async.policy.verdict import request_id_of
from setsmart_async.wire import Headers, HttpResponse

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Call(msgspec.Struct, Generic[T_co], frozen=True, kw_only=True):
    """One call, complete: everything but the key. Its `repr` shows no body."""

    operation: Operation
    target: str
    """Path and query, encoded."""
    options: CallOptions
    decode: Callable[[HttpResponse], T_co]
    """Makes the value of a successful answer; raises `InvalidResponseError`."""
    body: bytes | None = None
    idempotency_key: str | None = None
    """What marks this request and its repetitions as one; None: the server knows no such keys."""

    @property
    def retry_class(self) -> RetryClass:
        """How safe it is to send it twice."""
        return self.operation.retry_class if self.idempotency_key is None else RetryClass.KEYED

    def __repr__(self) -> str:
        return f"Call({self.operation}, target={self.target!r})"


class Reply(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """The answer to a call. Its `repr` shows no headers."""

    value: T
    status: int
    headers: Headers
    call_id: int = 0
    """The call's number in its client, as in logs and events."""
    failed_attempts: tuple[Attempt, ...] = ()
    """The attempts that failed before this one."""

    @property
    def request_id(self) -> str | None:
        """The server's name for the request, when its headers say it."""
        return request_id_of(self.headers)

    @property
    def quota(self) -> QuotaReading:
        """What the answer's headers say about the limit."""
        return read_quota(self.status, self.headers)

    def __repr__(self) -> str:
        return f"Reply({self.value!r}, status={self.status}, call_id={self.call_id})"
