"""What goes into the engine, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from setsmart_async.config import CallOptions
from setsmart_async.contract import Operation
from setsmart_async.errors import Attempt
from setsmart_async.policy.quota import QuotaReading, read_quota
from setsmart_async.policy.retry import RetryClass
from setsmart_async.policy.verdict import request_id_of
from setsmart_async.wire import Headers, HttpResponse

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@attrs.frozen(kw_only=True)
class Call(Generic[T_co]):
    """One call, complete: everything but the key."""

    operation: Operation
    target: str
    """Path and query, encoded."""
    options: CallOptions
    decode: Callable[[HttpResponse], T_co] = attrs.field(repr=False)
    """Makes the value of a successful answer; raises `InvalidResponseError`."""
    body: bytes | None = attrs.field(default=None, repr=False)
    idempotency_key: str | None = attrs.field(default=None, repr=False)
    """What marks this request and its repetitions as one; None: the server knows no such keys."""

    @property
    def retry_class(self) -> RetryClass:
        """How safe it is to send it twice."""
        return self.operation.retry_class if self.idempotency_key is None else RetryClass.KEYED


@attrs.frozen(kw_only=True)
class Reply(Generic[T]):
    """The answer to a call."""

    value: T
    status: int
    headers: Headers = attrs.field(repr=False)
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
