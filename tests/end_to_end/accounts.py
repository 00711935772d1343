"""An account to work with: a client before a sandbox, in memory, over HTTP or over HTTPS."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

from setsmart_async import AiohttpTransport, MemoryTransport, SetSmart
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.testing.transport_contract._suite import certificates

T = TypeVar("T")

Way = Literal["memory", "http", "https"]
WAYS: tuple[Way, ...] = ("memory", "http", "https")


@asynccontextmanager
async def account(
    way: Way,
    api: SandboxApi,
    **settings: Any,  # noqa: ANN401 - as `SetSmart` takes them
) -> AsyncGenerator[SetSmart, None]:
    """A client of this sandbox, closed at the end."""
    settings = {"api_key": SANDBOX_API_KEY, **settings}
    if way == "memory":
        in_memory = MemoryTransport(api.handle)
        async with SetSmart(transport=in_memory, base_url="http://127.0.0.1:1/v1", **settings) as client:
            yield client
        return
    context = certificates.good() if way == "https" else None
    async with SandboxServer(api, ssl_context=context) as server:
        transport = AiohttpTransport(ssl_context=certificates.trusting()) if way == "https" else AiohttpTransport()
        async with SetSmart(transport=transport, base_url=server.url, **settings) as client:
            yield client
        await transport.aclose()


def using(
    way: Way,
    api: SandboxApi,
    use: Callable[[SetSmart], Coroutine[Any, Any, T]],
    **settings: Any,  # noqa: ANN401 - as above
) -> T:
    """What comes of using an account, from beginning to end."""

    async def main() -> T:
        async with account(way, api, **settings) as client:
            return await use(client)

    return asyncio.run(main())
