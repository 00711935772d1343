"""The library's own transports, and what is known of them that the contract does not allow."""

import contextlib
import ssl
from typing import Any

import httpx

from setsmart_async import AiohttpTransport, HttpxTransport, MemoryTransport
from setsmart_async.testing.transport_contract import Candidate, Gap

GAPS = (
    Gap(
        ("httpx2", "legacy httpx"),
        r"r22-(same length twice|lengths in a list)",
        (22,),
        "an answer with the same length twice is accepted: h11 makes one of them",
    ),
    Gap(
        ("httpx2", "legacy httpx"),
        r"r22-not HTTP-(at once|in two)",
        (22,),
        "a line that is no HTTP, with nothing behind it, ends the attempt only by its time: h11 waits for more",
        is_run=False,
    ),
    Gap(
        ("httpx2", "legacy httpx"),
        r"r29_an_answer_in_mid_upload",
        (29,),
        "an answer in mid-upload is not looked at before all is sent: httpcore reads only then",
        is_run=False,
    ),
    Gap(
        ("httpx2", "legacy httpx"),
        r"r34_at_every_place\[\w+-\w+-https|r35_at_every_stage|r09_a_stalled_connection",
        (9, 34, 35, 36),
        "a connection given up on in its TLS handshake is left to the garbage collector, with a warning: by anyio",
        is_run=False,
    ),
    Gap(
        ("legacy httpx",),
        r"r05_fresh_writes|r05_a_fresh_connection",
        (5,),
        "a create goes over a pooled connection: the pool is that of the client that was handed in",
    ),
    Gap(
        ("legacy httpx",),
        r"r28_.*nonsense",
        (28,),
        "a redirect to nonsense ends as a `ProtocolError`: httpx reads where it points, and goes nowhere all the same",
        is_run=False,
    ),
    Gap(
        ("legacy httpx",),
        r"verification_can_not_be_switched_off",
        (30,),
        "whether the server is verified is the business of the client that was handed in",
    ),
    Gap(
        ("httpx2", "legacy httpx"),
        r"r21-endless in tiny chunks",
        (21,),
        "an endless body in tiny chunks is refused, but only after seconds: h11 reads each in Python",
        is_run=False,
    ),
)
"""Everything else holds, as far as it means something there: in memory there are no sockets."""


class HandedIn(HttpxTransport):
    """A legacy client that its owner handed in, and closes."""

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, **settings: Any) -> None:  # noqa: ANN401 - as theirs
        self._client_of_mine = httpx.AsyncClient(
            verify=ssl_context or True,
            trust_env=False,
            timeout=None,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )
        super().__init__(self._client_of_mine, **settings)  # type: ignore[arg-type]  # it has the same methods

    async def aclose(self) -> None:
        await super().aclose()
        with contextlib.suppress(RuntimeError):
            await self._client_of_mine.aclose()


TRANSPORTS = (
    Candidate("aiohttp", AiohttpTransport, has_sockets=True),
    Candidate("httpx2", HttpxTransport, has_sockets=True),
    Candidate("legacy httpx", HandedIn, has_sockets=True),
    Candidate("memory", MemoryTransport, has_sockets=False),
)
