"""What every transport promises."""

from __future__ import annotations

import re
import ssl
from typing import Final, Protocol

from setsmart_async.errors import ConfigurationError
from setsmart_async.wire import HttpRequest, HttpResponse

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""The default largest body of an answer, decompressed."""

NOT_PASSED_ON: Final = (
    "The proxy does not pass connections on. Check its URL and credentials, the base URL and the network."
)
"""Where a proxy was named and no connection came of it."""

_PROXY: Final = re.compile(r"https?://(?:[^\s/@]+@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?", re.ASCII)


def verifying(ssl_context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """The context as it is. Raises `ConfigurationError` for one that does not verify the server."""
    if ssl_context is not None and not (ssl_context.verify_mode is ssl.CERT_REQUIRED and ssl_context.check_hostname):
        raise ConfigurationError(
            "The ssl_context does not verify the server, which would give the API key to anyone in between. "
            "Load your own authority into it: ssl.create_default_context(cafile=...)."
        )
    return ssl_context


def checked_proxy(url: str | None) -> str | None:
    """The proxy's URL as it is. Raises `ConfigurationError`, which does not show it, for what is none."""
    try:
        if url is not None and not _PROXY.fullmatch(url):
            raise ConfigurationError(
                "proxy must be an http:// or https:// URL: a host, perhaps a port and credentials."
            )
        return url
    finally:
        del url  # a traceback that shows local variables must not show its credentials


class Transport(Protocol):
    """Carries one request and brings one complete answer.

    Promises, held to by the suite `setsmart_async.testing.transport_contract`:

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
