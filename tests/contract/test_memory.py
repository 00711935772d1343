"""What only the transport without a network can show."""

import asyncio
import gzip

import pytest

from setsmart_async import ClientClosedError, HttpRequest, MemoryTransport, Origin, Outcome
from setsmart_async.testing.transport_contract._suite.exchange import closing, run
from setsmart_async.testing.transport_contract._suite.handlers import always, encoded
from setsmart_async.transports.base import Transport


def test_closing_while_an_answer_is_inflated_leaves_it_applied() -> None:
    """In memory, where the answer is there at once; over a socket nobody can tell how much of it is."""
    large = encoded(gzip.compress(bytes(10_000_000)), "gzip")

    async def close_meanwhile(transport: Transport) -> None:
        task = asyncio.create_task(
            transport.send(HttpRequest(method="PUT", origin=Origin("http", "127.0.0.1", 1), target="/x"), timeout=5)
        )
        await asyncio.sleep(0)
        await transport.aclose()
        with pytest.raises(ClientClosedError) as caught:
            await task
        assert caught.value.outcome is Outcome.APPLIED

    run(closing(MemoryTransport(always(large)), close_meanwhile))
