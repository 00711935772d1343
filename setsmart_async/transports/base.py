"""What every transport promises."""

from __future__ import annotations

from typing import Final, Protocol

from setsmart_async.wire import HttpRequest, HttpResponse

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""The default largest body of an answer, decompressed."""


class Transport(Protocol):
    """Carries one request and brings one complete answer.

    Promises, held to by the contract suite in ``tests/contract/``:

    1. exactly one request on the wire for each `send`: no retries, no resends, no redirects followed;
    2. the body is whole, decompressed and at most so many bytes, or `BodyTruncatedError`, `ProtocolError`,
       `ResponseTooLargeError` or `UnsupportedEncodingError` is raised; never a part of it as if it were all;
    3. any status is an answer, not an exception;
    4. no cookies, no ``.netrc``, no proxy from the environment;
    5. `send` ends within `timeout` seconds, connecting included, with `AttemptTimeoutError` or `ConnectError`;
    6. only `TransportError`, `ClientClosedError`, `WrongEventLoopError` and `ForkedClientError` come out,
       each with its `outcome`, and cancellation passes untouched;
    7. made outside a loop, opened lazily in the running one; after `aclose`, which may be called twice, `send`
       raises `ClientClosedError`, and so do sends that were under way.
    """

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - promise 5
        """Send one request; `timeout` in seconds covers everything from connecting to the body's last byte."""
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...
