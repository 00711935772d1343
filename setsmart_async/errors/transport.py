"""Calls that ended without a usable HTTP answer."""

from __future__ import annotations

from setsmart_async.errors.base import CallError, Outcome, Phase


class TransportError(CallError):
    """No usable HTTP answer. `outcome` tells whether the server may have seen the request."""


class ConnectError(TransportError):
    """No connection: the name did not resolve, nothing listens there, or connecting took too long."""

    default_outcome = Outcome.NOT_SENT


class TLSError(TransportError):
    """The server's certificate or TLS version was refused. Never retried."""

    default_outcome = Outcome.NOT_SENT


class AttemptTimeoutError(TransportError):
    """One attempt took longer than `attempt_timeout` (seconds); `phase` says where it was by then."""

    def __init__(
        self, text: str, *, outcome: Outcome | None = None, request_id: str | None = None, phase: Phase = "send"
    ) -> None:
        super().__init__(text, outcome=outcome, request_id=request_id)
        self.phase: Phase = phase


class ConnectionLostError(TransportError):
    """The connection broke before an answer came.

    `reused` tells whether it had carried requests before: then the server may have closed it a moment earlier.
    """

    def __init__(
        self, text: str, *, outcome: Outcome | None = None, request_id: str | None = None, reused: bool = False
    ) -> None:
        super().__init__(text, outcome=outcome, request_id=request_id)
        self.reused = reused


class ProtocolError(TransportError):
    """What came back is not HTTP that this library accepts."""


class BodyTruncatedError(TransportError):
    """The answer's body ended early, or its compression is damaged."""


class UnsupportedEncodingError(TransportError):
    """The answer's body has a ``Content-Encoding`` that was not asked for. Never retried."""


class ResponseTooLargeError(TransportError):
    """The answer's body is larger than `max_response_bytes`."""


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


class ApiKeyUnavailableError(CallError):
    """The key provider gave no usable key, and none was at hand. Nothing of what it said is shown."""

    default_outcome = Outcome.NOT_SENT


class ForkedClientError(CallError):
    """A client that was in use before a fork was used in the child, which shares its sockets with the parent."""

    default_outcome = Outcome.NOT_SENT

    def __init__(self) -> None:
        super().__init__(
            "This client was opened before the process forked. Make one client per process, after the fork."
        )
